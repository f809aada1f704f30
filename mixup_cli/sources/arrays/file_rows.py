"""Rows of an array that lies in a file as it is: read range by range, and never mapped.

A file that somebody cuts short while it is mapped ends the process by a signal (SIGBUS), without a word. Read, that is
an error of the samples that are gone, like any other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError

_DIMENSION_LIMIT = 64  # NumPy's own
_SHOWN_DIMENSIONS = 8
_CLAIM_LIMIT_BYTES = 1 << 62


@dataclass(frozen=True)
class FileRows:
    """An array of `shape` and `dtype` in C order, whose data begin at the byte `data_at` of the file at `path`.

    Indexing with a slice of rows reads them. Raises OSError where the file has become shorter.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    data_at: int

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        start, stop, _ = rows.indices(self.shape[0])
        row_values = math.prod(self.shape[1:])
        count = max(0, stop - start) * row_values
        first_byte = self.data_at + start * row_values * self.dtype.itemsize
        found = np.fromfile(self.path, self.dtype, count, offset=first_byte)
        if len(found) < count:
            raise OSError(f"the file ends within them, at byte {self.path.stat().st_size}")
        return found.reshape(-1, *self.shape[1:])


def check_claim(shape: tuple[int, ...], dtype: np.dtype[Any], where: str) -> None:
    """Raises DataError, which begins with `where`, for what a header may say and no array can have."""
    claimed_bytes = math.prod(max(1, length) for length in shape) * dtype.itemsize
    if not shape or len(shape) > _DIMENSION_LIMIT or min(shape) < 0 or not 0 < claimed_bytes < _CLAIM_LIMIT_BYTES:
        found = f"{shape}" if len(shape) <= _SHOWN_DIMENSIONS else f"of {len(shape)} dimensions"
        raise DataError(f"{where}: claims {dtype} {found}, which no array of samples has. Write the file again.")


def whole(rows: NDArray[Any] | FileRows) -> NDArray[Any]:
    """All of an array, in memory if it was in a file of its own."""
    return rows[:] if isinstance(rows, FileRows) else rows
