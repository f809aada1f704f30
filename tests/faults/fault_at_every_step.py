"""Run a command again and again, each time with a fault one step later.

    python fault_at_every_step.py FAULT STRIDE FOLDER COMMAND…

A step is a call that changes what is on the disk: opening for writing, write, fsync, rename, unlink, mkdir, rmdir,
fallocate. FAULT is `kill` (SIGKILL just before the step) or the name of an errno, with which the step fails, and with
`+` behind it (`ENOSPC+`) every later call of the same name too. Attempt n runs in FOLDER/n, made from FOLDER/0 if that
is there, and meets its fault at step n; n grows by STRIDE until an attempt has fewer steps. Before them the command
runs once in FOLDER/-1: imports and compiled code are then there for all. What an attempt said is in FOLDER/n.said.

Prints a line of JSON for each attempt that met its fault: its step, the call, and how it ended (minus the signal, or
the exit code).
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from mixup_cli.cli.app import main

CALLS = "write fsync replace rename unlink mkdir rmdir posix_fallocate".split()


class Fault:
    """What happens at one step."""

    def __init__(self, kind: str, step: int, note: int) -> None:
        self._is_kill, self._stays = kind == "kill", kind.endswith("+")
        self._errno = 0 if self._is_kill else getattr(errno, kind.removesuffix("+"))
        self._steps, self._step, self._note = count(1), step, note
        self._write = os.write
        self._met = ""

    def meet(self, call: str, path: Any = None) -> None:
        """Called before every step; `path` is what the system's own error would name."""
        if next(self._steps) == self._step:
            self._met = call
            self._write(self._note, call.encode())
            if self._is_kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise OSError(self._errno, os.strerror(self._errno), path)
        if self._stays and call == self._met:
            raise OSError(self._errno, os.strerror(self._errno), path)

    def install(self) -> None:
        """Meet it in this process, whatever changes the disk."""
        for name in CALLS:
            if hasattr(os, name):
                setattr(os, name, self._wrapped(name, getattr(os, name)))
        sys.addaudithook(self._heard)

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            self.meet(name, None if isinstance(args[0], int) else args[0])
            return call(*args, **options)

        return run

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and args[0] != os.devnull and (args[2] or 0) & (os.O_CREAT | os.O_TRUNC):
            self.meet("open", args[0])


def attempt(kind: str, step: int, folder: Path, command: list[str]) -> dict[str, Any] | None:
    """What became of one attempt, in a process of its own that has imported everything already; None if its steps
    were fewer."""
    place = folder / str(step)
    if (folder / "0").exists():
        shutil.copytree(folder / "0", place, symlinks=True)
    place.mkdir(exist_ok=True)
    met, note = os.pipe()
    child = os.fork()
    if child == 0:
        said = os.open(folder / f"{step}.said", os.O_WRONLY | os.O_CREAT)
        for stream in (1, 2):
            os.dup2(said, stream)
        os.chdir(place)
        Fault(kind, step, note).install()
        run(command)
    os.close(note)
    status = os.waitpid(child, 0)[1]
    with os.fdopen(met, "rb") as notes:
        call = notes.read().decode()
    return {"step": step, "call": call, "ended": os.waitstatus_to_exitcode(status)} if call else None


def run(command: list[str]) -> None:
    sys.argv = ["mixup-gen", *command]
    main()


if __name__ == "__main__":
    fault, stride, attempts, wanted = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]
    if (attempts / "0").exists():
        shutil.copytree(attempts / "0", attempts / "-1", symlinks=True)
    (attempts / "-1").mkdir(exist_ok=True)
    os.chdir(attempts / "-1")
    out = os.dup(1)
    os.dup2(2, 1)
    with suppress(SystemExit):
        run(wanted)
    assert Path("mixup-out/manifest.json").exists()
    for each in count(1, stride):
        became = attempt(fault, each, attempts, wanted)
        if became is None:
            break
        os.write(out, (json.dumps(became) + "\n").encode())
