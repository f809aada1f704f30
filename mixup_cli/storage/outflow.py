"""A new file, written behind its maker's back: in large pieces, by a thread of its own, past the page cache.

A file that is synced at its end gains nothing from the page cache and pays for it: finding and clearing pages and
copying bytes into them took from half to twice the time of hashing the bytes. So whole pieces go to the disk directly
(O_DIRECT) where the file system takes them, and since a direct write waits for the disk, another thread does the
waiting. Small files are one ordinary write.
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
"""What is written at a time. From 1 to 4 MiB no difference could be measured on a busy disk."""

PIECE_COUNT = 3
"""One piece is filled while another is written, and a third may wait."""

PAGE_BYTES = 4096
"""Direct writes begin at a multiple of this, in the file and in memory, and are multiples of it long."""


def _new_file(path: Path) -> FileIO:
    """What an earlier run left there, or anybody has put there, goes: a link would lead the bytes elsewhere."""
    path.unlink(missing_ok=True)
    return path.open("xb", buffering=0)


class Outflow:
    """One file. `write` raises what earlier writes failed with, `sync` the rest of it: OSError in both cases."""

    def __init__(self, path: Path) -> None:
        self._file = _new_file(path)
        self._pieces = _pages(PIECE_COUNT * PIECE_BYTES).reshape(PIECE_COUNT, PIECE_BYTES)
        self._piece, self._filled = 0, 0
        self._direct = False
        self._writer: ThreadPoolExecutor | None = None
        self._under_way: deque[Future[None]] = deque()

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes. They are copied, so that the caller may use their place again."""
        fresh = np.frombuffer(data, np.uint8)
        while len(fresh):
            end = min(self._filled + len(fresh), PIECE_BYTES)
            taken, fresh = np.split(fresh, [end - self._filled])
            self._pieces[self._piece, self._filled : end] = taken  # numpy copies without the GIL
            self._filled = end
            if end == PIECE_BYTES:
                self._hand_over()

    def sync(self) -> None:
        """Write what is left, and wait until all of it is on the disk."""
        while self._under_way:
            self._under_way.popleft().result()
        self._set_direct(False)  # the end is no multiple of a page
        self._put(self._pieces[self._piece, : self._filled])
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file, after the write that is under way. What is still in line is given up."""
        if self._writer is not None:
            self._writer.shutdown(cancel_futures=True)
        self._file.close()

    def _hand_over(self) -> None:
        """Let the full piece be written, and go on in the next one as soon as that is free."""
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
                # The file system allows direct writes and then refuses this one; or a full disk took a part of a page,
                # and the ordinary write says so.
                if problem.errno != errno.EINVAL or not self._direct:
                    raise
                self._set_direct(False)

    def _set_direct(self, wanted: bool) -> None:
        """Turn direct writes on, where the system has them and the file can, or off."""
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
    """`count` bytes that begin at a page. They take no memory before they are used."""
    room = np.empty(count + PAGE_BYTES, np.uint8)
    return room[-room.ctypes.data % PAGE_BYTES :][:count]
