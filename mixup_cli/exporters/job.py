"""What is exported: which rows of a data set, which columns, in which pieces."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import ExportFormat
from mixup_cli.engines.local import available_cores
from mixup_cli.errors import UsageError
from mixup_cli.fields.signal import Signal
from mixup_cli.image_format import ImageFormat
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.passes import originals_of
from mixup_cli.readers.samples import Part, parts_of
from mixup_cli.recipe import Recipe
from mixup_cli.storage.meanings import mask_of
from mixup_cli.storage.opened import finished_manifest, folder_of
from mixup_cli.wording import did_you_mean, setting

BLOCK_BYTES = 2 << 20
"""Rows that are read, and perhaps encoded, together."""

Result = TypeVar("Result")
Block = Mapping[str, NDArray[Any]]
"""Some rows: the values of each column, (m, *shape)."""


@dataclass(frozen=True)
class Options:
    """What is wanted of a data set, and in which format. `columns` None means all, and its labels; `rows` None means
    all, or are those from `rows[0]` up to and without `rows[1]` (None: the last)."""

    to: ExportFormat
    image_format: ImageFormat | None = None
    columns: tuple[str, ...] | None = None
    rows: tuple[int, int | None] | None = None
    originals_only: bool = False


@dataclass(frozen=True)
class Piece:
    """The rows of one unit of work: number `number` of `count`. In the export, the first of them is row `start`."""

    number: int
    count: int
    start: int
    rows: NDArray[np.int64]

    @property
    def stop(self) -> int:
        return self.start + len(self.rows)


class Job:
    """The rows and columns of a data set that are exported.

    `rows` are the numbers of the rows, int64 (n), ascending; `parts` are the columns: name, dtype and shape of a value,
    and how to read it. `labels` is among them for any labelled data set: the soft label, float32 (K). Raises
    NoInputError and DataError as `readers.numpy.MixedArrays` does, UsageError for rows or columns that do not exist.
    """

    def __init__(self, place: str | Path, options: Options) -> None:
        folder = folder_of(place)
        finished_manifest(folder)
        self.arrays = MixedArrays(folder)
        self.manifest = self.arrays.manifest
        self.class_names = self.arrays.class_names
        self.label_kind = self.arrays.label_kind
        self.image_format = options.image_format
        self.options = options
        self.rows = _rows(self.arrays, options)
        self.parts: tuple[Part, ...] = tuple(parts_of(self.arrays, {"sample": _columns(self.arrays, options)}, None))

    @cached_property
    def signals(self) -> dict[str, Signal]:
        """The signals among the columns, by name: images, and what stands beside them."""
        names = {part.name for part in self.parts}
        return {signal.name: signal for signal in self.manifest.signals if signal.name in names}

    @cached_property
    def keypoints(self) -> dict[str, list[Any]]:
        """The names of the keypoints of objects, `keypoints`, and by position which of them takes the place of each in
        a mirror, `mirrored_keypoints`; empty without any."""
        recipe = Recipe.from_dict(self.manifest.recipes[0])
        return {name: list(getattr(recipe, name)) for name in ("keypoints", "mirrored_keypoints") if recipe.keypoints}

    @property
    def row_bytes(self) -> int:
        """The size of a row in all columns, as arrays."""
        return sum(part.row_bytes for part in self.parts)

    @cached_property
    def wanted(self) -> dict[str, Any]:
        """Everything that decides the export's bytes, as JSON holds it."""
        first, stop = self.options.rows or (0, None)
        return {
            "to": self.options.to,
            "data_set": self.manifest.recipe_id,
            "source": self.manifest.source.fingerprint,
            "samples": len(self.arrays),
            "image_format": None if self.image_format is None else str(self.image_format),
            "columns": [part.name for part in self.parts],
            "rows": [first, len(self.arrays) if stop is None else stop],
            "originals_only": self.options.originals_only,
        }

    def facts(self) -> dict[str, Any]:
        """What a stranger must know to understand the columns, as JSON holds it."""
        boxes = {} if self.manifest.boxes is None else {"boxes": self.manifest.boxes, **self.keypoints}
        return {
            **boxes,
            **({"ignore_index": self.manifest.ignore_index} if mask_of(self.manifest) else {}),
            "class_names": list(self.class_names),
            "label_kind": self.label_kind,
            "methods": list(self.manifest.methods),
            "axes": {name: signal.axes for name, signal in self.signals.items()},
            "mixup_gen_export": self.wanted,
        }

    @cached_property
    def even_rows(self) -> int:
        """The rows of an even piece: the largest power of two that is not above the rows of the largest shard."""
        most = max(shard.stop - shard.start for shard in self.manifest.shards)
        return 1 << (most.bit_length() - 1)

    def pieces(self, even: bool = False) -> Iterator[Piece]:
        """The rows of each shard that has some, in order; `even`: `even_rows` at a time."""
        if even:
            cuts = [*range(0, len(self.rows), self.even_rows), len(self.rows)]
        else:
            stops = [shard.stop for shard in self.manifest.shards]
            cuts = sorted({0, *self.rows.searchsorted(stops).tolist()})
        for number, (start, stop) in enumerate(pairwise(cuts)):
            yield Piece(number, len(cuts) - 1, start, self.rows[start:stop])

    def read(self, rows: NDArray[np.int64]) -> Block:
        """The columns of some rows."""
        return {part.name: part.read(rows) for part in self.parts}

    def blocks(self, rows: NDArray[np.int64], work: Callable[[NDArray[np.int64]], Result]) -> Iterator[Result]:
        """What `work` makes of some of the rows after others, in order. It runs in threads, ahead of the caller."""
        return in_order(self.cut(rows), work, 2 * available_cores())

    def cut(self, rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Some of the rows after others: BLOCK_BYTES in all columns, at least one."""
        step = max(1, BLOCK_BYTES // max(1, self.row_bytes))
        return (rows[start : start + step] for start in range(0, len(rows), step))


Item = TypeVar("Item")


def in_order(items: Iterable[Item], work: Callable[[Item], Result], most: int) -> Iterator[Result]:
    """What `work` makes of each item, in order. It runs in threads; up to `most` results wait for the caller."""
    ahead: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(min(most, available_cores()), "export") as pool:
        try:
            for item in items:
                ahead.append(pool.submit(work, item))
                if len(ahead) > most:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def _rows(arrays: MixedArrays, options: Options) -> NDArray[np.int64]:
    count = len(arrays)
    first, stop = options.rows or (0, None)
    stop = count if stop is None else stop
    if stop > count or first >= stop:
        found = f"{arrays.folder} has the rows 0:{count}, and {first}:{stop} is asked for."
        raise UsageError(found, f"Pass, for example, 0:{count}.", field="rows")
    if not options.originals_only:
        return np.arange(first, stop)
    kept = originals_of(arrays.folder, arrays.manifest)
    rows = np.concatenate([np.empty(0, np.int64), *(np.arange(each.start, each.stop) for each, _ in kept)])
    rows = rows[(rows >= first) & (rows < stop)]
    if not len(rows):
        found = f"{arrays.folder} holds no originals beside its mixed rows, or none among these."
        raise UsageError(found, f"Generate with {setting('keep_originals')}, or leave it out.", field="originals_only")
    return rows


def _columns(arrays: MixedArrays, options: Options) -> tuple[str, ...]:
    """The names of the columns, `labels` behind the signals if they are computed."""
    stored = [column.name for column in arrays.manifest.readable]
    if arrays.label_kind != "none" and "labels" not in stored:
        stored.insert(len(arrays.manifest.signals), "labels")
    for name in options.columns or ():
        if name not in stored:
            found = f"{arrays.folder} has no column {name!r}{did_you_mean(name, stored)}"
            raise UsageError(found, f"It has {', '.join(stored)}.", field="columns")
    return tuple(name for name in stored if options.columns is None or name in options.columns)
