"""One fault in this very process: `python fault.py KIND STEP COMMAND…` runs mixup-gen and meets it there.

A step is a call that changes what is on the disk: opening for writing, write, fsync, rename, link, unlink, mkdir,
rmdir, fallocate. STEP is the number of one, from 1, or `CALL:NUMBER`: of those of that name alone. KIND is what happens
just before it: `kill` (SIGKILL), `stop` (SIGSTOP: the process sleeps until somebody sends SIGCONT), `none`, or the name
of an errno, with which the step fails, and with `+` behind it (`ENOSPC+`) every later call of the same name too.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from mixup_cli.cli.app import main
from mixup_cli.cli.terminal import signals

CALLS = "write fsync replace rename link unlink mkdir rmdir posix_fallocate".split()
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


class Fault:
    """What happens at one step. Every step up to this one is written to the descriptor `note`: a line of JSON
    with the call and the path, relative to the folder of the command."""

    def __init__(self, kind: str, step: str, note: int | None = None) -> None:
        call, _, number = step.rpartition(":")
        self._call, self._number, self._steps = call, int(number), count(1)
        self._signal, self._stays = SIGNALS.get(kind), kind.endswith("+")
        self._errno = 0 if kind in ("none", *SIGNALS) else getattr(errno, kind.removesuffix("+"))
        self._note, self._write, self._place = note, os.write, os.getcwd()
        self._met = ""

    def meet(self, call: str, path: str, named: Any = None) -> None:
        """Called before every step; `named` is what the system's own error would name."""
        if self._call in ("", call) and next(self._steps) == self._number:
            self._met = call
        elif not (self._stays and call == self._met):
            self._tell(call, path)
            return
        self._tell(call, path)
        if self._signal is not None:
            os.kill(os.getpid(), self._signal)
        if self._errno:
            raise OSError(self._errno, os.strerror(self._errno), named)

    def _tell(self, call: str, path: str) -> None:
        if self._note is not None:
            told = json.dumps([call, os.path.relpath(path, self._place)])
            self._write(self._note, f"{told}\n".encode())

    def install(self) -> None:
        """Meet it in this process, whatever changes the disk."""
        for name in CALLS:
            if hasattr(os, name):
                setattr(os, name, self._wrapped(name, getattr(os, name)))
        sys.addaudithook(self._heard)

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            named = None if isinstance(args[0], int) else args[0]
            self.meet(name, changed_path(args, options), named)
            return call(*args, **options)

        return run

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and args[0] != os.devnull and (args[2] or 0) & (os.O_CREAT | os.O_TRUNC):
            self.meet("open", path_of(args[0]), args[0])


def changed_path(args: tuple[Any, ...], options: Mapping[str, Any]) -> str:
    """What a call changes: of two paths the second, which is the new name."""
    path = path_of(args[1] if len(args) > 1 and isinstance(args[1], str | os.PathLike) else args[0])
    folder = options.get("dir_fd")
    return path if folder is None else os.path.join(path_of(folder), path)


def path_of(where: Any) -> str:
    """The path of a file that is named by it, or by a descriptor (Linux)."""
    return os.readlink(f"/proc/self/fd/{where}") if isinstance(where, int) else os.fsdecode(where)


GRACE, LONG = "GRACE_SECONDS", "1e6"
"""A variable that sets the grace of `cli/terminal/signals.py`, and one that no test waits for."""


def run(command: list[str]) -> None:
    """The command line in this process. Ends it."""
    signals.GRACE_SECONDS = float(os.environ.get(GRACE, signals.GRACE_SECONDS))
    sys.argv = ["mixup-gen", *command]
    main()


if __name__ == "__main__":
    Fault(sys.argv[1], sys.argv[2]).install()
    run(sys.argv[3:])
