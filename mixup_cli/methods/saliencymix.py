"""SaliencyMix: CutMix whose box lies where the donor is most salient, so that there is something in it.

Uddin et al., "SaliencyMix: A Saliency Guided Data Augmentation Strategy for Better Regularization", ICLR 2021, eq. 2
and 3: the box of CutMix around the donor's most salient pixel, clipped, pasted at the same place. As in the paper,
each pair has its own box; the authors' code (and OpenMixup's) takes one box for a whole batch. Saliency is the
spectral residual (`saliency.py`); the authors' code takes OpenCV's fine-grained saliency.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixup_cli.draws.rng import Draws
from mixup_cli.methods.base import pure
from mixup_cli.methods.box import clipped_box, extents
from mixup_cli.methods.cutmix import BoxMethod, pasted
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided
from mixup_cli.methods.options import MAX_ALPHA, number


@dataclass(frozen=True)
class SaliencyMix(BoxMethod):
    """The most salient box of the donor, in its own place."""

    name = "saliencymix"
    summary = "CutMix around the donor's most salient point"
    paper = """\
@inproceedings{uddin2021saliencymix,
  title = {SaliencyMix: A Saliency Guided Data Augmentation Strategy for Better Regularization},
  author = {Uddin, A. F. M. Shahab and Monira, Mst. Sirazam and Shin, Wheemyung and Chung, TaeChoong and Bae, Sung-Ho},
  booktitle = {International Conference on Learning Representations},
  year = {2021}
}"""
    needs_peaks = True

    decided = frozenset({"alpha"})

    alpha: float = number(1.0, 0.0, MAX_ALPHA)

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        if known.peaks is None:
            raise ValueError("saliencymix decides from the donors' peaks")
        half_height, half_width = extents(pasted(draws.words, self.alpha), grid.sides, step=2)
        centre_y, centre_x = known.peaks.astype(np.int64).T
        return decided(pure(len(draws), 0, 2), clipped_box(centre_y, centre_x, half_height, half_width, grid))
