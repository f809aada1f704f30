"""Reading from streams that may lie about their length, or inflate without end."""

from __future__ import annotations

import gzip
import zlib
from contextlib import closing
from pathlib import Path
from typing import IO, Protocol, cast

from mixup_cli.errors import DataError, NoInputError, StorageError

GZIP_MAGIC = b"\x1f\x8b"
INFLATED_LIMIT_BYTES = 8 << 30
_STEP_BYTES = 4 << 20


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
    """A file's bytes, through the decompressor if it is gzip.

    Damage met while reading becomes a DataError, a failing disk a StorageError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream = cast("IO[bytes]", gzip.open(path, "rb")) if is_gzip(path) else path.open("rb")  # noqa: SIM115 -- closed by open_inflated

    def read(self, size: int, /) -> bytes:
        try:
            return self._stream.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(
                f"{self._path}: the compressed data are damaged ({error}). Fetch the file again."
            ) from error
        except OSError as error:
            raise StorageError(f"{self._path}: reading failed ({error.strerror}).") from error

    def close(self) -> None:
        self._stream.close()


def open_inflated(path: Path) -> closing[InflatedStream]:
    """For a `with` statement. Raises NoInputError for a file that cannot be opened."""
    return closing(InflatedStream(path))


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
