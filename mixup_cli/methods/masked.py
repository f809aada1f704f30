"""The base classes of methods that draw a mask from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixup_cli.draws.beta import UNIT, levels
from mixup_cli.draws.rng import Draws, RowWord
from mixup_cli.methods.base import Method, pure
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided
from mixup_cli.methods.options import MAX_ALPHA, number


@dataclass(frozen=True)
class SeedMethod(Method):
    """The plan draws a seed alone. The mask that a subclass makes of it decides the shares."""

    needs_picture = True
    has_mask = True
    has_seed = True

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        return decided(pure(len(draws), 0, 2), mask_seed=draws.words[:, RowWord.MASK_SEED])


@dataclass(frozen=True)
class MaskMethod(SeedMethod):
    """Weights lam and 1 − lam, lam ~ Beta(alpha, alpha), laid out by a mask that gives the base about lam of the
    positions."""

    weighs = True
    decided = frozenset({"alpha"})

    alpha: float = number(1.0, 0.0, MAX_ALPHA)

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        lam = levels(draws.words[:, RowWord.LAM], self.alpha, self.alpha)
        return decided(np.stack([lam, UNIT - lam], axis=1), mask_seed=draws.words[:, RowWord.MASK_SEED])
