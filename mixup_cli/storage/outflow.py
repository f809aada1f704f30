"""A new file, written in large pieces by a thread, past the page cache.

A file that is synced at its end gains nothing from the page cache: finding and clearing pages and copying bytes into
them took half to twice the time of hashing the bytes. So whole pieces go to the disk directly (O_DIRECT) if the file
system allows that, and a thread waits for the disk. Small files are one ordinary write.
"""

from __future__ import annotations

import errno
import os
import sys
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

if sys.platform == "linux":
    import fcntl

PIECE_BYTES = 4 << 20
"""The size of one write. From 1 to 4 MiB, no difference was measured on a busy disk."""

PIECE_COUNT = 3
"""One piece is filled while another is written, and a third may wait."""

PAGE_BYTES = 4096
"""Offsets in the file, addresses in memory and lengths of direct writes are multiples of this."""


def _new_file(path: Path) -> FileIO:
    """A new file replaces whatever is in place: a link would lead the bytes elsewhere."""
    path.unlink(missing_ok=True)
    return path.open("xb", buffering=0)


class Outflow:
    """One file. `write` and `sync` raise the OSError of an earlier write."""

    def __init__(self, path: Path) -> None:
        self._file = _new_file(path)
        self._pieces = _pages(PIECE_COUNT * PIECE_BYTES).reshape(PIECE_COUNT, PIECE_BYTES)
        self._piece, self._filled = 0, 0
        self._direct = False
        self._writer: ThreadPoolExecutor | None = None
        self._under_way: deque[Future[None]] = deque()

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes. They are copied: the caller may change them."""
        fresh = np.frombuffer(data, np.uint8)
        while len(fresh):
            end = min(self._filled + len(fresh), PIECE_BYTES)
            taken, fresh = np.split(fresh, [end - self._filled])
            self._pieces[self._piece, self._filled : end] = taken  # numpy copies without the GIL
            self._filled = end
            if end == PIECE_BYTES:
                self._hand_over()

    def sync(self) -> None:
        """Write the rest, and wait until all of it is on the disk."""
        while self._under_way:
            self._under_way.popleft().result()
        self._set_direct(False)  # the last piece is shorter than a page, or not a multiple
        self._put(self._pieces[self._piece, : self._filled])
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file after the current write. Waiting pieces are dropped."""
        if self._writer is not None:
            self._writer.shutdown(cancel_futures=True)
        self._file.close()

    def _hand_over(self) -> None:
        """Have the full piece written, and continue with the next one as soon as it is free."""
        if self._writer is None:
            self._writer = ThreadPoolExecutor(1, "outflow")
            self._set_direct(True)
        self._under_way.append(self._writer.submit(self._put, self._pieces[self._piece]))
        if len(self._under_way) == PIECE_COUNT:
            self._under_way.popleft().result()
        self._piece, self._filled = (self._piece + 1) % PIECE_COUNT, 0

    def _put(self, piece: NDArray[np.uint8]) -> None:
        rest = piece.data
        while rest:
            try:
                rest = rest[os.write(self._file.fileno(), rest) :]
            except OSError as problem:
                # the file system refuses this direct write; or a full disk took part of a page, which the ordinary
                # write then reports
                if problem.errno != errno.EINVAL or not self._direct:
                    raise
                self._set_direct(False)

    def _set_direct(self, wanted: bool) -> None:
        """Turn direct writes on, if the system and the file allow them, or off."""
        if sys.platform != "linux" or wanted == self._direct:
            return
        flags = fcntl.fcntl(self._file, fcntl.F_GETFL) & ~os.O_DIRECT
        try:
            fcntl.fcntl(self._file, fcntl.F_SETFL, flags | (os.O_DIRECT if wanted else 0))
        except OSError as problem:
            if problem.errno != errno.EINVAL or not wanted:
                raise
            return
        self._direct = wanted


def _pages(count: int) -> NDArray[np.uint8]:
    """`count` bytes that begin at a page. They take memory only when they are used."""
    room = np.empty(count + PAGE_BYTES, np.uint8)
    return room[-room.ctypes.data % PAGE_BYTES :][:count]
