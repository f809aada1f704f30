"""bc: two sounds mixed so that r is what is heard of the first, and the label says r.

Tokozume, Ushiku, Harada, "Learning from Between-class Examples for Deep Sound Recognition", ICLR 2018, eq. 2: with the
A-weighted levels G1 and G2 of the two in dB,

    p = 1 / (1 + 10^((G1 − G2) / 20) · (1 − r) / r),    x = (p·x1 + (1 − p)·x2) / √(p² + (1 − p)²),

r ~ U(0, 1), which is Beta(1, 1). The level of a sound is that of its loudest moment (`plan/levels.py`). Weights are
whole 65536ths in the ratio p : 1 − p; the share that is stored is r computed back from them, so it holds exactly. Where
the two could add up to more than full scale, both are made quieter by the same factor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixup_cli.draws.beta import UNIT, levels
from mixup_cli.draws.rng import Draws, RowWord
from mixup_cli.methods.base import Method
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known
from mixup_cli.methods.gains import A_WEIGHTED, PEAK, loud, parts_in_ratio
from mixup_cli.methods.options import MAX_ALPHA, number


@dataclass(frozen=True)
class BetweenClass(Method):
    """Gains that make up for how loud the two are."""

    name = "bc"
    summary = "two sounds mixed by how loud they are heard"
    paper = """\
@inproceedings{tokozume2018bc,
  title = {Learning from Between-class Examples for Deep Sound Recognition},
  author = {Tokozume, Yuji and Ushiku, Yoshitaka and Harada, Tatsuya},
  booktitle = {International Conference on Learning Representations},
  year = {2018}
}"""
    only = "waves"
    averages = True
    weighs = True
    needs_levels = frozenset({A_WEIGHTED, PEAK})
    shares_apart = True
    decided = frozenset({"alpha"})

    alpha: float = number(1.0, 0.0, MAX_ALPHA)

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        if known.levels is None:
            raise ValueError("bc decides from how loud its parents are")
        r = levels(draws.words[:, RowWord.LAM], self.alpha, self.alpha) / UNIT
        # How much louder the donor is, as a factor.
        louder = 10 ** ((known.levels[:, 1, A_WEIGHTED] - known.levels[:, 0, A_WEIGHTED]) / 20)
        with np.errstate(divide="ignore"):
            parts = parts_in_ratio((1 - r) / r / louder)
        p, q = (parts / UNIT).T
        return loud(parts, 1 / np.hypot(p, q), known.levels[..., PEAK], p / (p + q * louder))
