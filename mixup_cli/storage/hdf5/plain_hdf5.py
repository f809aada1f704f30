"""Data sets of one HDF5 file. Everything that leads out of the file is refused."""

from __future__ import annotations

import math
from itertools import islice
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.storage.hdf5.chunks import ChunkedRows, Rows, filters_of, holds_texts
from mixup_cli.storage.hdf5.global_heap import REFERENCE, GlobalHeap

_SHOWN_NAMES = 8


class NotInFileError(DataError):
    """No data set has this name."""


class PlainDataSet:
    """The rows of a data set of one file. Reading them takes no more memory than their shape says."""

    def __init__(self, data_set: h5py.Dataset, where: str) -> None:
        self.where = where
        self.shape: tuple[int, ...] = data_set.shape
        self.dtype: np.dtype[Any] = data_set.dtype
        self.filters = filters_of(data_set)
        self.chunk_shape: tuple[int, ...] | None = data_set.chunks
        self.stored_bytes: int = data_set.id.get_storage_size()
        self.offset: int | None = data_set.id.get_offset()
        self._heap = GlobalHeap(data_set.file) if holds_texts(data_set) else None
        self._rows = self._stored_rows(data_set)

    def _stored_rows(self, data_set: h5py.Dataset) -> Any:
        if self.chunk_shape is not None:
            return ChunkedRows(data_set, self.where)
        return data_set if self._heap is None else _references(data_set, self.where)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def has_gaps(self) -> bool:
        """Whether some rows were never written."""
        return isinstance(self._rows, ChunkedRows) and self._rows.has_gaps

    def __getitem__(self, rows: Rows) -> NDArray[Any]:
        """Consecutive rows, or some in ascending order, none of them twice. Raises OSError if they are damaged."""
        taken: NDArray[Any] = self._rows[rows]
        return taken if self._heap is None else self._heap.texts(taken)


def _references(data_set: h5py.Dataset, where: str) -> NDArray[Any]:
    """The references in a data set that is not chunked, mapped."""
    offset, path = data_set.id.get_offset(), Path(data_set.file.filename)
    needed = math.prod(data_set.shape) * REFERENCE.itemsize
    if needed == 0:
        return np.empty(data_set.shape, REFERENCE)
    if offset is None or offset + needed > path.stat().st_size:
        raise DataError(f"{where}: its texts are not in the file, or in its header.")
    return np.memmap(path, REFERENCE, "r", offset, data_set.shape)


def plain_numbers(file: h5py.File, key: str, where: str) -> PlainDataSet:
    """A column of a shard: plain numbers, all of them written. Raises DataError for records, references, text and
    named types, too."""
    found = plain_links(file, key, where)
    if found.dtype.kind not in "iuf" or found.id.get_type().committed():
        raise DataError(f"{where}: is of the type {found.dtype}, expected plain numbers.")
    column = PlainDataSet(found, where)
    if column.has_gaps:
        raise DataError(f"{where}: has chunks that were never written.")
    return column


def plain_data_set(file: h5py.File, key: str, where: str) -> PlainDataSet:
    """The rows of a data set of this file: see `plain_links`."""
    return PlainDataSet(plain_links(file, key, where), where)


def plain_links(file: h5py.File, key: str, where: str) -> h5py.Dataset:
    """A data set of this file, found step by step: only hard links are followed.

    Raises DataError, which begins with `where`, for anything else: other links, virtual and external storage, groups.
    """
    found: Any = file
    for part in key.strip("/").split("/"):
        if not isinstance(found, h5py.Group) or part not in found:
            raise NotInFileError(f"{where}: is not in the file. Found: {', '.join(sorted(file))}.")
        link = found.get(part, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise DataError(f"{where}: is a {type(link).__name__} and is not followed, expected a plain data set.")
        found = found[part]
    if isinstance(found, h5py.Group) and len(found):
        inside = ", ".join(f"{key}/{name}" for name in islice(found, _SHOWN_NAMES))
        raise NotInFileError(f"{where}: is a group, which holds {inside}.")
    if not isinstance(found, h5py.Dataset):
        raise DataError(f"{where}: is a {type(found).__name__.lower()}, expected a plain data set.")
    if holds_texts(found) and file.id.get_create_plist().get_sizes() != (8, 8):
        raise DataError(f"{where}: is in a file of short addresses, where texts of any length are not read.")
    if found.external or found.is_virtual:
        kind = "a virtual data set" if found.is_virtual else "stored in other files"
        raise DataError(f"{where}: is {kind} and is not followed, expected a plain data set.")
    return found
