"""Works that mixup-gen and one script of today do in turn, as whole processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self

from benchmarks.bench import Bench
from benchmarks.measure import Contender, alternate, ratio, walls
from benchmarks.results import Line, Part


@dataclass(frozen=True)
class Pair:
    """One work: its key in why.md, its words in the table, both commands, what looks at each output, and how many
    times as fast as the script mixup-gen should be."""

    key: str
    work: str
    ours: list[str | Path]
    theirs: list[str | Path]
    at_least: float
    check: Callable[[], None] = lambda: None
    check_ours: Callable[[], None] = lambda: None

    def in_passes(self, passes: int, check: Callable[[], None]) -> Self:
        """The same in so many passes, which both commands take as an option."""
        return replace(
            self,
            key=f"{self.key}-{passes}",
            work=f"{self.work}, {passes} pass{'es' * (passes > 1)}",
            ours=[*self.ours, "--passes", str(passes)],
            theirs=[*self.theirs, "--passes", str(passes)],
            check=check,
        )


def measure_pairs(bench: Bench, part: Part, peer: str, pairs: Sequence[Pair]) -> Part:
    """Fill the part with the times of both and their ratio; the first work of ours is profiled."""
    contenders = []
    for pair in pairs:
        ours, theirs = (
            partial(bench.fresh, *each) for each in ((pair.ours, pair.check_ours), (pair.theirs, pair.check))
        )
        contenders.append(Contender(f"mixup-gen, {pair.work}", ours, bench.amounts.few))
        contenders.append(Contender(f"{peer}, {pair.work}", theirs, bench.amounts.few))
    runs, failures = alternate(contenders, bench.tell)
    part.fail(failures)
    for name, usages in runs.items():
        part.figure(name, walls(usages), "s")
    for pair in pairs:
        our_walls, their_walls = (walls(runs[f"{who}, {pair.work}"]) for who in ("mixup-gen", peer))
        if our_walls and their_walls:
            work = f"{pair.work}, whole process against {peer}"
            part.lines.append(Line(pair.key, work, ratio(their_walls, our_walls), "x", pair.at_least))
    part.profiled = [str(word) for word in pairs[0].ours]
    return part
