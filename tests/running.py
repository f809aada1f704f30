"""How tests run mixup-gen: as the real process, or its command line in this one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess
from typing import Protocol

PROGRAM = Path(sys.executable).with_name("mixup-gen")


class Runner(Protocol):
    """`args` are what a shell would pass, each turned into text."""

    def __call__(
        self, *args: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str | None = None
    ) -> CompletedProcess[str]: ...


def clean_environment(added: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without the developer's own MIXUP_GEN_* settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MIXUP_GEN_")}
    return {**kept, **(added or {})}


def run_process(
    *args: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str | None = None
) -> CompletedProcess[str]:
    """The installed command, to its end. See `Runner`."""
    return subprocess.run(
        [PROGRAM, *map(str, args)],
        cwd=cwd,
        env=clean_environment(env),
        input=stdin or "",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def start_process(
    *args: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, own_group: bool = False
) -> subprocess.Popen[str]:
    """The installed command, begun and left to the caller; in a process group of its own, as in a terminal."""
    return subprocess.Popen(
        [PROGRAM, *map(str, args)],
        cwd=cwd,
        env=clean_environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=own_group,
    )


_MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def peak_bytes(*args: object) -> int:
    """Run mixup-gen, and tell how much memory it took at most.

    A small process starts it: Linux counts what the one had that starts it, and the tests' own has hundreds of MB.
    """
    command = [sys.executable, "-c", _MEASURED, str(PROGRAM), *map(str, args)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def error_line(ended: CompletedProcess[str]) -> str:
    """The one line that a failed command says on stderr; nothing may be on stdout."""
    assert "Traceback" not in ended.stderr, ended.stderr
    errors = [line for line in ended.stderr.splitlines() if line.startswith("mixup-gen: error: ")]
    assert len(errors) == 1, ended.stderr
    assert ended.stderr.splitlines()[-1] == errors[0], "nothing follows the error"
    assert ended.stdout == ""
    return errors[0].removeprefix("mixup-gen: error: ")


def child_pids(parent: int) -> list[int]:
    """The worker processes of a process, zombies too, in ascending order (Linux)."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and _parent(folder) == parent and not _serves_tests(folder):
                found.append(int(folder.name))
    return sorted(found)


def _parent(folder: Path) -> int:
    return int((folder / "stat").read_text().rpartition(")")[2].split()[1])


def _serves_tests(folder: Path) -> bool:
    """Whether it is multiprocessing's own, or stays for all tests of hostile input."""
    command = (folder / "cmdline").read_bytes()
    return b"resource_tracker" in command or b"tests.hostile.cell" in command


def is_alive(pid: int) -> bool:
    """Whether there is such a process; a zombie counts as one."""
    return Path(f"/proc/{pid}").exists()


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Until something holds, and no longer than it may take."""
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.002)
