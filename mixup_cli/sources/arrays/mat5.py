"""Arrays of numbers in MATLAB's `.mat` of version 5 to 7 (MATLAB's "MAT-File Format", R2021a, chapter 1).

SciPy reads them too, but ends the process over a damaged type code, and inflates without a limit.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.sources.arrays.file_rows import check_claim
from mixup_cli.sources.reading.bounded_read import Readable, check_inflated, read_array, read_up_to

HEADER_BYTES = 128
_ORDERS = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15
_DTYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_NUMBER_CLASSES = range(6, 16)
_COMPLEX = 0x800
_STEP_BYTES = 1 << 22
_HEAD_BYTES = 1 << 12
"""Dimensions and names have no more."""


@dataclass(frozen=True)
class Variable:
    """An array of numbers: its shape in MATLAB's order, where its element begins in the file, and its bytes there."""

    name: str
    shape: tuple[int, ...]
    at: int
    size: int


class _Element:
    """The bytes of an element, inflated if they are compressed."""

    def __init__(self, file: IO[bytes], size: int, inflates: bool) -> None:
        self._file, self._left, self._piece = file, size, b""
        self._inflater = zlib.decompressobj() if inflates else None

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end only. Raises zlib.error where they are damaged."""
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


def variables(path: Path) -> list[Variable]:
    """The arrays of real numbers in a file; others (cells, structures, texts) are passed over. Raises DataError."""
    found = []
    with path.open("rb") as file:
        order = _order(file, path)
        end, at = path.stat().st_size, HEADER_BYTES
        while at + 8 <= end:
            file.seek(at)
            kind, size = struct.unpack(f"{order}II", file.read(8))
            element = _Element(file, size, kind == _COMPRESSED)
            head = _told(path, partial(_head, element, order, kind)) if kind in (_MATRIX, _COMPRESSED) else None
            if head is not None:
                found.append(Variable(head[0], head[1], at, size))
            at += 8 + size
    return found


def read_variable(path: Path, variable: Variable) -> NDArray[Any]:
    """The array, in MATLAB's order of dimensions. Raises DataError where it is damaged or too large to inflate."""
    where = f"{path}: {variable.name}"
    with path.open("rb") as file:
        order = _order(file, path)
        file.seek(variable.at)
        kind, size = struct.unpack(f"{order}II", file.read(8))
        element = _Element(file, size, kind == _COMPRESSED)
        _told(path, lambda: _head(element, order, kind))
        code, size, small = _told(path, lambda: _tag(element, order))
        dtype = np.dtype(order + _DTYPES.get(code, "V1"))
        wanted = math.prod(variable.shape) * dtype.itemsize
        if code not in _DTYPES or size != wanted:
            raise DataError(f"{where}: has {size} bytes of values for the shape {variable.shape}. Write it again.")
        check_claim(variable.shape, dtype, where)
        check_inflated(wanted, variable.size, where)
        data = _told(path, lambda: np.frombuffer(small, np.uint8) if small else read_array(element, wanted))
    if len(data) < wanted:
        raise DataError(f"{where}: is cut short (found {len(data)} of {wanted} bytes). Fetch it again.")
    array: NDArray[Any] = data[:wanted].view(dtype).reshape(variable.shape, order="F")
    return array


def _order(file: IO[bytes], path: Path) -> str:
    header = file.read(HEADER_BYTES)
    if not header.startswith(b"MATLAB 5.0") or header[126:] not in _ORDERS:
        raise DataError(f"{path}: is not a MATLAB file of version 5 to 7.3. Save it again, with -v7 or -v7.3.")
    return _ORDERS[header[126:]]


def _told(path: Path, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (zlib.error, struct.error, ValueError) as error:
        raise DataError(f"{path}: is damaged ({error}). Fetch it again.") from error


def _head(element: _Element, order: str, kind: int) -> tuple[str, tuple[int, ...]] | None:
    """The name and the shape of a variable, behind which its values follow; None where these are not real numbers."""
    if kind == _COMPRESSED and struct.unpack(f"{order}II", read_up_to(element, 8))[0] != _MATRIX:
        return None
    flags, dimensions, name = (data for _, data in _parts(element, order, 3))
    (word,) = struct.unpack_from(f"{order}I", flags)
    if word & 0xFF not in _NUMBER_CLASSES or word & _COMPLEX:
        return None
    return name.decode("utf-8", "replace"), struct.unpack(f"{order}{len(dimensions) // 4}i", dimensions)


def _parts(element: Readable, order: str, count: int) -> Iterator[tuple[int, bytes]]:
    """Small parts of an element, each with its type. Raises ValueError for one that is not small."""
    for _ in range(count):
        code, size, small = _tag(element, order)
        if size > _HEAD_BYTES:
            raise ValueError(f"a part of its header has {size} bytes")
        yield code, small or read_up_to(element, -(-size // 8) * 8)[:size]


def _tag(element: Readable, order: str) -> tuple[int, int, bytes]:
    """The type and the bytes of a part, and its data where they are so few that they stand in the tag."""
    tag = read_up_to(element, 8)
    code, size = struct.unpack(f"{order}II", tag)
    if code >> 16:
        return code & 0xFFFF, code >> 16, tag[4 : 4 + (code >> 16)]
    return code, size, b""
