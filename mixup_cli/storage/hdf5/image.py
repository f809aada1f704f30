"""The file that HDF5 writes, in memory. Chunks that were compressed outside HDF5 are not copied into it."""

from __future__ import annotations

from collections.abc import Iterator
from io import SEEK_END, SEEK_SET
from typing import Any

import h5py
import numpy as np


class FileImage:
    """A file for `h5py.File`, which keeps what HDF5 writes as pieces. HDF5 holds a lock of the whole process while it
    writes, and a shard's chunks are nearly all of its bytes: they stay where they are."""

    def __init__(self) -> None:
        self._position = self._size = 0
        self._chunk = b""
        self._chunks: list[tuple[int, bytes]] = []
        self._written: list[tuple[int, bytes]] = []

    def put_chunk(self, data_set: h5py.Dataset, first_row: int, chunk: bytes) -> None:
        """Store a compressed chunk, which begins at a row."""
        self._chunk = chunk
        data_set.id.write_direct_chunk((first_row, *[0] * (data_set.ndim - 1)), chunk)
        self._chunk = b""

    def pieces(self) -> Iterator[bytes]:
        """The bytes of the file, once it is closed."""
        position = 0
        for offset, chunk in sorted(self._chunks):
            yield self._between(position, offset)
            yield chunk
            position = offset + len(chunk)
        yield self._between(position, self._size)

    def _between(self, start: int, stop: int) -> bytes:
        """Bytes that no chunk has: what was written last, else zero."""
        room = bytearray(stop - start)
        for offset, data in self._written:
            low, high = max(start, offset), min(stop, offset + len(data))
            if low < high:
                room[low - start : high - start] = data[low - offset : high - offset]
        return bytes(room)

    def write(self, data: Any) -> int:
        """Called by h5py, with memory that is its own, or the chunk's."""
        size = len(data)
        if size == len(self._chunk) and np.may_share_memory(data, np.frombuffer(self._chunk, np.uint8)):
            self._chunks.append((self._position, self._chunk))
        else:
            self._written.append((self._position, bytes(data)))
        self._position += size
        self._size = max(self._size, self._position)
        return size

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Called by h5py."""
        self._position = offset + (self._size if whence == SEEK_END else 0)
        return self._position

    def tell(self) -> int:
        """Called by h5py."""
        return self._position

    def read(self, size: int) -> bytes:
        """Called by h5py, for what HDF5 has written itself."""
        self._position += size
        return self._between(self._position - size, self._position)

    def truncate(self, size: int) -> int:
        """Called by h5py. The file may also grow."""
        self._size = size
        return size

    def flush(self) -> None:
        """Called by h5py."""
