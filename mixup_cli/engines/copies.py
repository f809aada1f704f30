"""Copies of the driver's files on the disk of another host: one for all worker processes there (Linux).

The first process to need a copy makes it, in a file without a name, and notes its descriptor (`/proc/PID/fd/N`), by
which the others open it. So nothing but the note is left behind, however the processes end.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from mixup_cli.engines.files import File, copies

_own: list[IO[bytes]] = []


def forget_copies() -> None:
    """Let go of all copies. Their disk space is free again once no process maps them."""
    copies.clear()
    while _own:
        _own.pop().close()


def copy_here(file: File, run: str, pieces: Iterable[bytes | memoryview], folder: Path | None) -> None:
    """Find this host's copy of a file, or make it from its pieces in `folder` (None: that of temporary files). `run`
    names the run, since a path and an inode may be used again. Raises OSError."""
    note = Path(tempfile.gettempdir()) / f"mixup-gen-copies-{os.getuid()}.json"
    with note.open("a+") as noted:
        fcntl.flock(noted, fcntl.LOCK_EX)
        noted.seek(0)
        known, key = _still_open(noted.read()), f"{run} {file.path}"
        if key not in known:
            known[key] = _made(pieces, folder)
            noted.truncate(0)
            noted.write(json.dumps(known))
        copies[file] = known[key][0]


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
    """The copies in a note that some process still has open."""
    found = {}
    for key, described in json.loads(text or "{}").items():
        with suppress(OSError):  # its process has ended
            if _described(described[0]) == described:
                found[key] = described
    return found
