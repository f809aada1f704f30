"""What a process takes while it works: memory and open files, looked at a few times a second."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.running import PROGRAM, clean_environment, ended_processes_seconds

PAUSE_SECONDS = 0.05

FEWEST_LOOKS = 15
"""Growth that was seen in fewer looks says nothing."""


@dataclass
class Watched:
    """How a command ended, and what it took: seconds of the processor, which do not depend on what else the machine
    does, memory and open files."""

    code: int = -1
    stdout: str = ""
    stderr: str = ""
    processor_seconds: float = 0.0
    rss_bytes: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)

    @property
    def peak_bytes(self) -> int:
        return max(self.rss_bytes)

    def growth_bytes(self) -> int:
        """How much more memory was held after four fifths of the time than after a third of it."""
        count = len(self.rss_bytes)
        assert count >= FEWEST_LOOKS, f"looked at {count} times only"
        return max(self.rss_bytes[: count * 4 // 5]) - max(self.rss_bytes[: count // 3])


def watch(*args: object, cwd: Path, stdin: IO[Any] | None = None) -> Watched:
    """Run mixup-gen to its end and look at it meanwhile. What it says goes to files: a full pipe would stop it."""
    seen = Watched()
    before = ended_processes_seconds()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(
            [PROGRAM, *map(str, args)],
            cwd=cwd,
            env=clean_environment(),
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=out,
            stderr=err,
        )
        while process.poll() is None:
            _look(process.pid, seen)
            time.sleep(PAUSE_SECONDS)
        for said in (out, err):
            said.seek(0)
        seen.stdout, seen.stderr = out.read(), err.read()
    seen.code, seen.processor_seconds = process.returncode, ended_processes_seconds() - before
    return seen


def _look(pid: int, seen: Watched) -> None:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        open_files = len(os.listdir(f"/proc/{pid}/fd"))
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # it has ended
        return
    seen.rss_bytes.append(pages * os.sysconf("SC_PAGE_SIZE"))
    seen.descriptors.append(open_files)
