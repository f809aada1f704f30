"""Runs commands in forks of one process that has imported everything: milliseconds each, not a second.

    python -m tests.forking.server SOCKET

Each connection asks for one process (`Request`), and sends its stdin, stdout and stderr along. It gets the process's id
at once and, when that has ended, its return code. The server ends when its own stdin does.
"""

from __future__ import annotations

from tests.forking.leaving import leave  # isort: skip  # before all else

import json
import os
import resource
import runpy
import selectors
import signal
import socket
import sys
import tempfile
import threading
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType

from tests.forking.disk import without_waiting

MOST_BYTES = 1 << 20
"""No request is longer."""

PROGRAM = Path(sys.executable).with_name("mixup-gen")


@dataclass(frozen=True)
class Request:
    """What to run: `mixup-gen` with these arguments, or a Python `script`; where, in which environment, as the leader
    of its own process group or not, under which limits (`resource.RLIMIT_…` to value), and with which signals
    ignored."""

    arguments: list[str]
    cwd: str
    environment: dict[str, str]
    script: str = ""
    own_group: bool = False
    limits: dict[str, int] = field(default_factory=dict)
    ignored: tuple[int, ...] = ()

    def encoded(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def answer(number: int) -> bytes:
    return number.to_bytes(8, "little", signed=True)


class Server:
    """Forks until its stdin ends; in a forked process, `serve` returns what that is to run."""

    def __init__(self, path: str) -> None:
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listening.bind(path)
        self._listening.listen(64)
        self._woken, self._waking = os.pipe()
        for descriptor in (self._woken, self._waking):
            os.set_blocking(descriptor, False)
        self._running: dict[int, socket.socket] = {}

    def serve(self) -> Request | None:
        signal.set_wakeup_fd(self._waking)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            for waited_for in (0, self._woken, self._listening):
                selector.register(waited_for, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select()]
                if self._woken in ready:
                    self._reap()
                if self._listening in ready and (request := self._fork()) is not None:
                    return request
                if 0 in ready:
                    return None

    def _reap(self) -> None:
        os.read(self._woken, MOST_BYTES)
        for pid in list(self._running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                with self._running.pop(pid) as connection, suppress(OSError):  # the one that asked may be gone
                    connection.send(answer(os.waitstatus_to_exitcode(status)))

    def _fork(self) -> Request | None:
        connection, _ = self._listening.accept()
        data, streams, _, _ = socket.recv_fds(connection, MOST_BYTES, 3)
        pid = os.fork() if data else -1
        if pid == 0:
            self._running[0] = connection
            self._let_go()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
        for stream in streams:
            os.close(stream)
        if pid == 0:
            return Request(**json.loads(data))
        if pid > 0:
            self._running[pid] = connection
            connection.send(answer(pid))
        return None

    def _let_go(self) -> None:
        """In the forked process: what is the server's own."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in (self._woken, self._waking):
            os.close(descriptor)
        for each in (self._listening, *self._running.values()):
            each.close()


def become(request: Request) -> None:
    """Make this process what a shell would have started, and run it. Ends it."""
    if request.own_group:
        os.setsid()
    os.chdir(request.cwd)
    os.environ.clear()
    os.environ.update(request.environment)
    # Those of the server have its buffers. These last as long as the process.
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    sys.argv = [request.script or str(PROGRAM), *request.arguments]
    sys.orig_argv = [sys.executable, *sys.argv]
    for number in request.ignored:
        signal.signal(number, signal.SIG_IGN)
    sys.dont_write_bytecode = bool(request.limits)  # Python 3.11 would keep what it compiles cut at such a limit
    for kind, most in request.limits.items():
        resource.setrlimit(int(kind), (most, most))
    try:
        if request.script:
            runpy.run_path(request.script, run_name="__main__")
        else:
            sys.modules["__main__"] = program = ModuleType("__main__")  # which worker processes import
            program.__file__ = str(PROGRAM)
            from mixup_cli.cli.start import main

            main()
        sys.exit()
    except SystemExit as end:
        leave(end)


def warm_up() -> None:
    """Import what commands use, and load what numba has compiled, by running some."""
    from tqdm import tqdm

    import mixup_cli.checks.repair  # noqa: F401
    from mixup_cli.cli.app import app
    from tests.small_sources import write_photos

    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere:
        photos, out, plan = write_photos(Path(folder) / "photos"), f"{folder}/out", f"{folder}/plan.csv"
        made = ("generate", photos, "--size", 8, "-o", out)
        commands = [made, ("verify", out, "--deep"), ("plan", photos, "-o", plan), ("inspect", photos)]
        with redirect_stdout(nowhere), redirect_stderr(nowhere):
            for command in commands:
                with app.make_context("mixup-gen", [*map(str, command)]) as context:
                    app.invoke(context)
    if tqdm.monitor is not None:  # a fork has only the thread that forks
        tqdm.monitor.exit()  # type: ignore[no-untyped-call]
        tqdm.monitor = None
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            thread.join()


if __name__ == "__main__":
    path = sys.argv[1]
    os.fsync = without_waiting
    warm_up()
    server = Server(path)
    print("ready", flush=True)
    asked = server.serve()
    if asked is not None:
        become(asked)
