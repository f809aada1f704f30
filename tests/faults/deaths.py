"""mixup-gen whose worker processes meet their end, or that of the run, in the middle of a shard: `python deaths.py
COMMAND…`, with DEATHS=`WHO COUNT` in its environment.

With `workers`, COUNT workers in all kill themselves, each at a random step of its own. A shard dies twice at most: a
third time would end the run. With `main`, the worker that is about to finish a shard when COUNT are done kills the main
process. With `stop`, it stops the main process and itself, until SIGCONT.

Steps are those of fault.py. Workers import this file too, and wrap the calls that they make.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import Any

import numpy as np

from tests.faults.fault import Fault, run

VARIABLE, NOTES = "DEATHS", "deaths"
SHARD = re.compile(r"shard-(\d{5})\.h5|done/(\d{5})\.json")
MOST_STEPS = 60
"""A worker dies within this many steps: those of a few shards."""


class Deaths(Fault):
    """What happens at the steps of one worker. Those that died are noted in the folder `deaths`."""

    def __init__(self, who: str, count: int) -> None:
        super().__init__("none", "0")
        self._who, self._count = who, count
        self._draw = np.random.default_rng()
        self._left = self._some()

    def _some(self) -> int:
        return int(self._draw.integers(1, MOST_STEPS))

    def meet(self, call: str, path: str, named: Any = None) -> None:
        found = SHARD.search(path)
        if found is None or NOTES in path:
            return
        if self._who == "workers":
            self._left -= 1
            if self._left <= 0:
                self._left = self._some()
                if self._may_die(found[1] or found[2]):
                    os.kill(os.getpid(), signal.SIGKILL)
        elif call == "replace" and len(os.listdir(os.path.dirname(path))) >= self._count and "done/" in path:
            self._end_the_run()

    def _end_the_run(self) -> None:
        if not claimed(self._who):
            return
        if self._who == "main":
            os.kill(os.getppid(), signal.SIGKILL)
        else:
            for pid in (os.getppid(), os.getpid()):
                os.kill(pid, signal.SIGSTOP)

    def _may_die(self, shard: str) -> bool:
        return any(claimed(f"{shard}-{number}") for number in range(2)) and any(
            claimed(f"death-{number}") for number in range(self._count)
        )


def claimed(name: str) -> bool:
    """Whether this worker is the first to do this."""
    try:
        os.close(os.open(os.path.join(NOTES, name), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


if __name__ == "__main__":
    os.makedirs(NOTES, exist_ok=True)
    run(sys.argv[1:])
elif __name__ == "__mp_main__":
    who, _, count = os.environ[VARIABLE].partition(" ")
    Deaths(who, int(count)).install()
