"""The records of shards: in the manifest, or, of very many, in lists beside it, which are read when they are needed.

A record takes 600 bytes of the manifest, or 1,200 in a compressed data set, and every reader would parse all of them
first. A list is never changed: what grows gets a list of another name. So a reader of the smaller data set finds its
lists as they were.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Annotated, TypeAlias, overload

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from mixup_cli.errors import DataError
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.json_files import content_of

MOST_IN_MANIFEST = 100_000
"""A data set of more shards has lists."""

PER_LIST = 10_000
"""The shards of each list but the last."""

MOST = 1 << 62
"""The largest count of bytes or rows, so that sums do not overflow, whatever a manifest says."""

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=MOST)]
ShardFile = Annotated[str, Field(pattern=r"^shard-[0-9]{5,}\.h5$")]
"""A file in the data set's own folder: a name that leaves it cannot be written down."""
ListFile = Annotated[str, Field(pattern=r"^shards-[0-9]{12,}\.json$")]


class Model(BaseModel):
    """Frozen, and strict about what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class StoredColumn:
    """A column in one shard."""  # there can be millions: a Model would take four times the memory

    offset: Count | None = Field(default=None, description="where its bytes begin in the file (uncompressed shards)")
    content_sha256: Sha256 | None = Field(
        default=None, description="hash of its uncompressed bytes (compressed shards)"
    )


@lru_cache(maxsize=16)
def _held(columns: tuple[tuple[str, StoredColumn], ...]) -> dict[str, StoredColumn]:
    return dict(columns)


def _shared(columns: dict[str, StoredColumn]) -> dict[str, StoredColumn]:
    """The same dictionary for equal columns: most uncompressed shards of a data set have the same offsets."""
    return _held(tuple(columns.items()))


class ShardRecord(Model):
    """One sealed shard."""

    file: ShardFile
    bytes: Count
    sha256: Sha256 = Field(description="hash of the whole file")
    start: Count = Field(description="first row of the plan that it holds")
    stop: Count = Field(description="one past the last row")
    columns: Annotated[dict[str, StoredColumn], AfterValidator(_shared)]


class ShardList(Model):
    """A file with the records of consecutive shards, as `shards` would have them."""

    file: ListFile
    bytes: Count
    sha256: Sha256 = Field(description="hash of the whole file")
    start: Count = Field(description="first row of its first shard")
    stop: Count = Field(description="one past the last row of its last shard")
    shards: Annotated[int, Field(ge=1, le=PER_LIST)] = Field(description="how many shards it lists")
    shard_bytes: Count = Field(description="the sum of their bytes")


_RECORDS = TypeAdapter(tuple[ShardRecord, ...])


def shard_name(number: int) -> str:
    """The file name of a shard."""
    return f"shard-{number:05}.h5"


def shard_lists(records: Sequence[ShardRecord]) -> Iterator[tuple[ShardList, bytes]]:
    """The lists of a data set with these shards, each with its bytes; none if the manifest has room for them."""
    for first in range(0, len(records) if len(records) > MOST_IN_MANIFEST else 0, PER_LIST):
        listed = records[first : first + PER_LIST]
        lines = (json.dumps(each.model_dump(exclude_none=True), sort_keys=True) for each in listed)
        data = ("[" + ",\n".join(lines) + "]\n").encode()
        head = ShardList(
            file=f"shards-{listed[-1].stop:012}.json",
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            start=listed[0].start,
            stop=listed[-1].stop,
            shards=len(listed),
            shard_bytes=sum(each.bytes for each in listed),
        )
        yield head, data


def contradictions(
    records: Iterable[ShardRecord], first: int, row: int, row_bytes: Mapping[str, int], compression: str
) -> Iterator[str]:
    """Where the records of shards from number `first` and row `row` on are not what they must be. `row_bytes` are the
    sizes of a row in each column."""
    for number, shard in enumerate(records, first):
        if (shard.file, shard.start) != (shard_name(number), row) or shard.stop <= row:
            found = f"{shard.file} with rows {shard.start} … {shard.stop - 1}"
            yield f"shards.{number}: is {found}, expected {shard_name(number)} from row {row} on"
        for problem in _of_shard(shard, row_bytes, compression):
            yield f"shards.{number}.{problem}"
        row = shard.stop


def _of_shard(shard: ShardRecord, row_bytes: Mapping[str, int], compression: str) -> Iterator[str]:
    if shard.columns.keys() != row_bytes.keys():
        yield f"columns: are {', '.join(shard.columns)}, expected {', '.join(row_bytes)}"
        return
    rows = shard.stop - shard.start
    for name, stored in shard.columns.items():
        if rows * row_bytes[name] > MOST:
            yield f"columns.{name}: has {rows} rows of {row_bytes[name]} bytes, more than any file"
        elif compression != "none":
            if stored.content_sha256 is None:
                yield f"columns.{name}: has no content_sha256"
        elif stored.offset is None:
            yield f"columns.{name}: has no offset"
        elif stored.offset + rows * row_bytes[name] > shard.bytes:
            yield f"columns.{name}: does not fit into {shard.bytes} bytes"


Check: TypeAlias = Callable[[Iterable[ShardRecord], int, int], Iterator[str]]
"""`contradictions` of one data set."""


class ListedShards(Sequence[ShardRecord]):
    """The shards of a data set with lists. A list that is asked for by number stays in memory (1.4 KB a shard, 3.3 KB
    of a compressed one); a loop over all shards keeps none. Raises DataError for a list that is missing or is not what
    was sealed."""

    def __init__(self, folder: Path, lists: Sequence[ShardList], check: Check) -> None:
        self._folder, self._lists, self._check = folder, lists, check
        self._ends = list(accumulate(each.shards for each in lists))
        self._kept: dict[int, Sequence[ShardRecord]] = {}

    def __len__(self) -> int:
        return self._ends[-1]

    @overload
    def __getitem__(self, number: int) -> ShardRecord: ...

    @overload
    def __getitem__(self, number: slice) -> list[ShardRecord]: ...

    def __getitem__(self, number: int | slice) -> ShardRecord | list[ShardRecord]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(len(self)))]
        number = range(len(self))[number]
        place = bisect_right(self._ends, number)
        if place not in self._kept:
            self._kept[place] = self._read(place)
        return self._kept[place][number - self._first(place)]

    def __iter__(self) -> Iterator[ShardRecord]:
        for place in range(len(self._lists)):
            yield from self._read(place)

    def sound(self) -> Iterator[ShardRecord]:
        """Those whose list can be read."""
        for place in range(len(self._lists)):
            try:
                records = self._read(place)
            except DataError:
                continue
            yield from records

    def starts(self, full: int) -> Iterator[int]:
        """The first row of each shard. `full` is the count of rows of all but short shards: a list without these is not
        read."""
        for place, each in enumerate(self._lists):
            if each.stop - each.start == each.shards * full:
                yield from range(each.start, each.stop, full)
            else:
                yield from (shard.start for shard in self._read(place))

    def _first(self, place: int) -> int:
        """The number of a list's first shard."""
        return self._ends[place] - self._lists[place].shards

    def _read(self, place: int) -> Sequence[ShardRecord]:
        head = self._lists[place]
        path = self._folder / head.file
        try:
            data = content_of(file_inside(self._folder, head.file, head.sha256))
            if hashlib.sha256(data).hexdigest() != head.sha256:
                raise ValueError("its sha256 is not the one in the manifest")
            records = _RECORDS.validate_json(data)
            for problem in self._problems(place, records):
                raise ValueError(problem)
        except (FileNotFoundError, ValueError) as problem:
            found = problem.errors()[0]["msg"] if isinstance(problem, ValidationError) else problem
            shown = "is missing" if isinstance(problem, FileNotFoundError) else found
            raise DataError(f"{path}: {shown}.", f"Run mixup-gen repair {self._folder}.") from None
        return records

    def _problems(self, place: int, records: Sequence[ShardRecord]) -> Iterator[str]:
        head = self._lists[place]
        sums = len(records), sum(each.bytes for each in records), records[-1].stop if records else head.start
        if sums != (expected := (head.shards, head.shard_bytes, head.stop)):
            yield f"has {sums[0]} shards of {sums[1]} bytes up to row {sums[2]}, and the manifest says {expected}"
        yield from self._check(records, self._first(place), head.start)
