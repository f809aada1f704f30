"""IDX files, of any dtype and number of dimensions, plain or gzip.

Format: two zero bytes, a type code, the number of dimensions, their lengths as big-endian uint32, then the values,
big-endian (http://yann.lecun.com/exdb/mnist/).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.sources.arrays.file_rows import FileRows, check_claim
from mixup_cli.sources.reading.bounded_read import Readable, check_inflated, is_gzip, open_inflated, read_array

DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@dataclass(frozen=True)
class _Header:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    data_at: int

    @property
    def data_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def begins_as_idx(path: Path) -> bool:
    """Whether a file begins as IDX files do."""
    try:
        with open_inflated(path) as stream:
            start = stream.read(4)
    except (DataError, NoInputError, OSError):
        return False
    return len(start) == 4 and start[:2] == b"\0\0" and start[2] in DTYPES and 0 < start[3] < 33


def read_idx(path: Path) -> NDArray[Any] | FileRows:
    """The file's array: left where it is, or for `.gz` in memory. Raises DataError if the size is not what it says."""
    with open_inflated(path) as stream:
        header = _read_header(stream, str(path))
        if is_gzip(path):
            check_inflated(header.data_bytes, path.stat().st_size, str(path))
            return _read_inflated(stream, header, str(path))
    found_bytes = path.stat().st_size - header.data_at
    _check_size(found_bytes, header, str(path))
    if header.data_bytes == 0:
        return np.empty(header.shape, header.dtype)
    return FileRows(path, header.shape, header.dtype, header.data_at)


def _read_header(stream: Readable, location: str) -> _Header:
    start = stream.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in DTYPES or not 0 < start[3] < 33:
        raise DataError(f"{location}: begins with {start.hex(' ')}, which no IDX file does. Fetch it again.")
    lengths = stream.read(4 * start[3])
    if len(lengths) < 4 * start[3]:
        raise DataError(f"{location}: is cut short within its header. Fetch it again.")
    shape = tuple(int(length) for length in np.frombuffer(lengths, ">u4"))
    check_claim(shape, np.dtype(DTYPES[start[2]]), location)
    return _Header(np.dtype(DTYPES[start[2]]), shape, 4 + len(lengths))


def _read_inflated(stream: Readable, header: _Header, location: str) -> NDArray[Any]:
    data = read_array(stream, header.data_bytes + 1)  # one more, to notice what is too long
    _check_size(len(data), header, location)
    return data.view(header.dtype).reshape(header.shape)


def _check_size(found_bytes: int, header: _Header, location: str) -> None:
    if found_bytes != header.data_bytes:
        found = f"{found_bytes} or more" if found_bytes > header.data_bytes else str(found_bytes)
        raise DataError(
            f"{location}: its header says {header.dtype} {header.shape}, which is {header.data_bytes} bytes of data, "
            f"but there are {found}. Fetch it again."
        )
