"""Plain data sets inside an HDF5 file, read by ranges of rows; everything that leads out of the file is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.storage.hdf5.plain_hdf5 import NotInFileError, PlainDataSet, plain_data_set

WRITE_AGAIN = "Write it again, with plain data sets of numbers in it."

# Deflate shrinks by 1032 at most. What claims more was never written, or was made to fill the memory.
_HIGHEST_RATIO = 1100
_FREE_OF_SUSPICION_BYTES = 64 << 20


class Hdf5File:
    """An HDF5 file, open for reading while it or rows of it are in use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            if not path.is_file():
                raise NoInputError(f"{path}: there is no such file.") from error
            raise DataError(f"{path}: cannot be opened as HDF5 ({error}).", WRITE_AGAIN) from error

    def keys(self) -> list[str]:
        """The names in the root, whatever they lead to. Raises DataError where they are damaged."""
        try:
            names: list[object] = [*self._file]
            if not all(isinstance(name, str) for name in names):  # bytes, where they are no UTF-8
                raise TypeError("a name is not UTF-8")
        except (RuntimeError, TypeError) as error:
            raise DataError(f"{self._path}: its list of arrays is damaged ({error}).", WRITE_AGAIN) from error
        return sorted(map(str, names))

    def rows(self, key: str) -> PlainDataSet:
        """Raises DataError unless `key` is a plain data set of this very file."""
        with _remedies():
            return self._rows(key)

    def _rows(self, key: str) -> PlainDataSet:
        where = f"{self._path}: {key}"
        try:
            found = plain_data_set(self._file, key, where)
        except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
            raise DataError(f"{where}: is not readable ({error}).") from error
        _check_storage(found)
        return found


@contextmanager
def _remedies() -> Iterator[None]:
    """What to do about a source: the same is found wrong with shards of ours, about which one does something else."""
    try:
        yield
    except NotInFileError as problem:
        raise problem.or_else("Name one of them.") from problem
    except DataError as problem:
        raise problem.or_else(WRITE_AGAIN) from problem


def _check_storage(found: PlainDataSet) -> None:
    if not found.shape:
        raise DataError(f"{found.where}: holds a single value, expected samples as its first dimension.")
    if found.dtype.kind not in "biufSO" or (found.dtype.kind == "O" and h5py.check_string_dtype(found.dtype) is None):
        raise DataError(f"{found.where}: has dtype {found.dtype}, expected numbers or strings.")
    claimed_bytes = math.prod(found.shape) * found.dtype.itemsize
    most_bytes = _HIGHEST_RATIO * found.stored_bytes + (_FREE_OF_SUSPICION_BYTES if found.stored_bytes else 0)
    if claimed_bytes > most_bytes:
        raise DataError(
            f"{found.where}: claims {claimed_bytes} bytes and stores {found.stored_bytes}; most of it was never "
            "written."
        )
