"""A finished data set, read: each column is one long array over all shards."""

from __future__ import annotations

import math
import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.storage.hdf5.layout import Column, stored_dtype
from mixup_cli.storage.hdf5.shard import map_column, read_column, require_filter
from mixup_cli.storage.members import renumberings_of
from mixup_cli.storage.opened import OpenedDataSet, OtherShardError

if sys.platform != "win32":
    import resource

Result = TypeVar("Result")

FEW_DESCRIPTORS, MOST_DESCRIPTORS = 512, 32768
"""Windows allows C libraries 512 open files; Linux lets a process map about twice 32768 regions."""

LARGE_ROW_BYTES = 16 << 10
"""From this size on, rows are copied one by one: a second copy of them costs more than NumPy's calls."""

ALIGNMENT_BYTES = 64
"""Where rows are gathered to, since columns begin so, too. AMD's Zen 3 copies (glibc's `rep movsb`) at half the pace
between places whose lowest bits differ, as malloc's do."""


_mapped: deque[tuple[weakref.ref[ShardedColumn], int]] = deque()
"""Which shards of which columns this process has mapped, the oldest first."""


@cache
def most_maps() -> int:
    """How many maps to hold: Python keeps a descriptor open for each. Half of the descriptors are left to others."""
    if sys.platform == "win32":
        return FEW_DESCRIPTORS // 2
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_DESCRIPTORS // 2 if allowed == resource.RLIM_INFINITY else min(allowed, MOST_DESCRIPTORS) // 2


