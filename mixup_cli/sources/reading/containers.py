"""Files that are read by ranges of bytes, on a local disk or in a store: what archives and tables lie in."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self, TypeAlias

from mixup_cli.errors import DataError, NoInputError, StorageError
from mixup_cli.sources.reading.changing import GONE, Look, Stamp, change_while_read, look, look_of, stamp_of
from mixup_cli.storage.json_files import content_of
from mixup_cli.storage.remote_file import RemoteFile
from mixup_cli.storage.stores import Status, Store, is_url

NEAR_BYTES, FAR_BYTES = 1 << 16, 4 << 20
"""What to read at a time from front to back: from a disk; and from a store, where a request takes as long as MiBs."""


@dataclass(frozen=True)
class LocalFile:
    """A file on a local disk, as it was when it was first seen. Threads may share it."""

    name: str
    look: Look
    is_far = False

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Raises NoInputError if there is no such file."""
        if not os.path.isfile(path) or (seen := look(path)) is None:
            raise NoInputError(f"{path}: no such file. Check the path.")
        return cls(str(path), seen)

    @property
    def size(self) -> int:
        return self.look[0]

    def read(self, start: int, stop: int) -> bytes:
        """Bytes start … stop−1. Raises OSError if the file is gone, and DataError if it has changed."""
        with open(self.name, "rb", buffering=0) as file:
            file.seek(start)
            pieces = []
            while start < stop and (piece := file.read(stop - start)):
                pieces.append(piece)
                start += len(piece)
            if start < stop or look_of(os.fstat(file.fileno())) != self.look:
                raise change_while_read(self.name)
        return b"".join(pieces)

    def raw(self) -> io.RawIOBase:
        """The file as a stream that can be sought."""
        return io.FileIO(self.name)

    def stamp(self) -> Stamp:
        """How the file looks now, for `Stamps.files`."""
        return stamp_of(self.name)

    def has_changed(self) -> bool:
        """Whether the file looks different now."""
        return look(self.name) != self.look


@dataclass(frozen=True)
class StoredFile:
    """The same in a store. Of one that a listing named, no more than the size is known."""

    store: Store
    file: str
    status: Status
    is_far = True

    @classmethod
    def open(cls, url: str) -> Self:
        """Raises NoInputError if there is no such file, StorageError for a server that does not say how long it is."""
        store, file = Store.holding(url)
        status = store.status(file)
        if status is None:
            raise NoInputError(f"{url}: no such file. Check the URL.")
        if status.size is None:
            raise StorageError(f"{url}: its server does not say how long it is.", "Fetch it, and give its path.")
        return cls(store, file, status)

    @property
    def name(self) -> str:
        return self.store.url_of(self.file)

    @property
    def size(self) -> int:
        return self.status.size or 0

    def read(self, start: int, stop: int) -> bytes:
        """See `LocalFile.read`."""
        return self.store.read(self.file, start, stop) if stop > start else b""

    def raw(self) -> io.RawIOBase:
        """See `LocalFile.raw`."""
        return RemoteFile(partial(self.store.read, self.file), self.size)

    def stamp(self) -> Stamp:
        """See `LocalFile.stamp`: with a hash of what the store says of the file in place of its inode number."""
        status = self.store.status(self.file)
        if status is None:
            return GONE
        digest = hashlib.sha256(status.stamp.encode()).digest()
        return status.size or 0, 0, 0, int.from_bytes(digest[:8], "little", signed=True)

    def has_changed(self) -> bool:
        """See `LocalFile.has_changed`."""
        return bool(self.status.stamp) and self.store.status(self.file) != self.status


Container: TypeAlias = LocalFile | StoredFile


def open_container(place: str | Path) -> Container:
    """The file at a path or a URL. Raises NoInputError."""
    return StoredFile.open(str(place)) if is_url(place) else LocalFile.open(place)


def content_at(place: str) -> bytes | None:
    """All of a small file at a path or a URL; None if it is missing."""
    if is_url(place):
        store, name = Store.holding(place)
        return None if store.status(name) is None else store.read(name)
    return content_of(Path(place)) if os.path.isfile(place) else None


def head_of(path: Path, size: int) -> bytes:
    """The first bytes of a local file."""
    with path.open("rb") as file:
        return file.read(size)


class FrontToBack:
    """A container's bytes by ranges, each behind the one before, fetched in larger pieces."""

    def __init__(self, container: Container) -> None:
        self._container, self._start, self._piece = container, 0, b""
        self._step = FAR_BYTES if container.is_far else NEAR_BYTES

    def read(self, start: int, stop: int) -> bytes:
        """Bytes start … stop−1. Raises DataError if the file ends before."""
        if not self._start <= start <= stop <= self._start + len(self._piece):
            if stop > self._container.size:
                raise DataError(f"{self._container.name}: is cut short. Fetch it again.")
            self._piece = self._container.read(start, min(max(stop, start + self._step), self._container.size))
            self._start = start
        return self._piece[start - self._start : stop - self._start]
