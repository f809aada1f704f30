"""What h5py raises. Only this module knows; its test holds for the installed version.

A damaged file makes h5py raise any of five types, and a write that HDF5 had put off hides the system's error in a text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from mixup_cli.errors import DataError

HDF5_ERRORS = (OSError, KeyError, RuntimeError, TypeError, ValueError)
"""What h5py raises for a file that is damaged or not HDF5."""

_ERRNO = re.compile(r"errno = (\d+)")


@contextmanager
def open_shard(path: Path, where: str = "") -> Iterator[h5py.File]:
    """A shard, open for reading. What h5py raises in the context becomes a DataError that begins with `where`."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except HDF5_ERRORS as problem:
        raise DataError(f"{where} ({problem})." if where else str(problem)) from problem


@contextmanager
def system_errors() -> Iterator[None]:
    """Raises an OSError where h5py raises a RuntimeError about a system call that failed."""
    try:
        yield
    except RuntimeError as problem:
        if (found := _ERRNO.search(str(problem))) is None:
            raise
        raise OSError(int(found[1]), os.strerror(int(found[1]))) from problem
