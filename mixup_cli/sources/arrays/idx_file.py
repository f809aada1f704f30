"""IDX files, of any dtype and number of dimensions, plain or gzip.

Format: two zero bytes, a type code, the number of dimensions, their lengths as big-endian uint32, then the values,
big-endian (http://yann.lecun.com/exdb/mnist/).
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.sources.arrays.array_file import ArrayFile
from mixup_cli.sources.arrays.stored import Layout, StoredArray
from mixup_cli.sources.reading.bounded_read import Readable, is_gzip, open_inflated

DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_FETCH_AGAIN = "Fetch it again."


class IdxFile(ArrayFile):
    """The array in an IDX file: left in the file, or for `.gz` in memory."""

    is_single: ClassVar[bool] = True

    def __init__(self, path: Path) -> None:
        super().__init__(path, [path.name])

    def read(self, key: str) -> StoredArray:
        """See `ArrayFile.read`."""
        with open_inflated(self.path) as stream:
            stored_bytes = self.path.stat().st_size
            layout = _read_header(stream, str(self.path))
            if is_gzip(self.path):
                return layout.inflated(stream, stored_bytes)
        layout.check_length(stored_bytes - layout.data_at)
        return layout.left_in(self.path)


def begins_as_idx(path: Path) -> bool:
    """Whether a file begins as IDX files do."""
    try:
        with open_inflated(path) as stream:
            return _is_start(stream.read(4))
    except (DataError, NoInputError, OSError):
        return False


def _is_start(start: bytes | memoryview) -> bool:
    return len(start) == 4 and bytes(start[:2]) == b"\0\0" and start[2] in DTYPES and 0 < start[3] < 33


def _read_header(stream: Readable, where: str) -> Layout:
    start = stream.read(4)
    if not _is_start(start):
        raise DataError(f"{where}: begins with {start.hex(' ')}, which no IDX file does.", _FETCH_AGAIN)
    lengths = stream.read(4 * start[3])
    if len(lengths) < 4 * start[3]:
        raise DataError(f"{where}: is cut short within its header.", _FETCH_AGAIN)
    shape = tuple(int(length) for length in np.frombuffer(lengths, ">u4"))
    layout = Layout(where, _FETCH_AGAIN, shape, np.dtype(DTYPES[start[2]]), 4 + len(lengths))
    layout.check_claim()
    return layout
