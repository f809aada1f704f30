"""Kill a command at random moments: `python kill_at_random.py COUNT SEED FOLDER COMMAND…`.

The command runs in FOLDER/0 again and again, each time killed (SIGKILL) at a random moment, until it comes
through; then in FOLDER/1, and so on, until COUNT runs were killed. Before them it runs once in FOLDER/-1, where the
time is taken that moments are drawn from. Prints the number of runs that were killed and of those that came through.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.faults.fault import run


def forked(place: Path, command: list[str]) -> int:
    """A run in a forked process, which has imported everything."""
    place.mkdir(exist_ok=True)
    child = os.fork()
    if child == 0:
        os.chdir(place)
        run(command)
    return child


def exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(count: int, folder: Path, command: list[str]) -> tuple[int, int]:
    """How many runs were killed, and how many came through."""
    (folder / "-1").mkdir()
    os.chdir(folder / "-1")
    with suppress(SystemExit):  # here, so that all imports are done
        run(command)
    began = time.monotonic()
    assert exit_code(forked(folder / "-1", [*command, "--force"])) == 0
    seconds = time.monotonic() - began
    killed = through = 0
    while killed < count:
        child = forked(folder / str(through), command)
        time.sleep(random.uniform(0, 1.1 * seconds))  # seeded below
        os.kill(child, signal.SIGKILL)
        ended = exit_code(child)
        assert ended in (0, -signal.SIGKILL), ended
        killed += ended != 0
        through += ended == 0
    return killed, through


if __name__ == "__main__":
    random.seed(int(sys.argv[2]))
    out = os.dup(1)
    os.dup2(2, 1)
    os.write(out, " ".join(map(str, main(int(sys.argv[1]), Path(sys.argv[3]), sys.argv[4:]))).encode())
