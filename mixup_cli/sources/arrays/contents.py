"""What array files of every format have in common: arrays with names, of which one has the labels of another."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.sources.arrays.file_rows import FileRows
from mixup_cli.sources.arrays.hdf5 import Hdf5File
from mixup_cli.sources.arrays.idx_file import begins_as_idx, read_idx
from mixup_cli.sources.arrays.matlab import MATLAB_SUFFIX, matlab_arrays
from mixup_cli.sources.arrays.npz import WRITE_AGAIN, npz_keys, read_npy_header, read_npz, rows_in_file
from mixup_cli.sources.arrays.source import Rows

HDF5_SUFFIXES = (".h5", ".hdf5")
SUFFIXES = (".npz", ".npy", *HDF5_SUFFIXES, MATLAB_SUFFIX)
_LABELS = re.compile(r"(.*[_\-.])?(y|labels?|targets?|classes)([_\-.].*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Contents:
    """The arrays in a file by their `keys`; `read` leaves in the file what it can, and `has` says what it takes."""

    path: Path
    keys: Sequence[str]
    read: Callable[[str], Rows]

    def has(self, key: str) -> bool:
        """Whether an array, or a group that may have it, is called so."""
        return key in self.keys or key.strip("/").partition("/")[0] in self.keys

    def called_labels(self) -> list[str]:
        """The arrays that are called as labels are."""
        return [key for key in self.keys if _LABELS.fullmatch(key)]

    def check(self, key: str) -> None:
        """Raises DataError where there is no such array."""
        if not self.has(key):
            raise DataError(f"{self.path}: has no array {key!r}. Found: {listed(self.keys)}. Name one of them.")


def contents_of(path: Path) -> Contents:
    """Raises DataError for a damaged file, and one that is not an array file; NoInputError where it cannot be read."""
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return Contents(path, npz_keys(path), lambda key: read_npz(path, key))
    if suffix in HDF5_SUFFIXES:
        file = Hdf5File(path)
        return Contents(path, file.keys(), file.rows)
    if suffix == MATLAB_SUFFIX:
        return Contents(path, *matlab_arrays(path))
    if suffix == ".npy":
        return Contents(path, [path.stem], lambda _: _read_npy(path))
    if begins_as_idx(path):
        return Contents(path, [path.name], lambda _: read_idx(path))
    raise DataError(f"{path}: is not an array file. Give {', '.join(SUFFIXES)} or IDX.")


def array_beside(samples: Path, option: str, name: str, keys: Sequence[str] = ()) -> tuple[Path, Rows]:
    """The labels or groups in a file that an option names, here or beside the samples.

    A file with several arrays must have one that is called as labels are. `keys` are the arrays that could have been
    meant. Raises NoInputError where there is no such file, UsageError where there is not such an array either.
    """
    file = next((file for file in (Path(name), samples.parent / name) if file.is_file()), None)
    if file is None:
        found = f"{option} {name}: there is no such file, neither here nor beside {samples}"
        if keys:
            raise UsageError(
                f"{option} {name}: {samples} has no such array. Found: {listed(keys)}. Name one, or a file."
            )
        raise NoInputError(f"{found}. Check the name.")
    contents = contents_of(file)
    named = contents.called_labels() if len(contents.keys) > 1 else contents.keys
    if len(named) != 1:
        raise DataError(
            f"{option} {file}: the file holds {listed(contents.keys)}, and one array was expected, or one that is "
            "called labels. Store it in a file of its own."
        )
    return file, contents.read(named[0])


def listed(names: Sequence[str]) -> str:
    """The first of them, for messages."""
    shown = ", ".join(names[:20]) or "nothing"
    return f"{shown}, … ({len(names)} in all)" if len(names) > 20 else shown


def read_beside(rows: Rows, path: Path) -> NDArray[Any]:
    """All of what stands beside the samples. Raises DataError where it is damaged."""
    try:
        return np.asarray(rows[:] if rows.shape else rows)
    except OSError as error:
        raise DataError(f"{path}: the labels or groups are not readable ({error}). Write the file again.") from error


def _read_npy(path: Path) -> NDArray[Any] | FileRows:
    """The array, left in the file. Raises DataError if the file is shorter than its header says, or holds objects."""
    try:
        with path.open("rb") as stream:
            header = read_npy_header(stream, str(path))
    except OSError as error:
        raise NoInputError(f"{path}: cannot read ({error.strerror}). Make it readable.") from error
    found_bytes = path.stat().st_size - header.data_at
    if found_bytes != header.data_bytes:
        raise DataError(
            f"{path}: its header says {header.data_bytes} bytes of data, found {found_bytes}. {WRITE_AGAIN}"
        )
    if header.data_bytes == 0:
        return np.empty(header.shape, header.dtype)
    return rows_in_file(path, header, header.data_at)
