"""ζ-mixup: k samples with weights that fall as a power of their rank, so that the base always prevails.

Abhishek, Brown, Hamarneh, "Multi-sample ζ-mixup: richer, more realistic synthetic samples from a p-series
interpolant", Journal of Big Data 2024, eq. 3: the weight of rank r is r^−γ / Σ s^−γ over s = 1 … k, with γ = 2.8. The
base has rank 1, and the ranks of the others are random, because their order in the pass is. The authors mix a whole
batch; here k is an option.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import Draws
from mixup_cli.methods.base import Method
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided
from mixup_cli.methods.options import count, number


@dataclass(frozen=True)
class ZetaMix(Method):
    """Constant weights of `k` parents, the same in every row."""

    name = "zetamix"
    summary = "average of k samples, weighted by rank to the power of −gamma"
    paper = """\
@article{abhishek2024zetamixup,
  title = {Multi-sample $\\zeta$-mixup: richer, more realistic synthetic samples from a $p$-series interpolant},
  author = {Abhishek, Kumar and Brown, Colin J. and Hamarneh, Ghassan},
  journal = {Journal of Big Data},
  year = {2024}
}"""

    averages = True
    weighs = True
    decided = frozenset({"gamma"})

    gamma: float = number(2.8, 0.0, 100.0)
    k: float = count(4, 2, 16)

    @property
    def parent_count(self) -> int:  # type: ignore[override]  # it depends on the option
        return int(self.k)

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        falling = np.arange(1, self.parent_count + 1, dtype=np.float64) ** -self.gamma
        exact = falling / falling.sum() * UNIT
        parts = np.floor(exact)
        missing = UNIT - int(parts.sum())
        parts[np.argsort(parts - exact, kind="stable")[:missing]] += 1  # by largest remainder
        return decided(np.tile(parts.astype(np.int32), (len(draws), 1)))
