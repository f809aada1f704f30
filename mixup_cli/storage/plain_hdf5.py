"""Opening what an HDF5 file really holds: everything that leads out of the file is refused."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.storage.chunks import ChunkedRows, Rows, filters_of


class NotInFileError(DataError):
    """There is no data set of that name."""


class PlainDataSet:
    """The rows of a data set of one file, none of which takes more memory than its shape tells."""

    def __init__(self, data_set: h5py.Dataset, where: str) -> None:
        self.where = where
        self.shape: tuple[int, ...] = data_set.shape
        self.dtype: np.dtype[Any] = data_set.dtype
        self.filters = filters_of(data_set)
        self.chunk_shape: tuple[int, ...] | None = data_set.chunks
        self.stored_bytes: int = data_set.id.get_storage_size()
        self.offset: int | None = data_set.id.get_offset()
        self._rows = data_set if self.chunk_shape is None else ChunkedRows(data_set, where)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def has_gaps(self) -> bool:
        """Whether some of it was never written."""
        return isinstance(self._rows, ChunkedRows) and self._rows.has_gaps

    def __getitem__(self, rows: Rows) -> NDArray[Any]:
        """Consecutive rows, or some in ascending order, none of them twice. Raises OSError where they are damaged."""
        taken: NDArray[Any] = self._rows[rows]
        return taken


def plain_numbers(file: h5py.File, key: str, where: str) -> PlainDataSet:
    """A column of a shard: all of it written, in plain numbers. Raises DataError for records, references, text and
    types with a name, too."""
    found = _data_set(file, key, where)
    if found.dtype.kind not in "iuf" or found.id.get_type().committed():
        raise DataError(f"{where}: is of the type {found.dtype}, expected plain numbers.")
    column = PlainDataSet(found, where)
    if column.has_gaps:
        raise DataError(f"{where}: has chunks that were never written.")
    return column


def plain_data_set(file: h5py.File, key: str, where: str) -> PlainDataSet:
    """A data set of this very file, found step by step: no link is followed before it is known to be a hard one.

    Raises DataError, which begins with `where`, for anything else: other links, virtual and external storage, groups.
    """
    return PlainDataSet(_data_set(file, key, where), where)


def _data_set(file: h5py.File, key: str, where: str) -> h5py.Dataset:
    found: Any = file
    for part in key.strip("/").split("/"):
        if not isinstance(found, h5py.Group) or part not in found:
            raise NotInFileError(f"{where}: is not in the file. Found: {', '.join(sorted(file))}.")
        link = found.get(part, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise DataError(f"{where}: is a {type(link).__name__} and is not followed, expected a plain data set.")
        found = found[part]
    if not isinstance(found, h5py.Dataset):
        raise DataError(f"{where}: is a {type(found).__name__.lower()}, expected a plain data set.")
    if found.external or found.is_virtual:
        kind = "a virtual data set" if found.is_virtual else "stored in other files"
        raise DataError(f"{where}: is {kind} and is not followed, expected a plain data set.")
    return found
