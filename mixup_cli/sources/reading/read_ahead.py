"""Inflates on one core while another makes sense of what was inflated."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

PIECE_BYTES = 1 << 22
PIECES_AHEAD = 4


class Stream(Protocol):
    """What is read ahead: an empty piece means the end."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


class ReadAhead:
    """A stream whose bytes a thread fetches before they are asked for, PIECES_AHEAD pieces at most.

    `read` raises what goes wrong in the thread, in its place among the bytes.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._thread = ThreadPoolExecutor(1, "read-ahead")
        self._piece = memoryview(b"")
        self._fetched: deque[Future[bytes]] = deque()
        for _ in range(PIECES_AHEAD):
            self._fetch()

    def read(self, size: int, /) -> memoryview:
        """Up to `size` bytes; empty only at the end."""
        if not self._piece:
            self._piece = memoryview(self._fetched[0].result())
            if self._piece:  # else the end, which stays first, as an error does
                self._fetched.popleft()
                self._fetch()
        found, self._piece = self._piece[:size], self._piece[size:]
        return found

    def close(self) -> None:
        """Stop the thread, wait for it, and close the stream."""
        self._thread.shutdown(cancel_futures=True)
        self._stream.close()

    def _fetch(self) -> None:
        self._fetched.append(self._thread.submit(self._stream.read, PIECE_BYTES))