class _Scratch(threading.local):
    """Memory that each thread reuses: new pages for each batch cost more than the copy."""

    def __init__(self) -> None:
        self._held = np.empty(0, np.uint8)

    def __reduce__(self) -> tuple[type[_Scratch], tuple[()]]:
        """Pickled as nothing."""
        return type(self), ()

    def room(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """An undefined array, until this thread's next."""
        count = math.prod(shape) * dtype.itemsize
        if len(self._held) < count:
            room = np.empty(count + ALIGNMENT_BYTES, np.uint8)
            self._held = room[-room.ctypes.data % ALIGNMENT_BYTES :]
        return self._held[:count].view(dtype).reshape(shape)


def undisturbed(read: Callable[[], Result]) -> Result:
    """The result of `read`, which opens a shard: repeated if the shard was replaced before its manifest was read."""
    try:
        return read()
    except OtherShardError:
        return read()


def existing(rows: Sequence[int] | NDArray[np.int64], count: int, name: str) -> NDArray[np.int64]:
    """The numbers of some of `count` rows, int64 (m) from 0; negative ones count from the end. Raises IndexError, which
    begins with `name`, if a row does not exist."""
    rows = np.asarray(rows, np.int64)
    if not len(rows):
        return rows
    if rows.min() < 0:
        rows = np.where(rows < 0, rows + count, rows)
    if rows.min() < 0 or rows.max() >= count:
        outside = rows[(rows < 0) | (rows >= count)][0]
        asked = outside - count if outside < 0 else outside
        raise IndexError(f"{name}: row {asked} does not exist; the data set has {count} rows.")
    return rows


def in_order(rows: NDArray[np.int64], count: int, name: str) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The order that sorts some (one or more) of `count` rows, and the sorted rows from 0. Raises as `existing`."""
    order = rows.argsort()
    ascending = rows[order]
    if ascending[0] >= 0 and ascending[-1] < count:  # sorted rows show their bounds
        return order, ascending
    return in_order(existing(rows, count, name), count, name)


def consecutive(rows: slice, count: int, name: str) -> range:
    """The rows of a slice of `count` rows. Raises ValueError, which begins with `name`, for any other step than 1."""
    start, stop, step = rows.indices(count)
    if step != 1:
        raise ValueError(f"{name}: slices have step 1, not {step}. Use take for other rows.")
    return range(start, stop)


class ShardedColumn:
    """A column of a data set, read by ranges of rows. Uncompressed shards are `mapped`, others are read through h5py. A
    shard that is cut short while it is mapped ends the process, so `mapped=False` is for files that others may change.
    Rows are those of the data set that was `opened`, also while it is extended.

    `shape` is (samples, *row shape). Raises DataError if the column does not exist, or a shard cannot be read or was
    replaced since the data set was opened.
    """

    def __init__(self, opened: OpenedDataSet, name: str, *, mapped: bool = True) -> None:
        folder, manifest = opened.folder, opened.manifest
        found = [column for column in manifest.columns if column.name == name]
        if not found:
            known = ", ".join(column.name for column in manifest.columns)
            raise DataError(f"{folder}: has no column {name!r}, only {known}.")
        require_filter(manifest.compression)
        self._column = Column.of(found[0])
        self._opened = opened
        self._borders = opened.borders
        self._renumberings = renumberings_of(manifest, name)
        self._maps: dict[int, Any] = {}
        self._scratch = _Scratch()
        self.is_mapped = mapped and manifest.compression == "none"
        """Whether the shards are uncompressed, and rows are read without a copy."""
        self._row_by_row = self.is_mapped and self._column.row_bytes >= LARGE_ROW_BYTES
        self.shape = (manifest.totals.samples, *found[0].shape)
        self.dtype = stored_dtype(self._column)

    def __len__(self) -> int:
        return self.shape[0]

    def __getstate__(self) -> dict[str, Any]:
        """Without the maps, which would be pickled with all their bytes: each process makes its own."""
        return {**self.__dict__, "_maps": {}}

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        """Consecutive rows. Raises ValueError for any other step than 1."""
        asked = consecutive(rows, len(self), self._column.name)
        start, stop = asked.start, asked.stop
        parts = [np.empty((0, *self.shape[1:]), self.dtype)]
        for number in range(self._shard_of(start), len(self._borders) - 1):
            first, end = self._borders[number : number + 2].tolist()
            if first >= stop:
                break
            parts.append(self._part(number, slice(max(start - first, 0), min(stop, end) - first)))
        return parts[1] if len(parts) == 2 else np.concatenate(parts)

    def row(self, number: int) -> NDArray[Any]:
        """One row that exists, from 0: (*row shape). Without a copy where shards are mapped."""
        shard = self._shard_of(number)
        place = number - int(self._borders[shard])
        row: NDArray[Any] = self._part(shard, slice(place, place + 1))[0]
        return row

    def _shard_of(self, row: int) -> int:
        return int(self._borders.searchsorted(row, side="right")) - 1

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[Any]:
        """Rows in any order: (len(rows), *row shape). Touches each shard once; negative rows count from the end.

        Raises IndexError if a row does not exist.
        """
        rows = np.asarray(rows, np.int64)
        if not len(rows):
            return np.empty((0, *self.shape[1:]), self.dtype)
        order, ascending = in_order(rows, len(self), self._column.name)
        if self._row_by_row:
            return self._one_by_one(order, ascending)
        return self._shard_by_shard(order, ascending)

    def _one_by_one(self, order: NDArray[np.intp], ascending: NDArray[np.int64]) -> NDArray[Any]:
        """Each row copied once: for rows that cost more than a turn of this loop."""
        taken = np.empty((len(order), *self.shape[1:]), self.dtype)
        for position, (number, place) in zip(order.tolist(), self._places(ascending), strict=True):
            taken[position] = self._map(number)[place]
        return taken

    def _places(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """The shard of each row, and its place in it."""
        numbers = self._borders.searchsorted(rows, side="right") - 1
        return zip(numbers.tolist(), (rows - self._borders[numbers]).tolist(), strict=True)

    def _shard_by_shard(self, order: NDArray[np.intp], ascending: NDArray[np.int64]) -> NDArray[Any]:
        """Rows taken in their order in the shards, and put in the order asked for while they are in cache."""
        grouped = self._scratch.room((len(order), *self.shape[1:]), self.dtype)
        cuts = ascending.searchsorted(self._borders)
        for number in (cuts[1:] > cuts[:-1]).nonzero()[0].tolist():
            part = slice(cuts[number], cuts[number + 1])
            wanted, out = ascending[part] - self._borders[number], grouped[part]
            if self.is_mapped:  # mode="raise" would gather into a buffer of its own first
                self._map(number).take(wanted, axis=0, out=out, mode="clip")
            else:
                each_once, back = np.unique(wanted, return_inverse=True)  # h5py takes no row twice
                self._read(number, each_once).take(back, axis=0, out=out, mode="clip")
        taken = np.empty(grouped.shape, self.dtype)
        taken[order] = grouped
        return taken

    def _part(self, number: int, rows: slice) -> NDArray[Any]:
        part: NDArray[Any] = self._map(number)[rows] if self.is_mapped else self._read(number, rows)
        return part

    def _read(self, number: int, rows: slice | NDArray[np.int64]) -> NDArray[Any]:
        path = self._opened.path(number)

        def row_count(size: int, found: int) -> int:
            record = self._opened.shard(number, size, found)
            return record.stop - record.start

        return self._renumbered(number, undisturbed(lambda: read_column(path, self._column, row_count, rows)))

    def _renumbered(self, number: int, values: NDArray[Any]) -> NDArray[Any]:
        """The values of a shard, as the whole data set numbers rows, inputs and methods, if it was merged."""
        for first_row, how in self._renumberings:
            if self._borders[number] >= first_row:
                return values + how if isinstance(how, int) else how.take(values)
        return values

    def _rows_in(self, number: int) -> int:
        return int(self._borders[number + 1] - self._borders[number])

    def _map(self, number: int) -> Any:
        """A shard's column, mapped when it is first asked for: an array, or what takes a row or a slice as one."""
        held = self._maps.get(number)
        if held is not None:
            return held
        mapped = undisturbed(lambda: self._mapped(number))
        self._maps[number] = mapped
        self._make_way(number)
        return mapped

    def _mapped(self, number: int) -> Any:
        def map_(file: BinaryIO, offset: int) -> NDArray[Any]:
            # as a plain array, of which views are made four times as fast as of a memmap
            mapped = np.asarray(map_column(file, self._column, offset, self._rows_in(number)))
            return self._renumbered(number, mapped)

        return self._in_shard(number, self._opened.path(number), map_)

    def _in_shard(self, number: int, path: Path, use: Callable[[BinaryIO, int], Result]) -> Result:
        """What `use` makes of a shard that is open, and of the place of the column in it."""
        try:
            with path.open("rb") as file:
                return use(file, self._offset(number, path, os.fstat(file.fileno()).st_size))
        except (OSError, ValueError) as problem:
            raise DataError(f"{path}: cannot be read ({problem}). Run mixup-gen verify.") from problem

    def _offset(self, number: int, path: Path, size: int) -> int:
        offset = self._opened.shard(number, size).columns[self._column.name].offset
        if offset is None:
            raise DataError(f"{path}: the manifest does not say where {self._column.name} begins.")
        return offset

    def _make_way(self, newest: int) -> None:
        """If there are too many maps, drop the oldest, of any column."""
        _mapped.append((weakref.ref(self), newest))
        while len(_mapped) > most_maps():
            column, number = _mapped.popleft()
            if (holder := column()) is not None:
                holder._maps.pop(number, None)
