"""none: the sample as it is. Also what `keep_originals` adds."""

from __future__ import annotations

from dataclasses import dataclass

from mixup_cli.draws.rng import Draws
from mixup_cli.methods.base import Method, pure
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided


@dataclass(frozen=True)
class Unmixed(Method):
    """The base alone."""

    name = "none"
    summary = "the sample as it is"
    parent_count = 1
    keeps_objects = True

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        return decided(pure(len(draws), 0, 1))
