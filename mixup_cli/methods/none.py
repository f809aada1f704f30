"""none: the sample as it is. Also what `--keep-originals` adds."""

from __future__ import annotations

from dataclasses import dataclass

from mixup_cli.methods.base import Decisions, Grid, Method, decided, pure
from mixup_cli.rng import Words


@dataclass(frozen=True)
class Unmixed(Method):
    """The base alone."""

    name = "none"
    parent_count = 1

    def decide(self, words: Words, grid: Grid) -> Decisions:
        return decided(pure(len(words), 0, 1))
