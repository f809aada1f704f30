"""How tests run mixup-gen: as the real process, or its command line in this one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import CompletedProcess
from typing import Protocol

import pytest

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


def python_environment() -> dict[str, str]:
    """The same for a script that imports from `tests`."""
    return clean_environment({"PYTHONPATH": os.pathsep.join(sys.path)})


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


def run_with_limit(kind: int, limit: int, *args: object, cwd: Path) -> CompletedProcess[str]:
    """The same with a limit of the system's (`resource.RLIMIT_…`)."""
    import resource  # Windows has none

    return subprocess.run(
        [PROGRAM, *map(str, args)],
        cwd=cwd,
        env=clean_environment(),
        preexec_fn=lambda: resource.setrlimit(kind, (limit, limit)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def start_process(
    *args: object,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    own_group: bool = False,
    program: Sequence[object] = (PROGRAM,),
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[str]:
    """The installed command, begun and left to the caller; in a process group of its own, as in a terminal. `program`
    is what to run in its place."""
    return subprocess.Popen(
        [*map(str, program), *map(str, args)],
        cwd=cwd,
        env=clean_environment(env),
        stdin=stdin,
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


@contextmanager
def interrupted_at_the_end() -> Iterator[None]:
    """Runs of this process are interrupted when all shards are there, and the manifest is not."""

    def interrupt(*_: object) -> None:
        raise SystemExit(130)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("mixup_cli.runs.generate.finish", interrupt)
        yield


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
    return int(_status(folder)[1])


def _status(folder: Path) -> list[str]:
    """State, parent, group, session and more: what follows the name in a process's `stat`."""
    return (folder / "stat").read_text().rpartition(")")[2].split()


def _serves_tests(folder: Path) -> bool:
    """Whether it is multiprocessing's own, or stays for all tests of hostile input."""
    command = (folder / "cmdline").read_bytes()
    return any(name in command for name in (b"resource_tracker", b"forkserver", b"tests.hostile.cell"))


def is_alive(pid: int) -> bool:
    """Whether there is such a process; a zombie counts as one."""
    return Path(f"/proc/{pid}").exists()


def session_pids(leader: int) -> list[int]:
    """The processes that still run of a command with a group of its own, whatever became of the command (Linux)."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and (status := _status(folder))[0] != "Z" and int(status[3]) == leader:
                found.append(int(folder.name))
    return sorted(found)


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Until something holds, and no longer than it may take."""
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.002)


def wait_while_running(process: subprocess.Popen[str], holds: Callable[[], bool], seconds: float = 60) -> None:
    """Until something holds, while a process is still running."""
    wait_until(lambda: holds() or process.poll() is not None, seconds)
    assert process.poll() is None, f"it ended too early: {process.communicate()}"


def best_seconds(attempt: Callable[[], float], wanted: float) -> float:
    """How long something takes at best: on a busy machine it may take longer than `wanted`, and is then tried again."""
    seconds = attempt()
    return seconds if seconds < wanted else min(seconds, attempt())
