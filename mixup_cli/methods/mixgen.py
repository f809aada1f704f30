"""MixGen: two images averaged with a fixed weight, and their captions joined.

Hao et al., "MixGen: A New Multi-Modal Data Augmentation", WACV 2023, eq. 1: I = lam·I₁ + (1 − lam)·I₂ with lam = 0.5,
and the text is T₁ followed by T₂. All methods join captions (`mixing.captions`), so that this one only decides lam.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import Draws
from mixup_cli.methods.base import Method
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided
from mixup_cli.methods.options import number


@dataclass(frozen=True)
class MixGen(Method):
    """Weights lam and 1 − lam, the same in each row."""

    name = "mixgen"
    summary = "average of two images by a fixed weight, with both captions"
    paper = """\
@inproceedings{hao2023mixgen,
  title = {MixGen: A New Multi-Modal Data Augmentation},
  author = {Hao, Xiaoshuai and Zhu, Yi and Appalaraju, Srikar and Zhang, Aston and Zhang, Wanqian and Li, Bo and
    Li, Mu},
  booktitle = {IEEE/CVF Winter Conference on Applications of Computer Vision Workshops},
  year = {2023}
}"""

    only = "caption"
    averages = True
    weighs = True
    decided = frozenset({"lam"})

    lam: float = number(0.5, 0.0, 1.0)

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        base = int(self.lam * UNIT + 0.5)
        return decided(np.tile(np.array([base, UNIT - base], np.int32), (len(draws), 1)))
