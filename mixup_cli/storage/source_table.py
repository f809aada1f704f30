"""sources.csv: every input of a data set, with its hash and whether it was used. Its own hash is the fingerprint."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.json_files import content_of
from mixup_cli.storage.loaded import Loaded, LoadedColumn
from mixup_cli.storage.names import SOURCES
from mixup_cli.wording import setting

if TYPE_CHECKING:
    from mixup_cli.storage.manifest import Manifest  # needs pydantic

HEADER = ("source_index", "key", "label", "bytes", "sha256", "status")
GROUP = "group"
GROUPED_HEADER = (*HEADER[:3], GROUP, *HEADER[3:])
USED = "ok"
LINES_AT_ONCE = 4096
TABLE_LIMIT_BYTES = 64 << 30
"""sources.csv has a line for each input: there may be many millions."""


@dataclass(frozen=True)
class SourceTable:
    """One entry per input, in the order of `source_index`. `labels` are class names, or hashes of labels of other
    kinds, or empty; `groups` are None if absent. `has_names`: the labels are not hashes (of a table that was read, this
    is unknown). `list_folder` is the source's."""

    keys: Sequence[str]
    labels: Sequence[str]
    loaded: LoadedColumn
    groups: Sequence[str] | None = None
    has_names: bool = True
    list_folder: str | None = None

    @cached_property
    def csv(self) -> bytes:
        """The bytes of sources.csv: RFC 4180 with plain newlines, UTF-8."""
        header = HEADER if self.groups is None else GROUPED_HEADER
        starts = range(0, len(self.keys), LINES_AT_ONCE)
        return b"".join([_lines([header]), *map(self._lines_from, starts)])

    def _lines_from(self, first: int) -> bytes:
        """The lines of the inputs from `first` on: LINES_AT_ONCE of them, or all that are left."""
        taken = slice(first, min(first + LINES_AT_ONCE, len(self.keys)))
        sizes, hashes, problems = self.loaded.columns(taken.start, taken.stop)
        groups = [] if self.groups is None else [self.groups[taken]]
        states = [problem or USED for problem in problems]
        columns = (range(taken.start, taken.stop), self.keys[taken], self.labels[taken], *groups)
        return _lines([*zip(*columns, sizes, hashes, states, strict=True)])

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the bytes of sources.csv: 64 hex digits."""
        return hashlib.sha256(self.csv).hexdigest()

    @property
    def usable(self) -> NDArray[np.int64]:
        """The indices of the inputs that can be mixed: int64 (n,)."""
        return np.delete(np.arange(len(self.keys), dtype=np.int64), list(self.loaded.problems))

    @property
    def last_part(self) -> range:
        """The inputs from the last of several sources that were combined, by the number in front of their keys."""
        own = self.keys[-1].partition(":")[0] + ":" if self.keys else ""
        first = len(self.keys)
        while first and self.keys[first - 1].startswith(own):
            first -= 1
        return range(first, len(self.keys))

    def part(self, inputs: range) -> SourceTable:
        """The table of some consecutive inputs, numbered from 0."""
        if inputs == range(len(self.keys)):
            return self
        taken = slice(inputs.start, inputs.stop)
        groups = None if self.groups is None else self.groups[taken]
        loaded = LoadedColumn.of(self.loaded[taken])
        return replace(self, keys=self.keys[taken], labels=self.labels[taken], loaded=loaded, groups=groups)

    def skipped(self) -> Iterator[tuple[int, str, str]]:
        """(source_index, key, reason) of every input that was left out."""
        for index, reason in self.loaded.problems.items():
            yield index, self.keys[index], reason


def joined(tables: Sequence[SourceTable]) -> SourceTable:
    """The inputs of several tables, one after another. Either all have groups, or none has."""
    if len(tables) == 1:
        return tables[0]
    groups = [*chain.from_iterable(table.groups or () for table in tables)]
    return SourceTable(
        keys=[*chain.from_iterable(table.keys for table in tables)],
        labels=[*chain.from_iterable(table.labels for table in tables)],
        loaded=LoadedColumn.of([*chain.from_iterable(table.loaded for table in tables)]),
        groups=groups or None,
    )


def _lines(rows: Sequence[tuple[object, ...]]) -> bytes:
    """Rows of two cells or more as lines. Most need no quotes: one format then makes them, in a fifth of the time."""
    width = len(rows[0])
    text = "".join(map((",".join(["%s"] * width) + "\n").__mod__, rows))
    if text.count(",") > len(rows) * (width - 1) or text.count("\n") > len(rows) or '"' in text or "\r" in text:
        quoted = PlainNewlines()
        csv.writer(quoted, lineterminator="\r\n").writerows(rows)
        text = quoted.getvalue()
    return text.encode()


class PlainNewlines(io.StringIO):
    """Ends rows with LF. The csv module writes CR LF, since it quotes a CR in a cell only then."""

    def write(self, row: str) -> int:
        return super().write(row.removesuffix("\r\n") + "\n")


def check_sealed(path: Path, data: bytes, sealed: str) -> None:
    """Raises DataError if the bytes of a finished data set's sources.csv are not those that were sealed."""
    found = hashlib.sha256(data).hexdigest()
    if found != sealed:
        remedy = f"Run mixup-gen repair {path.parent}."
        raise DataError(f"{path}: its sha256 is {found[:12]}…, and {sealed[:12]}… was sealed.", remedy)


