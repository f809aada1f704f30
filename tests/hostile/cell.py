"""Runs the command line again and again, each time in a new process that is bounded, watched and measured.

A process that has imported everything forks for each command, which takes milliseconds, not a second. It reads
one request a line, as JSON, and answers with one line.
"""

from __future__ import annotations

from tests.forking.leaving import leave  # isort: skip  # before all else

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.running import clean_environment

WALL_SECONDS = 200
"""After so long a command is stopped, and counts as hanging. What it may take is counted in seconds of the processor,
which do not depend on what else the machine does."""

ADDRESS_SPACE_BYTES = 8 << 30
"""Protects the machine that runs the tests. What a command may take is counted by what it has touched."""


@dataclass(frozen=True)
class Ended:
    """How a command came to its end. `signal` is 0 where none ended it; `peak_bytes` is of memory that it touched;
    `changed` are the paths, relative to the parent of the folder it ran in, of what is new, gone or different."""

    code: int
    signal: int
    out: str
    err: str
    cpu_seconds: float
    peak_bytes: int
    arguments: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)


STREAMS = ("stdout", "stderr", "stdin")
"""What a command writes and reads is in these, beside the folder it runs in."""


def whole_listing(folder: Path) -> dict[str, tuple[int, ...]]:
    """Everything below a folder, by its relative path: kind, size and time of last change, of folders the kind alone.
    Links are not followed."""
    found: dict[str, tuple[int, ...]] = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(place, name)
            try:
                seen = os.lstat(path)
            except OSError:  # a path too long for the system
                continue
            is_folder = stat.S_ISDIR(seen.st_mode)
            found[os.path.relpath(path, folder)] = (
                (seen.st_mode,) if is_folder else (seen.st_mode, seen.st_size, seen.st_mtime_ns)
            )
    return found


class Cell:
    """The process that forks. Close it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.cell"],
            cwd=Path(__file__).parents[2],
            env=clean_environment({"PYTHONWARNINGS": "default"}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, arguments: list[str], folder: Path, environment: dict[str, str], stdin: str = "") -> Ended:
        """One command in `folder`, to its end."""
        pipes = self._process.stdin, self._process.stdout
        assert pipes[0] is not None
        assert pipes[1] is not None
        request = {"arguments": arguments, "folder": str(folder), "environment": environment, "stdin": stdin}
        pipes[0].write(json.dumps(request) + "\n")
        before = whole_listing(folder.parent)
        pipes[0].flush()
        answer = json.loads(pipes[1].readline())
        after = whole_listing(folder.parent)
        paths = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        return Ended(**answer, arguments=arguments, changed=[path for path in paths if path not in STREAMS])

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=WALL_SECONDS)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """Fork, wait, measure."""
    folder = Path(request["folder"])
    out, err, fed = (folder.parent / name for name in STREAMS)
    fed.write_bytes(os.fsencode(request["stdin"]))
    process = os.fork()
    if process == 0:
        _command(request, out, err, fed)
    status, usage = _wait(process)
    return {
        "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "out": out.read_text(errors="replace"),
        "err": err.read_text(errors="replace"),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    }


def _wait(process: int) -> tuple[int, resource.struct_rusage]:
    limit = time.monotonic() + WALL_SECONDS
    while time.monotonic() < limit:
        ended, status, usage = os.wait4(process, os.WNOHANG)
        if ended:
            return status, usage
        time.sleep(0.002)
    os.kill(process, signal.SIGKILL)
    _, status, usage = os.wait4(process, 0)
    return status, usage


def _command(request: dict[str, Any], out: Path, err: Path, fed: Path) -> None:
    """In the child: become what a shell would start. Never returns."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for descriptor, (path, flags) in enumerate(
        [(fed, os.O_RDONLY), (out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), (err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)]
    ):
        os.dup2(os.open(path, flags, 0o600), descriptor)
    # Not the parent's, with its buffers; these last as long as the process.
    sys.stdin, sys.stdout, sys.stderr = map(_standard_stream, "rww", range(3))
    os.chdir(request["folder"])
    os.environ.update(request["environment"])
    sys.argv = ["mixup-gen", *request["arguments"]]
    try:
        main()
    except SystemExit as end:
        leave(end)


def _standard_stream(mode: str, descriptor: int) -> Any:
    return open(descriptor, mode, closefd=False)


def serve() -> None:
    """Answer until stdin ends."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    from mixup_cli.cli.app import main
    from tests.forking.server import warm_up

    warm_up()
    serve()
