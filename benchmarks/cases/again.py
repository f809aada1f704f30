"""A second alpha over the same photographs: what is decoded already need not be decoded again."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.hot_spots import profile
from benchmarks.measure import Contender, Usage, alternate, ratio, walls
from benchmarks.results import Line, Part


def measure(bench: Bench) -> Part:
    """A first run with an empty cache, then a second alpha with the full one, in turn."""
    part = Part("A second alpha, with a warm cache")
    case, rounds = _Case(bench), bench.amounts.few
    contenders = [Contender("first alpha", case.first, rounds), Contender("second alpha", case.second, rounds)]
    runs, failures = alternate(contenders, bench.tell)
    part.fail(failures)
    for name, usages in runs.items():
        part.figure(f"{name}, one pass over {bench.amounts.photos:,} photographs", walls(usages), "s")
    first, second = walls(runs["first alpha"]), walls(runs["second alpha"])
    if first and second:
        work = "second alpha with a warm cache, whole process, against the first run"
        part.lines.append(Line("again", work, ratio(first, second), "x", 2.5, 4.0))
    part.profiled = [str(word) for word in case.command("0.4")]
    if part.misses and bench.amounts.profiles:
        case.second()
        part.profile = profile(bench, part.profiled)
    shutil.rmtree(case.cache, ignore_errors=True)
    return part


class _Case:
    """The two runs. In every other round the second comes first, so it sees to a full cache itself."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.cache = bench.scratch / "cache"

    def command(self, alpha: str) -> list[str | Path]:
        """One pass with an alpha, through the cache on disk."""
        options = ("--alpha", alpha, "--size", "224", "--cache", "disk", "--cache-folder", self.cache)
        return self._bench.generate(self._bench.photos, *options)

    def first(self) -> Usage:
        """With an empty cache."""
        shutil.rmtree(self.cache, ignore_errors=True)
        return self._bench.fresh(self.command("0.2"))

    def second(self) -> Usage:
        """With a full one."""
        if not self.cache.exists():
            self.first()
        return self._bench.fresh(self.command("0.4"))
