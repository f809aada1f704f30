"""Encoded rows in a shard: a column of references, and a heap at the end of the file with the bytes of each row.

That is how HDF5 stores values of any length (File Format Specification 3.0, III.E), so h5py reads them. It would also
write them, but begin each collection at another page, and hide a full disk. Here the heap is laid out by hand: the rows
one after another, so that the references alone say where each one lies.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.fields.encoding import PictureCodec, Unreadable
from mixup_cli.storage.hdf5.global_heap import REFERENCE
from mixup_cli.storage.hdf5.layout import Column
from mixup_cli.storage.hdf5.plain_hdf5 import plain_links

COLLECTION_BYTES = 1 << 16
"""A collection holds rows up to this size, and at least one. HDF5 reads a whole one to get any of its rows."""

_LEAST_COLLECTION = 4096
_HEAD_BYTES = 16
"""Of a collection, and of each object in it."""

_END_OF_FILE = slice(40, 48)
"""Where a superblock of version 0 has the size of the file."""

Lengths = TypeVar("Lengths", int, NDArray[np.int64])

Stored = Callable[[int, int], bytes]
"""Gives bytes of a shard, from an offset and a count; fewer at its end."""


def heap_of(rows: Sequence[bytes], start: int) -> tuple[NDArray[Any], int, Iterator[bytes]]:
    """A heap at `start`, a multiple of 8: the references to its rows (n), its size, and its bytes piece by piece."""
    lengths = np.array([len(row) for row in rows], np.int64)
    padded = heaped_bytes(lengths)
    references, address, cuts = np.zeros(len(rows), REFERENCE), start, [*_cuts(padded.tolist())]
    references["length"] = lengths
    for part in cuts:
        references["address"][part] = address
        references["number"][part] = np.arange(1, part.stop - part.start + 1)
        address += max(_LEAST_COLLECTION, _HEAD_BYTES + int(padded[part].sum()))
    return references, address - start, (_collection(rows[part]) for part in cuts)


def heaped_bytes(lengths: Lengths) -> Lengths:
    """What rows of these lengths take in a heap: with a head each, in multiples of 8 bytes."""
    return _HEAD_BYTES + (lengths + 7) // 8 * 8


def _cuts(sizes: Sequence[int]) -> Iterator[slice]:
    """Which rows share a collection."""
    first, taken = 0, _HEAD_BYTES
    for number, size in enumerate(sizes):
        if number > first and taken + size > COLLECTION_BYTES:
            yield slice(first, number)
            first, taken = number, _HEAD_BYTES
        taken += size
    yield slice(first, len(sizes))


def _collection(rows: Sequence[bytes]) -> bytes:
    objects = b"".join(_head(number, len(row)) + row + bytes(-len(row) % 8) for number, row in enumerate(rows, 1))
    size = max(_LEAST_COLLECTION, _HEAD_BYTES + len(objects))
    free = size - _HEAD_BYTES - len(objects)
    rest = (_head(0, free) + bytes(free))[:free]  # object 0 is the free space, its head included
    return b"GCOL\1\0\0\0" + size.to_bytes(8, "little") + objects + rest


def _head(number: int, size: int) -> bytes:
    return number.to_bytes(8, "little") + size.to_bytes(8, "little")  # after 2 bytes of number: no count, reserved


def with_end(superblock: bytes, size: int) -> bytes:
    """The first bytes of a file, in which HDF5 looks for its size."""
    if superblock[8] != 0:
        raise ValueError(f"HDF5 laid out a superblock of version {superblock[8]}, expected 0")
    return superblock[: _END_OF_FILE.start] + size.to_bytes(8, "little") + superblock[_END_OF_FILE.stop :]


class EncodedRows:
    """The rows of a shard's encoded column, decoded when they are asked for: by number, or as a slice.

    `stored` reads the shard, whose column begins at `offset` and has `row_count` rows. Raises DataError, which begins
    with `where` and names the row, for bytes that are not such a picture.
    """

    def __init__(self, stored: Stored, offset: int, row_count: int, codec: PictureCodec, where: str) -> None:
        self._stored, self._codec, self._where = stored, codec, where
        taken = stored(offset, row_count * REFERENCE.itemsize)
        if len(taken) < row_count * REFERENCE.itemsize:
            raise DataError(f"{where}: the file ends before its {row_count} references.", "Run mixup-gen verify.")
        self._references = np.frombuffer(taken, REFERENCE)
        self._offsets = _offsets(self._references)

    def __len__(self) -> int:
        return len(self._references)

    def __getitem__(self, rows: int | slice | NDArray[np.int64]) -> NDArray[np.uint8]:
        """One row (*shape), or several (n, *shape)."""
        if isinstance(rows, int):
            out = np.empty(self._codec.shape, np.uint8)
            self._decode(rows, out)
            return out
        numbers = range(*rows.indices(len(self))) if isinstance(rows, slice) else rows.tolist()
        decoded = np.empty((len(numbers), *self._codec.shape), np.uint8)
        for number, place in zip(numbers, decoded, strict=True):
            self._decode(number, place)
        return decoded

    def encoded(self, row: int) -> bytes:
        """The bytes of a row as they are stored."""
        offset, length = int(self._offsets[row]), int(self._references["length"][row])
        head = _head(int(self._references["number"][row]), length)
        data = self._stored(offset, len(head) + length) if offset >= 0 else b""
        if len(data) < len(head) + length or not data.startswith(head):
            raise self._damaged(row, "is not where its reference says")
        return data[len(head) :]

    def check(self, row: int) -> None:
        """Raises DataError unless the row begins as such a picture."""
        try:
            self._codec.check(self.encoded(row))
        except Unreadable as problem:
            raise self._damaged(row, str(problem)) from None

    def _decode(self, row: int, out: NDArray[np.uint8]) -> None:
        try:
            self._codec.decode(self.encoded(row), out)
        except Unreadable as problem:
            raise self._damaged(row, str(problem)) from None

    def _damaged(self, row: int, found: str) -> DataError:
        return DataError(f"{self._where}: row {row} of the shard {found}.", "Run mixup-gen verify.")


def _offsets(references: NDArray[Any]) -> NDArray[np.int64]:
    """Where the head of each row's object lies: rows follow each other in a collection, from number 1 on."""
    padded = heaped_bytes(references["length"].astype(np.int64))
    ends = padded.cumsum()
    first = np.maximum.accumulate(np.where(references["number"] == 1, np.arange(len(padded)), 0))
    before = ends - padded
    return references["address"].astype(np.int64) + _HEAD_BYTES + before - before[first]


