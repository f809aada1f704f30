"""Files that worker processes map: on the host that made a file it is mapped by its path, elsewhere a copy is."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from mixup_cli.errors import StorageError


@dataclass(frozen=True)
class File:
    """A file as the process that made it knows it."""

    path: str
    host: str
    device: int
    inode: int

    @classmethod
    def of(cls, path: str) -> Self:
        """A file that this process sees. Raises OSError."""
        status = os.stat(path)
        return cls(path, socket.gethostname(), status.st_dev, status.st_ino)

    def here(self) -> str:
        """The path at which this process finds its content. Raises MissingFileError where that is nowhere."""
        with suppress(OSError):
            if self == File.of(self.path):
                return self.path
        if self not in copies:
            raise MissingFileError(self)
        return copies[self]


copies: dict[File, str] = {}
"""The paths of the copies that this process knows, of files on another host."""


class MissingFileError(StorageError):
    """A value maps a file that is not on this host."""

    def __init__(self, file: File) -> None:
        super().__init__(f"{file.path}: another file, or none, is there now.", "Run the same command again.")
        self.file = file

    def __reduce__(self) -> tuple[type[Self], tuple[File]]:
        return type(self), (self.file,)
