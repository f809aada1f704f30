"""mixup: x = lam·x_i + (1 − lam)·x_j, lam ~ Beta(alpha, alpha).

Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", ICLR 2018, eq. 2. At the paper's alpha
of 0.2, one row in ten has a lam that rounds to 0 or 1, and one in four has a share above 0.999: that is the law.

With the option `base`, lam ~ Beta(base, alpha), and lam is the base's: Balanced-MixUp (Galdran et al., MICCAI 2021)
draws 1 − lam from Beta(alpha, 1), so that a class-balanced donor is a small part of most rows. `base=1` is that law.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from mixup_cli.draws.beta import UNIT, levels
from mixup_cli.draws.rng import Draws, RowWord
from mixup_cli.methods.base import Method
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided
from mixup_cli.methods.options import MAX_ALPHA, follows, number


@dataclass(frozen=True)
class Mixup(Method):
    """Weights lam and 1 − lam over the whole sample."""

    name = "mixup"
    summary = "weighted average of two samples"
    paper = """\
@inproceedings{zhang2018mixup,
  title = {mixup: Beyond Empirical Risk Minimization},
  author = {Zhang, Hongyi and Cisse, Moustapha and Dauphin, Yann N. and Lopez-Paz, David},
  booktitle = {International Conference on Learning Representations},
  year = {2018}
}"""

    averages = True
    weighs = True
    keeps_objects = True
    decided = frozenset({"alpha", "base"})
    balanced = MappingProxyType({"base": 1.0})
    with_objects = MappingProxyType({"alpha": 1.5})

    alpha: float = number(0.2, 0.0, MAX_ALPHA)
    base: float | None = follows(0.0, MAX_ALPHA)

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        first = self.alpha if self.base is None else self.base
        lam = levels(draws.words[:, RowWord.LAM], first, self.alpha)
        return decided(np.stack([lam, UNIT - lam], axis=1))
