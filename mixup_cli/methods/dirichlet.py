"""Dirichlet mixing: k samples with weights ~ Dirichlet(alpha, …, alpha); mixup for more than two.

The Dirichlet law is the Beta law for k parts. It is drawn by breaking a stick: the base's weight is Beta(alpha, (k−1)
alpha) of the whole, the next one's Beta(alpha, (k−2) alpha) of what is left, and so on (Devroye, "Non-Uniform Random
Variate Generation", 1986, chapter XI, theorem 4.2). Each break is drawn as mixup's lam is, from the exact discretised
law, so that k = 2 is mixup to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixup_cli.draws.beta import UNIT, levels
from mixup_cli.draws.rng import ROW_WORDS, Draws, RowWord
from mixup_cli.methods.base import Method
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided
from mixup_cli.methods.options import MAX_ALPHA, count, number


@dataclass(frozen=True)
class Dirichlet(Method):
    """Constant weights of `k` parents."""

    name = "dirichlet"
    summary = "weighted average of k samples"

    averages = True
    weighs = True
    decided = frozenset({"alpha"})

    alpha: float = number(0.2, 0.0, MAX_ALPHA)
    k: float = count(3, 2, 16)

    @property
    def parent_count(self) -> int:  # type: ignore[override]  # it depends on the option
        return int(self.k)

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        parts = np.zeros((len(draws), self.parent_count), np.int32)
        left = np.full(len(draws), UNIT, np.int64)
        for parent in range(self.parent_count - 1):
            level = levels(self._word(draws, parent), self.alpha, (self.parent_count - 1 - parent) * self.alpha)
            taken = (left * level + UNIT // 2) // UNIT
            parts[:, parent] = taken
            left -= taken
        parts[:, -1] = left
        return decided(parts)

    def _word(self, draws: Draws, parent: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
        """The word of a break: lam's own for the first, further ones after it."""
        if parent == 0:
            return draws.words[:, RowWord.LAM]
        lane, word = divmod(parent - 1, ROW_WORDS)
        return draws.more(lane)[:, word]