def read_table(data: bytes, name: str) -> SourceTable:
    """The table in the bytes of sources.csv. Raises DataError, which begins with `name`, if they are damaged."""
    before = csv.field_size_limit(1 << 24)
    try:
        rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
        header = tuple(rows.pop(0))
        if header not in (HEADER, GROUPED_HEADER):
            raise ValueError(f"its first line is not {','.join(HEADER)}")
        if any(len(row) != len(header) for row in rows):
            raise ValueError("lines have different numbers of fields")
        loaded = LoadedColumn.of(
            [Loaded(int(size), sha, None if status == USED else status) for *_, size, sha, status in rows]
        )
    except (ValueError, IndexError, OverflowError, csv.Error) as problem:
        remedy = f"Restore it, or start over with {setting('force')}."
        raise DataError(f"{name}: not a list of sources ({problem}).", remedy) from None
    finally:
        csv.field_size_limit(before)  # it holds for the whole process
    groups = [row[3] for row in rows] if header == GROUPED_HEADER else None
    return SourceTable([row[1] for row in rows], [row[2] for row in rows], loaded, groups)


def first_difference(before: SourceTable, now: SourceTable) -> str | None:
    """What changed between two looks at a source, in words, or None. Names the first input that differs."""
    if (other := _first_other_key(before.keys, now.keys)) is not None:
        return other
    if (before.groups is None) != (now.groups is None):
        had_none = f"its samples had no groups, and now have: {setting('group_column', 'none')} ignores them"
        return had_none if before.groups is None else "its samples had groups, and now have none"
    ungrouped = [""] * len(now.keys)
    groups = zip(before.groups or ungrouped, now.groups or ungrouped, strict=True)
    columns = zip(before.keys, before.labels, now.labels, groups, before.loaded, now.loaded, strict=True)
    for key, old_label, new_label, (old_group, new_group), old_state, new_state in columns:
        if old_label != new_label and now.has_names:
            return f"{key} was of class {old_label!r} and is of {new_label!r}"
        if old_label != new_label:
            return f"{key} has another label than before"
        if old_group != new_group:
            return f"{key} was of group {old_group!r} and is of {new_group!r}"
        if old_state != new_state:
            return _of_content(key, old_state, new_state, now.list_folder)
    return None


def _first_other_key(before: Sequence[str], now: Sequence[str]) -> str | None:
    for old, new in zip(before, now, strict=False):
        if old != new:
            return f"{min(old, new)} is {'gone' if old < new else 'new'}"
    if len(before) == len(now):
        return None
    longer = max(before, now, key=len)
    return f"{longer[min(len(before), len(now))]} is {'gone' if longer is before else 'new'}"


def _of_content(key: str, before: Loaded, now: Loaded, list_folder: str | None) -> str:
    """How two looks at one input differ. One that cannot be read any more is not reported as other content."""
    if before.problem is not None or now.problem is None:
        return f"{key} has other content than before"
    where = f"; the paths of the list begin in {list_folder}" if list_folder else ""
    return f"{key}, which could be used before: {now.problem}{where}"


def sealed_table(folder: Path) -> SourceTable | None:
    """The table that an earlier run sealed, or None if absent. Raises DataError for a damaged one."""
    path = file_inside(folder, SOURCES)
    return read_table(content_of(path, TABLE_LIMIT_BYTES), str(path)) if path.exists() else None


def finished_table(folder: Path, finished: Manifest) -> SourceTable:
    """The table of a finished data set. Raises DataError also for one that is missing: compared with that, every source
    would differ."""
    path = file_inside(folder, SOURCES)
    if not path.exists():
        raise DataError(f"{path}: is missing. Run mixup-gen repair {folder}.")
    data = content_of(path, TABLE_LIMIT_BYTES)
    check_sealed(path, data, finished.source.fingerprint)
    return read_table(data, str(path))
