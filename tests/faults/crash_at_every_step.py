"""Run a command again and again, each time killed one step later: `python crash_at_every_step.py FOLDER COMMAND…`.

A step is a call that changes what is on the disk (fsync, rename, unlink, mkdir, rmdir). Attempt n runs in FOLDER/n,
made from FOLDER/0 if that is there, and ends by SIGKILL just before its n-th step. The last attempt comes through.
Before them the command runs once in FOLDER/-1: imports and compiled code are then there for all.
"""

from __future__ import annotations

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

STEPS = "fsync replace rename unlink mkdir rmdir".split()


def kill_before(step: int) -> None:
    """Let this process be killed just before its `step`-th step."""
    steps = count(1)

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **options)

        return run

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))


def attempt(folder: Path, step: int, command: list[str]) -> int:
    """The exit status of one attempt, in a process of its own that has imported everything already."""
    place = folder / str(step)
    if (folder / "0").exists():
        shutil.copytree(folder / "0", place)
    place.mkdir(exist_ok=True)
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    os.chdir(place)
    kill_before(step)
    run(command)
    raise AssertionError("unreachable: a command ends by SystemExit")


def run(command: list[str]) -> None:
    sys.argv = ["mixup-gen", *command]
    main()


if __name__ == "__main__":
    attempts, wanted = Path(sys.argv[1]), sys.argv[2:]
    (attempts / "-1").mkdir()
    os.chdir(attempts / "-1")
    with suppress(SystemExit):
        run(wanted)
    assert Path("mixup-out").exists()
    for step in count(1):
        status = attempt(attempts, step, wanted)
        if status == 0:
            break
        assert os.WIFSIGNALED(status), f"attempt {step} failed by itself"
