"""Files that change under their reader: noticed by what the system tells of them."""

from __future__ import annotations

import os
from pathlib import Path

from mixup_cli.errors import DataError

Look = tuple[int, int, int]
"""Size in bytes, time of the last change in nanoseconds, inode number."""


def look_of(status: os.stat_result) -> Look:
    """What is compared of a file."""
    return status.st_size, status.st_mtime_ns, status.st_ino


def look(path: str | Path) -> Look | None:
    """How a file looks now; None where there is none any more."""
    try:
        return look_of(os.stat(path))
    except (OSError, ValueError):
        return None


def change_while_read(name: str) -> DataError:
    """What to raise where a file is another after reading than before: nobody knows which of the two was read."""
    return DataError(f"{name}: changed while it was read. Let nothing write there, and run the same command again.")
