"""Reading from streams that may lie about their length, or inflate without end."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import IO, AnyStr, Protocol

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError, StorageError
from mixup_cli.sources.reading.read_ahead import ReadAhead

GZIP_MAGIC = b"\x1f\x8b"
INFLATED_LIMIT_BYTES = 8 << 30
_STEP_BYTES = 4 << 20

FREE_OF_SUSPICION_BYTES = 512 << 20
HIGHEST_RATIO = 200
"""What is larger and shrinks further than this was made to fill the memory: deflate can reach 1032, samples do not."""

_LATER_PIECE_BYTES = 1 << 14
_MEMBER_LIMIT = 100_000
_ZEROS_LIMIT_BYTES = 16 << 20
_NO_ZERO = re.compile(rb"[^\0]")

LINE_LIMIT_BYTES = 1 << 20
"""Lists, tables and plans have shorter lines: anything else is not text, and may have no end."""

GZIP_WINDOW = 31
"""zlib's word for gzip with the largest window; zlib then also checks the sum at the end."""


def is_gzip(path: Path) -> bool:
    """By content, since names lie. Raises NoInputError for a file that cannot be opened."""
    try:
        with path.open("rb") as stream:
            return stream.read(2) == GZIP_MAGIC
    except OSError as error:
        raise NoInputError(f"{path}: cannot open ({error.strerror}). Check the path and its permissions.") from error


class Readable(Protocol):
    """What `read_up_to` and `skip` need of a stream."""

    def read(self, size: int, /) -> bytes | memoryview: ...


class InflatedStream:
    """A file's bytes, inflated if it is gzip (of one member or several, with zeros behind them or not).

    Not the standard library's `gzip`: before Python 3.12 that takes twice as long, and in all versions it goes over
    zeros behind the end one by one. Damage becomes a DataError, a failing disk a StorageError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.is_gzip = is_gzip(path)
        self._inflater = zlib.decompressobj(GZIP_WINDOW) if self.is_gzip else None
        self._deflated, self._at = b"", 0
        self._member_count = 1
        self._stream = path.open("rb", buffering=0)

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; empty only at the end."""
        if self._inflater is None:
            return self._read_file(size)
        try:
            while not self._inflater.eof or self._begin_member():
                # Small pieces after the first member: zlib copies what follows the end of one.
                step = _STEP_BYTES if self._member_count == 1 else _LATER_PIECE_BYTES
                piece = memoryview(self._deflated)[self._at : self._at + step] if self._has_more() else b""
                if not piece:
                    raise zlib.error("it ends too early")
                inflated = self._inflater.decompress(piece, size)
                self._at += len(piece) - len(self._inflater.unconsumed_tail or self._inflater.unused_data)
                if inflated:
                    return inflated
            return b""
        except zlib.error as error:
            raise DataError(
                f"{self._path}: the compressed data are damaged ({error}). Fetch the file again."
            ) from error

    def _has_more(self) -> bool:
        """Whether there are bytes to inflate; reads them if need be."""
        if self._at == len(self._deflated):
            self._deflated, self._at = self._read_file(_STEP_BYTES), 0
        return bool(self._deflated)

    def _begin_member(self) -> bool:
        """Go on behind the end of a member. False at the end of the file. Raises zlib.error if it has no end."""
        zero_bytes = 0
        while zero_bytes <= _ZEROS_LIMIT_BYTES:
            if not self._has_more():
                return False
            found = _NO_ZERO.search(self._deflated, self._at)
            behind = len(self._deflated) if found is None else found.start()
            zero_bytes, self._at = zero_bytes + behind - self._at, behind
            if found is not None:
                self._member_count += 1
                if self._member_count > _MEMBER_LIMIT:
                    raise zlib.error(f"it has more than {_MEMBER_LIMIT} members")
                self._inflater = zlib.decompressobj(GZIP_WINDOW)
                return True
        raise zlib.error(f"more than {_ZEROS_LIMIT_BYTES} zeros follow it")

    def _read_file(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except OSError as error:
            raise StorageError(f"{self._path}: reading failed ({error.strerror}).") from error

    def close(self) -> None:
        self._stream.close()


def open_inflated(path: Path, ahead: bool = False) -> closing[InflatedStream] | closing[ReadAhead]:
    """For a `with` statement; `ahead` says that all of it will be read. Raises NoInputError for a file that cannot be
    opened."""
    stream = InflatedStream(path)
    return closing(ReadAhead(stream)) if ahead and stream.is_gzip else closing(stream)


def _pieces(stream: Readable, limit_bytes: int) -> Iterator[bytes | memoryview]:
    """At most `limit_bytes` bytes, in pieces of bounded size."""
    missing = limit_bytes
    while missing > 0 and (piece := stream.read(min(missing, _STEP_BYTES))):
        yield piece
        missing -= len(piece)


def read_up_to(stream: Readable, limit_bytes: int) -> bytes:
    """At most `limit_bytes` bytes. Memory grows with what the stream holds, not with what a header claims."""
    return b"".join(_pieces(stream, limit_bytes))


def skip(stream: Readable, count_bytes: int) -> int:
    """Read past `count_bytes` bytes without keeping them; returns how many were left in the stream."""
    return sum(map(len, _pieces(stream, count_bytes)))


def read_array(stream: Readable, limit_bytes: int) -> NDArray[np.uint8]:
    """As `read_up_to`, but without joining pieces: uint8 (n). The system provides pages as they are filled."""
    room = np.empty(limit_bytes, np.uint8)
    filled = 0
    for piece in _pieces(stream, limit_bytes):
        room[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
        filled += len(piece)
    return room[:filled]


def check_inflated(claimed_bytes: int, stored_bytes: int, where: str) -> None:
    """Raises DataError for an array that would not fit into memory inflated, or is a bomb."""
    remedy = "Store it uncompressed (np.savez, .npy, gunzip): then it is mapped, not inflated."
    if claimed_bytes > INFLATED_LIMIT_BYTES:
        raise DataError(
            f"{where}: inflates to {claimed_bytes} bytes, expected at most {INFLATED_LIMIT_BYTES}. {remedy}"
        )
    if claimed_bytes > FREE_OF_SUSPICION_BYTES and claimed_bytes > HIGHEST_RATIO * stored_bytes:
        raise DataError(
            f"{where}: claims to inflate from {stored_bytes} bytes to {claimed_bytes}, more than {HIGHEST_RATIO} times "
            f"as many. {remedy}"
        )


def read_line(stream: IO[AnyStr], where: str) -> AnyStr:
    """The rest of a line with its end; empty at the end of the file. Raises DataError for a line that is too long."""
    line = stream.readline(LINE_LIMIT_BYTES + 1)
    if len(line) > LINE_LIMIT_BYTES:
        raise DataError(f"{where}: has a line of more than {LINE_LIMIT_BYTES} bytes. Is it the right file?")
    return line


def lines_of(stream: IO[AnyStr], where: str) -> Iterator[AnyStr]:
    """The lines of a file that may not be text. Raises DataError, with the line, as `read_line` does."""
    for number in count(1):
        line = stream.readline(LINE_LIMIT_BYTES + 1)
        if len(line) > LINE_LIMIT_BYTES:
            found = f"line {number} has more than {LINE_LIMIT_BYTES} bytes"
            raise DataError(f"{where}: {found}. Is it the right file?")
        if not line:
            return
        yield line
