"""The base class of methods that draw a mask from a seed. The mask gives the base about lam of the positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixup_cli.draws.beta import UNIT, levels
from mixup_cli.draws.rng import Draws, RowWord
from mixup_cli.methods.base import Method
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided
from mixup_cli.methods.options import MAX_ALPHA, number


@dataclass(frozen=True)
class MaskMethod(Method):
    """Weights lam and 1 − lam, lam ~ Beta(alpha, alpha), laid out by a mask."""

    needs_picture = True
    has_mask = True
    weighs = True
    has_seed = True
    decided = frozenset({"alpha"})

    alpha: float = number(1.0, 0.0, MAX_ALPHA)

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        lam = levels(draws.words[:, RowWord.LAM], self.alpha, self.alpha)
        return decided(np.stack([lam, UNIT - lam], axis=1), mask_seed=draws.words[:, RowWord.MASK_SEED])
