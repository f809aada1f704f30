"""Reading a finished data set: any column as one long array, whatever the shards."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.storage.layout import Column, stored_dtype
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.shard import map_column, read_columns, require_filter


class ShardedColumn:
    """A column of a data set, read by ranges of rows. Uncompressed shards are mapped, others read through h5py.

    `shape` is (samples, *row shape). Raises DataError where the data set has no such column or a shard cannot be read.
    """

    def __init__(self, folder: Path, manifest: Manifest, name: str) -> None:
        found = [column for column in manifest.columns if column.name == name]
        if not found:
            there = ", ".join(column.name for column in manifest.columns)
            raise DataError(f"{folder}: it has no column {name!r} ({there}).")
        require_filter(manifest.compression)
        self._column = Column(name, found[0].dtype, found[0].shape)
        self._shards = [(folder / shard.file, shard) for shard in manifest.shards]
        self._ends = list(accumulate(shard.stop - shard.start for shard in manifest.shards))
        self._mapped: dict[int, NDArray[Any]] | None = {} if manifest.compression == "none" else None
        self.shape = (manifest.totals.samples, *found[0].shape)
        self.dtype = stored_dtype(self._column)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        start, stop, _ = rows.indices(len(self))
        parts = [np.empty((0, *self.shape[1:]), self.dtype)]
        for number in range(bisect_right(self._ends, start), len(self._shards)):
            first = self._ends[number - 1] if number else 0
            if first >= stop:
                break
            parts.append(self._part(number, slice(max(start - first, 0), min(stop, self._ends[number]) - first)))
        return parts[1] if len(parts) == 2 else np.concatenate(parts)

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Rows in any order: (len(rows), *row shape). Touches each shard once."""
        numbers = np.searchsorted(self._ends, rows, side="right")
        taken = np.empty((len(rows), *self.shape[1:]), self.dtype)
        for number in np.unique(numbers):
            here = numbers == number
            first = self._ends[number - 1] if number else 0
            wanted = rows[here] - first
            if self.is_mapped:
                taken[here] = self._map(number)[wanted]
            else:
                ascending, back = np.unique(wanted, return_inverse=True)  # h5py takes rising indices only
                taken[here] = self._read(number, ascending)[back]
        return taken

    @property
    def is_mapped(self) -> bool:
        """Whether the shards are uncompressed, and rows are read without a copy."""
        return self._mapped is not None

    def _part(self, number: int, rows: slice) -> NDArray[Any]:
        return self._map(number)[rows] if self.is_mapped else self._read(number, rows)

    def _read(self, number: int, rows: slice | NDArray[np.int64]) -> NDArray[Any]:
        return read_columns(self._shards[number][0], [self._column.name], rows)[self._column.name]

    def _map(self, number: int) -> NDArray[Any]:
        """A shard's column, mapped when it is first asked for."""
        path, shard = self._shards[number]
        maps, offset = self._mapped or {}, shard.columns[self._column.name].offset or 0
        if number not in maps:
            try:
                maps[number] = map_column(path, self._column, offset, shard.stop - shard.start)
            except (OSError, ValueError) as problem:
                raise DataError(f"{path}: cannot be read ({problem}). Run mixup-gen verify.") from problem
        return maps[number]
