"""Texts of any length in an HDF5 file, read without HDF5.

A data set holds references to texts in collections of a global heap (HDF5 File Format Specification 3.0, III.E). HDF5
2.0 loops for ever over some collections with one damaged byte, and copies a text for each reference to it: megabytes
become gigabytes. Here each collection is read once, and each text is held once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

REFERENCE: Final = np.dtype([("length", "<u4"), ("address", "<u8"), ("number", "<u4")])
"""A reference to a text: its bytes, its collection, and its number there."""

_HEAD_BYTES = 16
_ALIGNMENT = 8


class GlobalHeap:
    """The heap of an open file."""

    def __init__(self, file: h5py.File) -> None:
        self._path, self._base = Path(file.filename), int(file.userblock_size)
        self._file_bytes = self._bytes_left = self._path.stat().st_size
        self.collection = cache(self._collection)

    def texts(self, references: NDArray[Any]) -> NDArray[np.object_]:
        """The texts of references (…), as bytes (…). Raises OSError if the heap is damaged."""
        out = np.empty(references.shape, object)
        for place, (length, address, number) in zip(np.ndindex(out.shape), references.ravel().tolist(), strict=True):
            out[place] = self._text(length, address, number) if length else b""
        return out

    def _text(self, length: int, address: int, number: int) -> bytes:
        text = self.collection(address).get(number)
        if text is None or len(text) != length:
            raise OSError(f"its heap has no text of {length} bytes at {address}, {number}")
        return text

    def _collection(self, address: int) -> dict[int, bytes]:
        """The texts of a collection, by their numbers."""
        with self._path.open("rb") as file:
            file.seek(min(self._base + address, self._file_bytes))
            head = file.read(_HEAD_BYTES)
            if head[:5] != b"GCOL\1":
                raise OSError(f"its heap has no collection at {address}")
            size = int.from_bytes(head[8:], "little")
            self._bytes_left -= size
            if size < _HEAD_BYTES or self._bytes_left < 0:  # a small file could claim any number of large ones
                raise OSError(f"its heap has a collection of {size} bytes at {address}, which overlaps with others")
            return dict(_objects(file.read(size - _HEAD_BYTES)))


def _objects(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The numbers and bytes of the texts in a collection. Number 0 is the free space after them."""
    at = 0
    while at + _HEAD_BYTES <= len(data):
        number = int.from_bytes(data[at : at + 2], "little")
        size = int.from_bytes(data[at + 8 : at + 16], "little")
        if number == 0:
            return
        begin = at + _HEAD_BYTES
        if begin + size > len(data):
            raise OSError(f"its heap has a text of {size} bytes that goes beyond its end")
        yield number, data[begin : begin + size]
        at = begin + -(-size // _ALIGNMENT) * _ALIGNMENT
