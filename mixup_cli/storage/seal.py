"""The one way to write a file: beside its place, then fsync, rename, fsync of the folder.

A file under its final name is complete. Bytes are hashed on their way to the disk, so nothing is read again.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from mixup_cli.errors import StorageError
from mixup_cli.storage.outflow import Outflow

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""The errors of a full disk and of a quota that is used up."""

WORK_FOLDER = ".mixup-gen"
"""The folder inside a data set that holds what is needed only while it is being made."""


@dataclass(frozen=True)
class Sealed:
    """A file that is whole: its size in bytes and the sha256 of its bytes (64 hex digits)."""

    file_bytes: int
    sha256: str


@contextmanager
def storage_errors(path: Path, kept: str = ": finished shards are kept") -> Iterator[None]:
    """Turn the system's errors on `path` into StorageError with what to do about them, and what of the work is kept."""
    try:
        yield
    except OSError as problem:
        remedy = f"Fix that, and run the same command again{kept}."
        if problem.errno in NO_ROOM:
            remedy = f"Make room, and run the same command again{kept}."
        if problem.errno == errno.EFBIG:
            remedy = "Raise the limit (ulimit -f), and run the same command again."
        raise StorageError(f"{path}: {reason(problem)}.", remedy) from problem


def reason(problem: Exception) -> str:
    """Why something failed, in a few words: without the path, the number, or the several lines of h5py."""
    return os.strerror(problem.errno) if isinstance(problem, OSError) and problem.errno else str(problem)


def unfinished_path(final: Path, work_folder: Path) -> Path:
    """Where a file is until it is sealed."""
    return work_folder / f"{final.name}.part"


class Sealing:
    """A file on its way. As a context it seals at the end, or leaves nothing behind if the block raises.

    `work_folder` must be on the file system of `final`; the unfinished file stands there. Raises StorageError.
    """

    def __init__(self, final: Path, work_folder: Path) -> None:
        self._final = final
        self._unfinished = unfinished_path(final, work_folder)
        self._hash = hashlib.sha256()
        self._file_bytes = 0

    def __enter__(self) -> Self:
        with storage_errors(self._final):
            self._file = Outflow(self._unfinished)
        return self

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes. A later call may raise what writing them failed with."""
        self._hash.update(data)
        self._file_bytes += len(data)
        with storage_errors(self._final):
            self._file.write(data)

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        with storage_errors(self._final):
            try:
                with closing(self._file):
                    if kind is None:
                        self._file.sync()
                if kind is None:
                    self._unfinished.replace(self._final)
                    sync_folder(self._final.parent)
            finally:
                self._unfinished.unlink(missing_ok=True)

    @property
    def sealed(self) -> Sealed:
        """What has been written."""
        return Sealed(self._file_bytes, self._hash.hexdigest())


def seal_bytes(final: Path, data: bytes, work_folder: Path) -> Sealed:
    """Write a small file whole."""
    with Sealing(final, work_folder) as file:
        file.write(data)
    return file.sealed


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes: 64 hex digits. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable. Windows cannot do that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
