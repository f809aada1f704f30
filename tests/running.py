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
from typing import Any, Protocol

import pytest

from tests.forking.client import Running, forked, program_folder

PROGRAM = Path(sys.executable).with_name("mixup-gen")

LAST_RESORT_SECONDS = 200.0
"""After so long what a test waits for is given up. No outcome depends on it, however busy the machine is."""


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
    *args: object,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    limits: Mapping[int, int] | None = None,
) -> CompletedProcess[str]:
    """The command in a process of its own, to its end; `limits` are the system's (`resource.RLIMIT_…` to value)."""
    named = {str(kind): most for kind, most in (limits or {}).items()}
    process = start_process(*args, cwd=cwd, env=env, limits=named, stdin=subprocess.PIPE)
    out, err = process.communicate(stdin or "", timeout=LAST_RESORT_SECONDS)
    return CompletedProcess([str(PROGRAM), *map(str, args)], process.returncode, out, err)


def run_real(
    *args: object,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    limits: Mapping[int, int] | None = None,
) -> CompletedProcess[str]:
    """The same, by the installed program from its first line on: a second of imports. For tests of how it starts."""

    def limit() -> None:
        import resource  # Windows has none

        for kind, most in (limits or {}).items():
            resource.setrlimit(kind, (most, most))

    return subprocess.run(
        [PROGRAM, *map(str, args)],
        cwd=cwd,
        env=clean_environment(env),
        preexec_fn=limit if limits else None,
        input=stdin or "",
        capture_output=True,
        text=True,
        timeout=LAST_RESORT_SECONDS,
        check=False,
    )


def start_process(
    *args: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, script: str = "", **how: Any
) -> Running:
    """Start the command, or a script of Python in its place. `how` are `stdin` and fields of
    `forking.server.Request`. A variable that Python or a library reads at its start needs `start_real`."""
    return forked(*args, cwd=cwd, environment=clean_environment(env), script=script, **how)


def start_real(
    *args: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, program: Sequence[object] = (PROGRAM,)
) -> subprocess.Popen[str]:
    """The installed program, or another in its place, from its first line on, started."""
    return subprocess.Popen(
        [*map(str, program), *map(str, args)],
        cwd=cwd,
        env=clean_environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def shell(command: str, cwd: Path, real: bool = False) -> CompletedProcess[str]:
    """A line of bash, any part of which fails the whole, and in which `mixup-gen` is ours: forked, or the installed
    program itself, for streams that are closed when it starts."""
    environment = clean_environment()
    environment["PATH"] = f"{PROGRAM.parent if real else program_folder()}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LAST_RESORT_SECONDS,
        check=False,
    )


_MEASURED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def peak_bytes(*args: object) -> int:
    """Run mixup-gen, and return the most memory it took, in bytes.

    A small process starts it: Linux counts what the one had that starts it, and the tests' own has hundreds of MB.
    """
    command = [sys.executable, "-c", _MEASURED, str(PROGRAM), *map(str, args)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@contextmanager
def interrupted_at_the_end() -> Iterator[None]:
    """Interrupts runs of this process when all shards are sealed and the manifest is not."""

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
    """Whether it is multiprocessing's own, or stays for all tests."""
    command = (folder / "cmdline").read_bytes()
    of_tests = (b"resource_tracker", b"forkserver", b"tests.hostile.cell", b"tests.forking.server", b"tests.docs.pages")
    of_ray = (b"/site-packages/ray/", b"/bin/ray")  # the cluster of tests/clusters
    return any(name in command for name in (*of_tests, *of_ray))


def is_alive(pid: int) -> bool:
    """Whether the process exists; a zombie does."""
    return Path(f"/proc/{pid}").exists()


def is_stopped(pid: int) -> bool:
    """Whether a process waits for SIGCONT."""
    with suppress(OSError):
        return _status(Path("/proc") / str(pid))[0] == "T"
    return False


def session_pids(leader: int) -> list[int]:
    """The processes of a command's session that still run, whether or not the command itself does (Linux)."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and (status := _status(folder))[0] != "Z" and int(status[3]) == leader:
                found.append(int(folder.name))
    return sorted(found)


def processor_seconds(pid: int) -> float:
    """What a process has taken so far, of all its threads."""
    user, system = _status(Path("/proc") / str(pid))[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def ended_processes_seconds() -> float:
    """What this process's children took that have ended."""
    import resource  # Windows has none

    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def wait_until(holds: Callable[[], bool]) -> None:
    """Until something holds."""
    limit = time.monotonic() + LAST_RESORT_SECONDS
    while not holds():
        assert time.monotonic() < limit
        time.sleep(0.002)


def wait_while_running(process: Running, holds: Callable[[], bool]) -> None:
    """Until something holds, while a process is still running."""
    wait_until(lambda: holds() or process.poll() is not None)
    assert process.poll() is None, f"it ended too early: {process.communicate()}"
