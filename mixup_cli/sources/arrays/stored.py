"""Arrays as files store them: read by ranges of rows, from the file or from memory.

An array in a file is never mapped where reading will do: a mapped file that another program cuts short ends the
process by a signal (SIGBUS), without a message. When it is read, only the samples that are gone have an error.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.sources.reading.bounded_read import Readable, check_inflated, read_array

_DIMENSION_LIMIT = 64  # NumPy's own
_SHOWN_DIMENSIONS = 8
_CLAIM_LIMIT_BYTES = 1 << 62


class StoredArray(Protocol):
    """An array (n, *shape) that gives ranges of its first dimension: an ndarray, a memory map, or what reads a file."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, rows: slice, /) -> NDArray[Any]: ...


@dataclass(frozen=True)
class FileArray:
    """An array of `shape` and `dtype` in C order, whose data begin at byte `data_at` of the file at `path`.

    A slice reads its rows. Raises OSError if the file has become shorter.
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


class StackedArray:
    """Several arrays in memory, read as a single one without a copy of all."""

    def __init__(self, blocks: Sequence[NDArray[Any]]) -> None:
        self._blocks = tuple(blocks)
        self._ends = list(accumulate(len(block) for block in blocks))
        self.dtype = blocks[0].dtype
        self.shape = (self._ends[-1], *blocks[0].shape[1:])

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        start, stop, _ = rows.indices(self.shape[0])
        parts = [self._blocks[0][:0]]
        number = bisect_right(self._ends, start)
        while number < len(self._blocks) and (first := self._ends[number] - len(self._blocks[number])) < stop:
            parts.append(self._blocks[number][max(start - first, 0) : stop - first])
            number += 1
        return parts[-1] if len(parts) <= 2 else np.concatenate(parts)


class TurnedArray:
    """An array of which each block is transposed as it is read, to `axes`, the first of which is 0."""

    def __init__(self, stored: StoredArray, axes: Sequence[int]) -> None:
        self._stored, self._axes = stored, tuple(axes)
        self.dtype = stored.dtype
        self.shape = tuple(stored.shape[axis] for axis in axes)

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        return np.transpose(self._stored[rows], self._axes)


def is_in_memory(stored: StoredArray) -> bool:
    """Whether reading rows no longer needs the file."""
    return isinstance(stored, np.ndarray | StackedArray) and not isinstance(stored, np.memmap)


@dataclass(frozen=True)
class Layout:
    """An array as the header of a file claims it: `data_at` is the first byte of the data, and messages begin with
    `where` and end with `remedy`."""

    where: str
    remedy: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    data_at: int = 0
    order: Literal["C", "F"] = "C"

    @property
    def data_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def check_claim(self) -> None:
        """Raises DataError for what a header can say and no array of samples can have."""
        claimed_bytes = math.prod(max(1, length) for length in self.shape) * self.dtype.itemsize
        length = len(self.shape)
        if not 0 < length <= _DIMENSION_LIMIT or min(self.shape) < 0 or not 0 < claimed_bytes < _CLAIM_LIMIT_BYTES:
            shape = f"{self.shape}" if length <= _SHOWN_DIMENSIONS else f"of {length} dimensions"
            found = f"{self.where}: claims {self.dtype} {shape}, which no array of samples has."
            raise DataError(found, self.remedy)

    def check_length(self, found_bytes: int) -> None:
        """Raises DataError if the data do not have as many bytes as the header says."""
        if found_bytes != self.data_bytes:
            found = f"{found_bytes} or more" if found_bytes > self.data_bytes else str(found_bytes)
            claim = f"its header says {self.dtype} {self.shape}, which is {self.data_bytes} bytes of data"
            raise DataError(f"{self.where}: {claim}; found {found}.", self.remedy)

    def left_in(self, path: Path) -> StoredArray:
        """The array, left in the file. In Fortran's order it is mapped: its rows are scattered over the file."""
        if not self.data_bytes:
            return np.empty(self.shape, self.dtype)
        if self.order == "C" and self.shape:
            return FileArray(path, self.shape, self.dtype, self.data_at)
        return np.memmap(path, self.dtype, "r", self.data_at, self.shape, self.order)

    def inflated(self, stream: Readable, stored_bytes: int) -> NDArray[Any]:
        """The array out of a stream that inflates `stored_bytes`. Raises DataError for another length, and for a bomb.

        One byte more than expected is asked for, to notice data that are too long."""
        check_inflated(self.data_bytes, stored_bytes, self.where)
        return self.filled(read_array(stream, self.data_bytes + 1))

    def filled(self, data: NDArray[np.uint8]) -> NDArray[Any]:
        """The array of these bytes. Raises DataError if they are too few or too many."""
        self.check_length(len(data))
        array: NDArray[Any] = data.view(self.dtype).reshape(self.shape, order=self.order)
        return array
