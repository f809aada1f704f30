"""Files that change during reading, noticed by what the system says of them."""

from __future__ import annotations

import os
from pathlib import Path

from mixup_cli.errors import DataError

Look = tuple[int, int, int]
"""Size in bytes, time of the last change in nanoseconds, inode number."""

Stamp = tuple[int, int, int, int]
"""As `Stamps.files` has it."""

GONE: Stamp = (-1, -1, -1, -1)


def look_of(status: os.stat_result) -> Look:
    """What is compared of a file."""
    return status.st_size, status.st_mtime_ns, status.st_ino


def look(path: str | Path) -> Look | None:
    """How a file looks now; None if it is gone."""
    try:
        return look_of(os.stat(path))
    except (OSError, ValueError):
        return None


def stamp_of(path: str) -> Stamp:
    """How a file and its entry in the folder look now."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return GONE
    # As signed numbers: some file systems use all 64 bits of an inode number.
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, (status.st_ino + 2**63) % 2**64 - 2**63


def change_while_read(name: str) -> DataError:
    """The error for a file that looks different after reading: which of its contents was read is unknown."""
    return DataError(f"{name}: changed while it was read. Stop what writes to it, and run the same command again.")
