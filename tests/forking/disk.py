"""What tests do in place of `os.fsync`. It waits for the disk, and only a power cut tells it from this: what a killed
process wrote is there. Tests of what is called when, and of calls that fail, put their own in its place; the installed
program calls the real one.
"""

from __future__ import annotations

import os
from typing import Any


def without_waiting(fd: Any) -> None:
    """Fails where `fsync` would: the descriptor, or that of the file, must be open."""
    os.fstat(fd if isinstance(fd, int) else fd.fileno())
