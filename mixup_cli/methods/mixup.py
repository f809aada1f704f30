"""mixup: x = lam·x_i + (1 − lam)·x_j, lam ~ Beta(alpha, alpha).

Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", ICLR 2018, eq. 2. At the paper's
alpha of 0.2, one row in ten has a lam that rounds to 0 or 1, and one in four has a share above 0.999: that is the law.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixup_cli.beta import UNIT, levels
from mixup_cli.methods.base import Decisions, Grid, Method, decided
from mixup_cli.rng import RowWord, Words


@dataclass(frozen=True)
class Mixup(Method):
    """Weights lam and 1 − lam over the whole sample."""

    name = "mixup"
    alpha: float = 0.2

    def decide(self, words: Words, grid: Grid) -> Decisions:
        lam = levels(words[:, RowWord.LAM], self.alpha, self.alpha)
        return decided(np.stack([lam, UNIT - lam], axis=1))
