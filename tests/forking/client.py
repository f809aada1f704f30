"""Processes that tests/forking/server.py forks, with the face of `subprocess.Popen`."""

from __future__ import annotations

import atexit
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol

from tests.forking.server import Request

ROOT = Path(__file__).parents[2]


class Running(Protocol):
    """A process that was started, ours or `subprocess.Popen`'s: see there."""

    pid: int

    @property
    def returncode(self) -> int | Any: ...
    @property
    def stdin(self) -> IO[str] | None: ...
    @property
    def stdout(self) -> IO[str] | None: ...
    @property
    def stderr(self) -> IO[str] | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]: ...  # noqa: A002
    def send_signal(self, sig: int) -> None: ...
    def kill(self) -> None: ...


@cache
def server() -> str:
    """The path of the socket of this session's server, started when the first test asks for it."""
    folder = tempfile.mkdtemp(prefix="fork-")
    path = f"{folder}/socket"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.forking.server", path],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MIXUP_GEN_")}
        | {"OPENBLAS_NUM_THREADS": "1"},  # as the program sets it before it imports anything
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is the tests' to hear
    )

    def end() -> None:
        process.communicate()
        Path(path).unlink(missing_ok=True)
        os.rmdir(folder)

    atexit.register(end)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return path


@cache
def program_folder() -> str:
    """A folder for the PATH: its `mixup-gen` has the server fork, and ends as the forked process does."""
    folder = tempfile.mkdtemp(prefix="fork-bin-")
    program = Path(folder, "mixup-gen")
    words = [sys.executable, "-I", "-S", ROOT / "tests/forking/program.py", server()]
    program.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, words))} "$@"\n')
    program.chmod(0o755)

    def remove() -> None:
        program.unlink()
        os.rmdir(folder)

    atexit.register(remove)
    return folder


class Forked:
    """One process. What it says is text; `stdin` is `subprocess.PIPE` or `DEVNULL`."""

    stdin: IO[str] | None = None

    def __init__(self, request: Request, stdin: int = subprocess.DEVNULL) -> None:
        self.returncode: int | Any = None
        ours, theirs = [], []
        for number in range(3):
            reading, writing = os.pipe()
            ours.append(reading if number else writing)
            theirs.append(writing if number else reading)
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.connect(server())
        socket.send_fds(self._connection, [request.encoded()], theirs)
        for descriptor in theirs:
            os.close(descriptor)
        self.pid = int.from_bytes(self._connection.recv(8), "little", signed=True)
        self.stdout: IO[str] | None = os.fdopen(ours[1])
        self.stderr: IO[str] | None = os.fdopen(ours[2])
        fed = os.fdopen(ours[0], "w")
        if stdin == subprocess.PIPE:
            self.stdin = fed
        else:
            fed.close()

    def poll(self) -> int | None:
        with suppress(TimeoutError, BlockingIOError):
            self._hear(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        try:
            self._hear(timeout)
        except TimeoutError:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0) from None
        return int(self.returncode)

    def _hear(self, timeout: float | None) -> None:
        if self.returncode is None:
            self._connection.settimeout(timeout)
            said = self._connection.recv(8)
            assert said, "the server has ended"
            self.returncode = int.from_bytes(said, "little", signed=True)
            self._connection.close()

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:  # noqa: A002
        said = ["", ""]

        def read(number: int, stream: IO[str]) -> None:
            with stream:
                said[number] = stream.read()

        def write(stream: IO[str]) -> None:
            with suppress(BrokenPipeError), stream:
                stream.write(input or "")

        readers = [
            threading.Thread(target=read, args=pair, daemon=True)
            for pair in enumerate((self.stdout, self.stderr))
            if pair[1] and not pair[1].closed
        ]
        writers = [threading.Thread(target=write, args=(self.stdin,), daemon=True)] if self.stdin else []
        for thread in (*readers, *writers):
            thread.start()
        self.wait(timeout)
        for thread in readers:
            thread.join(timeout)
            assert not thread.is_alive(), "some process still holds its streams"
        return said[0], said[1]

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def forked(
    *args: object,
    cwd: Path | None,
    environment: Mapping[str, str],
    script: Path | str = "",
    stdin: int = subprocess.DEVNULL,
    **how: Any,
) -> Forked:
    """Start `mixup-gen`, or a script of Python, in the server's fork. `how` are fields of `Request`."""
    place = os.getcwd() if cwd is None else str(cwd)
    return Forked(Request([*map(str, args)], place, dict(environment), str(script), **how), stdin)
