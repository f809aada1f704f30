"""What a process takes while it works: memory and open files, looked at a few times a second."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.running import start_process

PAUSE_SECONDS = 0.1


@dataclass
class Watched:
    """How a command ended, how long it took, and what it took meanwhile."""

    code: int = -1
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    rss_bytes: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)

    @property
    def peak_bytes(self) -> int:
        return max(self.rss_bytes)

    def growth_bytes(self) -> int:
        """How much more memory was held after four fifths of the time than after a third of it."""
        count = len(self.rss_bytes)
        return max(self.rss_bytes[: count * 4 // 5]) - max(self.rss_bytes[: count // 3])


def watch(*args: object, cwd: Path) -> Watched:
    """Run mixup-gen to its end and look at it meanwhile."""
    seen = Watched()
    began = time.monotonic()
    process = start_process(*args, cwd=cwd)
    while process.poll() is None:
        try:
            seen.rss_bytes.append(int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096)
            seen.descriptors.append(len(os.listdir(f"/proc/{process.pid}/fd")))
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # it ended just now
            break
        time.sleep(PAUSE_SECONDS)
    seen.stdout, seen.stderr = process.communicate(timeout=600)
    seen.code, seen.seconds = process.returncode, time.monotonic() - began
    return seen
