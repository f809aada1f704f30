"""How a figure is taken: child processes, in turn with their peers, medians with their spread."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TIME_LIMIT_SECONDS = 900

SHORTEST_PART = 0.1
"""Of the larger amount's time, what it must take longer than the smaller one at least."""


class Failure(Exception):
    """A contender could not be measured."""


@dataclass(frozen=True)
class Usage:
    """What a child process took. `said` is the JSON object that was its last line, if it printed one."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cores(self) -> float:
        """How many cores were busy, on average."""
        return self.cpu_seconds / self.wall_seconds


def run(command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None) -> Usage:
    """Run a command to its end and measure it: wall clock, processor time with that of its children, peak memory of
    the largest process. Raises Failure with the end of what it said."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        child = subprocess.Popen(
            [str(part) for part in command],
            stdout=out,
            stderr=err,
            cwd=folder,
            env={**os.environ, **(environment or {})},
        )
        alarm = threading.Timer(TIME_LIMIT_SECONDS, child.kill)
        alarm.start()
        try:
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            raise
        finally:
            alarm.cancel()
        seconds = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)  # so that Popen does not wait for it again
        if child.returncode:
            raise Failure(f"{Path(command[0]).name} … ended with {child.returncode}: {_tail(err) or _tail(out)}")
        kilobyte = 1 if os.uname().sysname == "Darwin" else 1024
        return Usage(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * kilobyte, _last_object(_tail(out)))


def _tail(file: Any) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 4000))
    return str(file.read().decode(errors="replace")).strip()


def _last_object(text: str) -> dict[str, Any]:
    line = text.rpartition("\n")[2]
    return dict(json.loads(line)) if line.startswith("{") else {}


@dataclass(frozen=True)
class Contender:
    """Something that is measured `rounds` times. `make` runs it once, and leaves nothing behind."""

    name: str
    make: Callable[[], Usage]
    rounds: int


Runs = dict[str, list[Usage]]


def alternate(contenders: Sequence[Contender], told: Callable[[str], None]) -> tuple[Runs, dict[str, str]]:
    """Run the contenders in turn, round after round, every other round backwards, so that what drifts on the machine
    meets all of them. A contender that fails is left out from there on: (runs by name, failures by name)."""
    runs: Runs = {contender.name: [] for contender in contenders}
    failures: dict[str, str] = {}
    for number in range(max(contender.rounds for contender in contenders)):
        for contender in list(contenders)[:: -1 if number % 2 else 1]:
            if number >= contender.rounds or contender.name in failures:
                continue
            try:
                used = contender.make()
            except Failure as failure:
                failures[contender.name] = str(failure)
                told(f"  {contender.name}: FAILED: {failure}")
                continue
            runs[contender.name].append(used)
            told(f"  round {number + 1}  {contender.name}: {used.wall_seconds:.2f} s")
    return runs, failures


@dataclass(frozen=True)
class Spread:
    """A median with the least and the largest value that it stands for."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of some values, of which there must be one at least."""
        return cls(statistics.median(values), min(values), max(values), len(values))

    def __format__(self, form: str) -> str:
        if self.count == 1:
            return format(self.median, form)
        return f"{self.median:{form}} ({self.low:{form}} … {self.high:{form}})"


def ratio(above: Sequence[float], below: Sequence[float]) -> Spread:
    """The ratio of two medians, and the spread of the ratios round by round, where both were measured."""
    rounds = [a / b for a, b in zip(above, below, strict=False)]
    whole = statistics.median(above) / statistics.median(below)
    return Spread(whole, min([*rounds, whole]), max([*rounds, whole]), len(rounds))


def walls(usages: Sequence[Usage]) -> list[float]:
    """The wall-clock seconds of some runs."""
    return [used.wall_seconds for used in usages]


def marginal_rates(small: Sequence[Usage], large: Sequence[Usage], more: int) -> list[float]:
    """Samples a second between two amounts that differ by `more`: what start and end cost falls out.

    A round in which the larger amount took hardly longer than the smaller one tells of something else on the machine,
    and is left out.
    """
    pairs = [(a, b) for a, b in zip(walls(small), walls(large), strict=False) if b - a > SHORTEST_PART * b]
    return [more / (b - a) for a, b in pairs]
