"""Run a command again and again, each time with a fault at another step.

    python fault_at_every_step.py KIND OF_EACH FOLDER COMMAND…

fault.py says what a step and a fault's KIND are. Attempt n runs in FOLDER/n, a copy of FOLDER/0 if that exists,
and meets its fault at step n. First the command runs once in FOLDER/-1, so that imports and compiled code are ready for
all, and once in FOLDER/-2, where its steps are counted. OF_EACH is `all`, or how many steps of each name are tried: 3
are the first, the one in the middle and the last. What an attempt said is in FOLDER/n.said.

Prints a line of JSON for each attempt that met its fault: its step, the call and the path, and how it ended (minus the
signal, or the exit code).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.faults.fault import Fault, run


def attempt(kind: str, step: int, folder: Path, command: list[str], number: int) -> tuple[list[Any], int]:
    """The steps of one attempt, in a forked process that has imported everything, and how it ended."""
    place, told = copied(folder, number), folder / f"{number}.steps"
    child = os.fork()
    if child == 0:
        said = os.open(folder / f"{number}.said", os.O_WRONLY | os.O_CREAT)
        for stream in (1, 2):
            os.dup2(said, stream)
        os.chdir(place)
        Fault(kind, str(step), os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)).install()
        run(command)
    status = os.waitpid(child, 0)[1]
    return [json.loads(line) for line in told.read_text().splitlines()], os.waitstatus_to_exitcode(status)


def copied(folder: Path, number: int) -> Path:
    """A folder for an attempt."""
    place = folder / str(number)
    if (folder / "0").exists():
        shutil.copytree(folder / "0", place, symlinks=True)
    place.mkdir(exist_ok=True)
    return place


def chosen(calls: list[str], of_each: str) -> list[int]:
    """The numbers of the steps to try, from 1."""
    by_name: dict[str, list[int]] = {}
    for number, call in enumerate(calls, 1):
        by_name.setdefault(call, []).append(number)
    return sorted(number for numbers in by_name.values() for number in spread(numbers, of_each))


def spread(numbers: list[int], of_each: str) -> list[int]:
    """`of_each` of some numbers, with the first and the last; if one, that in the middle."""
    last, gaps = len(numbers) - 1, len(numbers) - 1 if of_each == "all" else int(of_each) - 1
    if gaps == 0:
        return [numbers[last // 2]]
    return sorted({numbers[last * number // gaps] for number in range(gaps + 1)})


def main(kind: str, of_each: str, folder: Path, command: list[str]) -> None:
    """See above."""
    os.chdir(copied(folder, -1))
    out = os.dup(1)
    os.dup2(2, 1)
    with suppress(SystemExit):
        run(command)
    assert Path("mixup-out/manifest.json").exists()
    steps, ended = attempt("none", 0, folder, command, -2)
    assert ended == 0, (folder / "-2.said").read_text()
    for step in chosen([call for call, _ in steps], of_each):
        met, ended = attempt(kind, step, folder, command, step)
        if len(met) >= step:
            call, path = met[step - 1]
            became = {"step": step, "call": call, "path": path, "ended": ended}
            os.write(out, f"{json.dumps(became)}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
