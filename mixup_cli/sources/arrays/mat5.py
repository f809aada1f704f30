"""Arrays of numbers in MATLAB's `.mat` of version 5 to 7 (MATLAB's "MAT-File Format", R2021a, chapter 1).

By hand, since SciPy's reader ends the process over a damaged type code, and inflates without a limit.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.sources.arrays.stored import Layout
from mixup_cli.sources.reading.bounded_read import check_inflated, read_array, read_up_to

HEADER_BYTES = 128
_ORDERS = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15
_DTYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_NUMBER_CLASSES = range(6, 16)
_COMPLEX = 0x800
_STEP_BYTES = 1 << 22
_HEAD_BYTES = 1 << 12
"""The most that dimensions and names take."""

_FETCH_AGAIN = "Fetch it again."


@dataclass(frozen=True)
class Variable:
    """An array of numbers: its shape in MATLAB's order, where its element begins in the file, and its bytes there."""

    name: str
    shape: tuple[int, ...]
    at: int
    size: int


class _Element:
    """The bytes of the element that begins at `at`, inflated if they are compressed."""

    def __init__(self, file: IO[bytes], order: str, at: int) -> None:
        file.seek(at)
        self.kind, self.size = struct.unpack(f"{order}II", file.read(8))
        self.order = order
        self._file, self._left, self._piece = file, self.size, b""
        self._inflater = zlib.decompressobj() if self.kind == _COMPRESSED else None

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end only. Raises zlib.error if they are damaged."""
        if self._inflater is None:
            return self._stored(size)
        while not self._inflater.eof and (piece := self._piece or self._stored(_STEP_BYTES)):
            inflated = self._inflater.decompress(piece, size)
            self._piece = self._inflater.unconsumed_tail
            if inflated:
                return inflated
        return b""

    def _stored(self, size: int) -> bytes:
        piece = self._file.read(min(size, self._left))
        self._left -= len(piece)
        return piece

    def tag(self) -> tuple[int, int, bytes]:
        """The type and the bytes of the part that follows, and its data if they are so few that the tag holds them."""
        tag = read_up_to(self, 8)
        code, size = struct.unpack(f"{self.order}II", tag)
        if code >> 16:
            return code & 0xFFFF, code >> 16, tag[4 : 4 + (code >> 16)]
        return code, size, b""

    def small_part(self) -> bytes:
        """The data of the part that follows. Raises ValueError for one that is not small."""
        _, size, small = self.tag()
        if size > _HEAD_BYTES:
            raise ValueError(f"a part of its header has {size} bytes")
        return small or read_up_to(self, -(-size // 8) * 8)[:size]

    def head(self) -> tuple[str, tuple[int, ...]] | None:
        """The name and the shape of a variable, before its values; None if these are not real numbers."""
        if self.kind == _COMPRESSED and struct.unpack(f"{self.order}II", read_up_to(self, 8))[0] != _MATRIX:
            return None
        flags, dimensions, name = self.small_part(), self.small_part(), self.small_part()
        (word,) = struct.unpack_from(f"{self.order}I", flags)
        if word & 0xFF not in _NUMBER_CLASSES or word & _COMPLEX:
            return None
        return name.decode("utf-8", "replace"), struct.unpack(f"{self.order}{len(dimensions) // 4}i", dimensions)


def variables(path: Path) -> list[Variable]:
    """The arrays of real numbers in a file, without cells, structures and texts. Raises DataError."""
    found = []
    with _opened(path) as (file, order):
        end, at = path.stat().st_size, HEADER_BYTES
        while at + 8 <= end:
            element = _Element(file, order, at)
            if element.kind in (_MATRIX, _COMPRESSED) and (head := element.head()) is not None:
                found.append(Variable(*head, at, element.size))
            at += 8 + element.size
    return found


def read_variable(path: Path, variable: Variable) -> NDArray[Any]:
    """The array, in MATLAB's order of dimensions. Raises DataError if it is damaged or too large to inflate."""
    where = f"{path}: {variable.name}"
    with _opened(path) as (file, order):
        element = _Element(file, order, variable.at)
        element.head()
        code, size, small = element.tag()
        layout = Layout(where, _FETCH_AGAIN, variable.shape, np.dtype(order + _DTYPES.get(code, "V1")), order="F")
        if code not in _DTYPES or size != layout.data_bytes:
            raise DataError(f"{where}: has {size} bytes of values for the shape {variable.shape}. Write it again.")
        layout.check_claim()
        check_inflated(size, variable.size, where)
        return layout.filled(np.frombuffer(small, np.uint8) if small else read_array(element, size))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], str]]:
    """The file and its byte order. What reading damaged elements raises becomes a DataError."""
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
            if not header.startswith(b"MATLAB 5.0") or header[126:] not in _ORDERS:
                found = f"{path}: is not a MATLAB file of version 5 to 7.3."
                raise DataError(found, "Save it again, with -v7 or -v7.3.")
            yield file, _ORDERS[header[126:]]
    except (zlib.error, struct.error, ValueError) as error:
        raise DataError(f"{path}: is damaged ({error}).", _FETCH_AGAIN) from error