def encoded_place(file: h5py.File, column: Column, row_count: int) -> int:
    """Where the references of an encoded column begin. Raises DataError, which begins with its name, if it is stored
    otherwise, or has not `row_count` rows."""
    found = plain_links(file, column.name, column.name)
    kind, offset = found.id.get_type(), found.id.get_offset()
    is_bytes = kind.get_class() == h5py.h5t.VLEN and kind.get_super() == h5py.h5t.STD_U8LE and not kind.committed()
    if not is_bytes or offset is None or found.shape != (row_count,):
        expected = f"references to {row_count} encoded rows"
        raise DataError(f"{column.name}: is {found.dtype} {found.shape}, expected {expected}.")
    return int(offset)


def encoded_rows(file: BinaryIO, column: Column, offset: int, row_count: int, where: str) -> EncodedRows:
    """The rows of a shard that is open, for one thread at a time. Raises what `EncodedRows` raises."""
    file_bytes = os.fstat(file.fileno()).st_size

    def stored(begin: int, count: int) -> bytes:
        begin = min(begin, file_bytes)
        file.seek(begin)
        return file.read(min(count, file_bytes - begin))  # room is made for as many

    if (codec := column.codec) is None:
        raise ValueError(f"{column.name} is not encoded")
    return EncodedRows(stored, offset, row_count, codec, where)
