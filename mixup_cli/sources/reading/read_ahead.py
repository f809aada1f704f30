"""Inflating on one core while another makes sense of what was inflated."""

from __future__ import annotations

import threading
from queue import Full, Queue
from typing import Protocol

PIECE_BYTES = 1 << 22
PIECES_AHEAD = 4
_PATIENCE_SECONDS = 0.05


class Stream(Protocol):
    """What is read ahead: reading gives no bytes at the end only."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class ReadAhead:
    """A stream whose bytes a thread fetches before they are asked for, PIECES_AHEAD pieces at most.

    What goes wrong in the thread is raised by `read`, in its place among the bytes.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._pieces: Queue[bytes | BaseException] = Queue(PIECES_AHEAD)
        self._piece = memoryview(b"")
        self._ended: BaseException | bool = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fetch, name="read-ahead")
        self._thread.start()

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end only."""
        if not self._piece and not self._ended:
            self._take_piece()
        if not self._piece and isinstance(self._ended, BaseException):
            raise self._ended
        part, self._piece = self._piece[:size], self._piece[size:]
        return bytes(part)

    def close(self) -> None:
        """Stop the thread, wait for it, and close the stream."""
        self._stop.set()
        self._thread.join()
        self._stream.close()

    def _take_piece(self) -> None:
        piece = self._pieces.get()
        if isinstance(piece, BaseException):
            self._ended = piece
        else:
            self._piece, self._ended = memoryview(piece), not piece

    def _fetch(self) -> None:
        try:
            while piece := self._stream.read(PIECE_BYTES):
                if not self._put(piece):
                    return
            self._put(b"")
        except BaseException as problem:  # noqa: BLE001  # it is raised where the bytes are read
            self._put(problem)

    def _put(self, piece: bytes | BaseException) -> bool:
        """Whether the piece was taken before `close`."""
        while not self._stop.is_set():
            try:
                self._pieces.put(piece, timeout=_PATIENCE_SECONDS)
            except Full:
                continue
            return True
        return False
