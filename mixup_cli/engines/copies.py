"""Copies of the driver's files on the disk of another host: one for all worker processes there (Linux).

The first process to need a copy makes it, in a file without a name, and notes its descriptor (`/proc/PID/fd/N`), by
which the others open it. So nothing but the note is left behind, however the processes end.

The note lies where every user may write: it must be a file of this user alone, under no other name.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from mixup_cli.engines.files import File, copies
from mixup_cli.errors import StorageError

OTHER_NOTE = "Remove it, or set TMPDIR to another folder on that node."

_own: list[IO[bytes]] = []


def forget_copies() -> None:
    """Let go of all copies. Their disk space is free again once no process maps them."""
    copies.clear()
    while _own:
        _own.pop().close()


def copy_here(file: File, run: str, pieces: Iterable[bytes | memoryview], folder: Path | None) -> None:
    """Find this host's copy of a file, or make it from its pieces in `folder` (None: that of temporary files). `run`
    names the run, since a path and an inode may be used again. Raises OSError, and StorageError for an unfit note."""
    with _note(Path(tempfile.gettempdir()) / f"mixup-gen-copies-{os.getuid()}.json") as noted:
        fcntl.flock(noted, fcntl.LOCK_EX)
        noted.seek(0)
        known, key = _still_open(noted.read()), f"{run} {file.path}"
        if key not in known:
            known[key] = _made(pieces, folder)
            noted.seek(0)
            noted.truncate()
            noted.write(json.dumps(known))
        copies[file] = known[key][0]


def _note(path: Path) -> IO[str]:
    """Raises StorageError for a link, for what is not a file, and for what others can write or have put there."""
    try:
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as problem:
        raise StorageError(f"{path}: cannot be opened ({problem.strerror}).", OTHER_NOTE) from problem
    status = os.fstat(number)
    if (status.st_uid, status.st_nlink, stat.S_IFMT(status.st_mode)) != (os.getuid(), 1, stat.S_IFREG):
        os.close(number)
        raise StorageError(f"{path}: is not a file of this user alone.", OTHER_NOTE)
    return os.fdopen(number, "r+", encoding="ascii", errors="replace")


def _made(pieces: Iterable[bytes | memoryview], folder: Path | None) -> list[Any]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # open until the run ends
    _own.append(file)
    for piece in pieces:
        file.write(piece)
    file.flush()
    return _described(f"/proc/{os.getpid()}/fd/{file.fileno()}")


def _described(path: str) -> list[Any]:
    status = os.stat(path)
    return [path, status.st_dev, status.st_ino]


def _still_open(text: str) -> dict[str, list[Any]]:
    """The copies in a note that some process still has open. A damaged note has none."""
    found = {}
    with suppress(ValueError, AttributeError, RecursionError):
        for key, described in json.loads(text or "{}").items():
            with suppress(OSError, TypeError, LookupError):  # its process has ended
                if _described(described[0]) == described:
                    found[key] = described
    return found
