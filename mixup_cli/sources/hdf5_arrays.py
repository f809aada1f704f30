"""Plain data sets inside an HDF5 file, read by ranges of rows; everything that leads out of the file is refused."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.storage.plain_hdf5 import plain_data_set

_CHUNK_CACHE_BYTES = 64 << 20
# Deflate shrinks by 1032 at most. What claims more was never written, or was made to fill the memory.
_HIGHEST_RATIO = 1100
_CHUNK_LIMIT_BYTES = 512 << 20
_FREE_OF_SUSPICION_BYTES = 64 << 20


class Hdf5Rows:
    """A data set's rows. HDF5 reads from one thread at a time; the lock says so, h5py's own is an inner matter."""

    def __init__(self, dataset: h5py.Dataset, lock: threading.Lock) -> None:
        self.shape: tuple[int, ...] = dataset.shape
        self.dtype: np.dtype[Any] = dataset.dtype
        self._dataset = dataset
        self._lock = lock

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        with self._lock:
            block: NDArray[Any] = self._dataset[rows]
        return block


class Hdf5File:
    """An HDF5 file, open for reading while it or rows of it are in use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._file = h5py.File(path, "r", rdcc_nbytes=_CHUNK_CACHE_BYTES)
        except OSError as error:
            if not path.is_file():
                raise NoInputError(f"{path}: there is no such file.") from error
            raise DataError(f"{path}: cannot be opened as HDF5 ({error}).") from error

    def keys(self) -> list[str]:
        """The names in the root, whatever they lead to."""
        return sorted(self._file)

    def rows(self, key: str) -> Hdf5Rows:
        """Raises DataError unless `key` is a plain data set of this very file."""
        where = f"{self._path}: {key}"
        try:
            dataset = plain_data_set(self._file, key, where)
            _check_storage(dataset, where)
        except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
            raise DataError(f"{where}: is not readable ({error}).") from error
        return Hdf5Rows(dataset, self._lock)

    def read(self, key: str) -> NDArray[Any]:
        """The whole data set (labels); strings come as bytes. Raises DataError as `rows` does."""
        rows = self.rows(key)
        try:
            return np.asarray(rows[:])
        except OSError as error:
            raise DataError(f"{self._path}: {key}: is not readable ({error}).") from error


def _check_storage(dataset: h5py.Dataset, where: str) -> None:
    if not dataset.shape:
        raise DataError(f"{where}: holds a single value, expected samples as its first dimension.")
    if dataset.dtype.kind not in "biufSO" or (
        dataset.dtype.kind == "O" and h5py.check_string_dtype(dataset.dtype) is None
    ):
        raise DataError(f"{where}: has dtype {dataset.dtype}, expected numbers or strings.")
    chunk_bytes = math.prod(dataset.chunks or ()) * dataset.dtype.itemsize
    if chunk_bytes > _CHUNK_LIMIT_BYTES:
        raise DataError(
            f"{where}: has chunks of {chunk_bytes} bytes, of which one is inflated for each row that is read; expected "
            f"at most {_CHUNK_LIMIT_BYTES}. Write it again with smaller ones (h5repack)."
        )
    claimed_bytes = math.prod(dataset.shape) * dataset.dtype.itemsize
    stored_bytes = dataset.id.get_storage_size()
    if claimed_bytes and claimed_bytes > _HIGHEST_RATIO * stored_bytes + (
        _FREE_OF_SUSPICION_BYTES if stored_bytes else 0
    ):
        raise DataError(
            f"{where}: claims {claimed_bytes} bytes and stores {stored_bytes}; most of it was never written."
        )
