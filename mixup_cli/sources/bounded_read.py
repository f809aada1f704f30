"""Reading from streams that may lie about their length, or inflate without end."""

from __future__ import annotations

import zlib
from contextlib import closing
from pathlib import Path
from typing import Protocol

from mixup_cli.errors import DataError, NoInputError, StorageError
from mixup_cli.sources.read_ahead import ReadAhead

GZIP_MAGIC = b"\x1f\x8b"
INFLATED_LIMIT_BYTES = 8 << 30
_STEP_BYTES = 4 << 20
_DEFLATED_BYTES = 1 << 22

GZIP_WINDOW = 31
"""zlib's word for gzip with the largest window; the sum at the end is then checked, too."""


def is_gzip(path: Path) -> bool:
    """By content, since names lie. Raises NoInputError for a file that cannot be opened."""
    try:
        with path.open("rb") as stream:
            return stream.read(2) == GZIP_MAGIC
    except OSError as error:
        raise NoInputError(f"{path}: cannot open ({error.strerror}). Check the path and its permissions.") from error


class Readable(Protocol):
    """What `read_up_to` and `skip` need of a stream."""

    def read(self, size: int, /) -> bytes: ...


class InflatedStream:
    """A file's bytes, through the decompressor if it is gzip (of one member or several, with zeros behind them or not).

    The standard library's `gzip` reads 8 KiB at a time before Python 3.12, which takes twice as long as inflating.
    Damage met while reading becomes a DataError, a failing disk a StorageError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.is_gzip = is_gzip(path)
        self._inflater = zlib.decompressobj(GZIP_WINDOW) if self.is_gzip else None
        self._deflated = b""
        self._stream = path.open("rb", buffering=0)

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end only."""
        if self._inflater is None:
            return self._read_file(size)
        try:
            while True:
                if self._inflater.eof and not self._begin_member():
                    return b""
                self._deflated = self._deflated or self._read_file(_DEFLATED_BYTES)
                if not self._deflated:
                    raise zlib.error("it ends too early")
                inflated = self._inflater.decompress(self._deflated, size)
                self._deflated = self._inflater.unconsumed_tail or self._inflater.unused_data
                if inflated:
                    return inflated
        except zlib.error as error:
            raise DataError(
                f"{self._path}: the compressed data are damaged ({error}). Fetch the file again."
            ) from error

    def _begin_member(self) -> bool:
        """Go on behind the end of a member; whether there is another."""
        while True:
            self._deflated = self._deflated.lstrip(b"\0") or self._read_file(_DEFLATED_BYTES)
            if not self._deflated:
                return False
            if self._deflated[0]:
                self._inflater = zlib.decompressobj(GZIP_WINDOW)
                return True

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


def read_up_to(stream: Readable, limit_bytes: int) -> bytes:
    """At most `limit_bytes` bytes. Memory grows with what is there, not with what a header claims."""
    parts: list[bytes] = []
    missing = limit_bytes
    while missing > 0 and (part := stream.read(min(missing, _STEP_BYTES))):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def skip(stream: Readable, count_bytes: int) -> int:
    """Read on past `count_bytes` bytes without keeping them; returns how many there were."""
    done = 0
    while done < count_bytes and (part := stream.read(min(count_bytes - done, _STEP_BYTES))):
        done += len(part)
    return done
