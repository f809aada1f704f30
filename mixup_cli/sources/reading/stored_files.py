"""Samples in files of their own."""
# Paths stay strings: a Path for each of millions of files takes seconds and much memory.

from __future__ import annotations

import os
import stat
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from mixup_cli.errors import StorageError
from mixup_cli.sources.reading.base import Source, Stamps
from mixup_cli.sources.reading.changing import Look, change_while_read, look, look_of, stamp_of
from mixup_cli.sources.reading.encoded import FILE_BYTES, MACHINE_ERRNOS, Encoded, Undecodable
from mixup_cli.sources.reading.names import escape_name

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class WatchedFiles(Source):
    """Samples in files, once `_keep` is called. A subclass reads them through `watched`."""

    @property
    @abstractmethod
    def reading(self) -> tuple[str, ...]:
        """What decides the result of `load` besides the bytes (see `Stamps`)."""

    def _keep(self, root: str, paths: Sequence[str]) -> None:
        """Read from these `paths`, relative to `root` (or absolute): one for each key, in the order of the keys."""
        self._root = root
        self._paths = paths
        self._looks = np.zeros(len(paths), np.int64)  # how each file looked when it was read, in one number; 0: unread

    def path(self, index: int) -> str:
        """The file of one sample."""
        return os.path.join(self._root, self._paths[index])

    def stored_bytes(self) -> Sequence[int]:
        """See `Source.stored_bytes`."""
        own = [stamp_of(path)[0] for path in self.files()]
        beside = [other.stored_bytes() for other in self.beside.values()]
        return [-1 if -1 in sizes else sum(sizes) for sizes in zip(own, *beside, strict=True)]

    def stamps(self) -> Stamps | None:
        """See `Source.stamps`. Nothing is known of what stands beside the files."""
        if self.beside:
            return None
        return Stamps(np.array([stamp_of(path) for path in self.files()], np.int64).reshape(-1, 4), self.reading)

    def files(self) -> Iterator[str]:
        """See `Source.files`."""
        return map(self.path, range(len(self)))

    def changed(self) -> str | None:
        """See `Source.changed`."""
        for index in np.flatnonzero(self._looks).tolist():
            now = look(self.path(index))
            if now is None or _in_one_number(now) != self._looks[index]:
                return self.keys[index]
        return next((name for other in self.beside.values() if (name := other.changed()) is not None), None)

    @contextmanager
    def watched(self, index: int, is_whole: bool = True) -> Iterator[tuple[int, os.stat_result]]:
        """A file to read, as `opened` has it. Raises DataError if it changes meanwhile."""
        with opened(self.path(index), is_whole) as (file, status):
            seen = look_of(status)
            yield file, status
            if look_of(os.fstat(file)) != seen:
                raise change_while_read(self.keys[index])
        self._looks[index] = _in_one_number(seen)


class StoredFiles(Encoded, WatchedFiles):
    """Samples in files that are read whole. A subclass decodes them, and takes what else is given; the keys are their
    paths."""

    def __init__(self, root: str, paths: Sequence[str], *given: Any, **how: Any) -> None:
        self._keep(root, paths)
        super().__init__(root, [escape_name(path) for path in paths], *given, **how)

    def read(self, index: int) -> bytes:
        """See `Encoded.read`."""
        with self.watched(index) as (file, status):
            return _whole(file, status.st_size)


@contextmanager
def opened(path: str, is_whole: bool = True) -> Iterator[tuple[int, os.stat_result]]:
    """The descriptor of a regular file, opened without waiting for the other end of a pipe, and its status. Buffers
    would take longer than all calls of the system together. What is to be read `is_whole` must fit into memory.

    Raises Undecodable if this file cannot be read, and StorageError if no file could be.
    """
    try:
        file = _open_at_once(path)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise Undecodable("not a regular file")
            if is_whole and status.st_size > FILE_BYTES:
                raise Undecodable(f"has {status.st_size} bytes, more than a sample may have ({FILE_BYTES})")
            yield file, status
        finally:
            os.close(file)
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path.
        reason = getattr(error, "strerror", None) or error
        if isinstance(error, OSError) and error.errno in MACHINE_ERRNOS:
            raise StorageError(f"{escape_name(path)}: cannot read ({reason}).") from error
        raise Undecodable(f"cannot read ({reason})") from error


def _open_at_once(path: str) -> int:
    return os.open(path, _FLAGS)


def _whole(file: int, size_bytes: int) -> bytes:
    """The first `size_bytes` bytes of a file, or fewer if it ends before."""
    data = os.read(file, size_bytes)
    if len(data) == size_bytes:
        return data
    pieces = [data]
    while data and (missing := size_bytes - sum(map(len, pieces))):
        pieces.append(data := os.read(file, missing))
    return b"".join(pieces)


def _in_one_number(seen: Look) -> int:
    return hash(seen) or 1
