"""Plain data sets inside an HDF5 file, read by ranges of rows. Everything that leads out of the file is refused."""

from __future__ import annotations

import math
from pathlib import Path

import h5py

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.sources.arrays.array_file import ArrayFile
from mixup_cli.sources.arrays.stored import StoredArray
from mixup_cli.storage.hdf5.plain_hdf5 import NotInFileError, PlainDataSet, plain_data_set

WRITE_AGAIN = "Write it again, with plain data sets of numbers in it."

# Deflate shrinks by 1032 at most. What claims more was never written, or was made to fill the memory.
_HIGHEST_RATIO = 1100
_FREE_OF_SUSPICION_BYTES = 64 << 20


class Hdf5File(ArrayFile):
    """An HDF5 file, open for reading while it or rows of it are in use. Its keys are the names in the root."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            if not path.is_file():
                raise NoInputError(f"{path}: no such file. Check the path.") from error
            raise DataError(f"{path}: cannot be opened as HDF5 ({error}).", WRITE_AGAIN) from error
        try:
            names: list[object] = [*self._file]
            if not all(isinstance(name, str) for name in names):  # bytes, if they are not UTF-8
                raise TypeError("a name is not UTF-8")
        except (RuntimeError, TypeError) as error:
            raise DataError(f"{path}: its list of arrays is damaged ({error}).", WRITE_AGAIN) from error
        super().__init__(path, sorted(map(str, names)))

    def read(self, key: str) -> StoredArray:
        """See `ArrayFile.read`. Raises DataError also unless `key` is a plain data set of this very file."""
        where = f"{self.path}: {key}"
        try:
            found = plain_data_set(self._file, key, where)
            _check_storage(found)
        except NotInFileError as problem:
            raise problem.or_else("Name one of them.") from problem
        except DataError as problem:
            raise problem.or_else(WRITE_AGAIN) from problem
        except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
            raise DataError(f"{where}: is not readable ({error}).", WRITE_AGAIN) from error
        return found


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
