"""GridMix: the donor shows through the holes of a regular grid.

Two methods bear the name. This is the one with holes: those of GridMask (Chen et al., "GridMask Data Augmentation",
2020) filled with the donor, as in I. Dobrynin's GridMixup and in OpenMixup. The grid has n holes across the shorter
side, n a whole number from 2 to 6; a hole takes √(1 − lam) of each period, lam ~ Beta(alpha, alpha), and the grid
begins at a random phase. Periods and holes are whole pixels. The label is the mask's mean. For whole cells of a grid
that are either's (Baek, Bang, Shim, "GridMix", 2021) see `jigsaw`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import below, mask_words
from mixup_cli.kernels import Weights
from mixup_cli.methods.decisions import Decisions, Grid
from mixup_cli.methods.masked import MaskMethod
from mixup_cli.methods.options import count


@dataclass(frozen=True)
class GridMix(MaskMethod):
    """The base outside the holes, the donor inside them."""

    name = "gridmix"
    summary = "the donor through the holes of a grid"
    paper = """\
@article{chen2020gridmask,
  title = {GridMask Data Augmentation},
  author = {Chen, Pengguang and Liu, Shu and Zhao, Hengshuang and Jia, Jiaya},
  journal = {arXiv preprint arXiv:2001.04086},
  year = {2020}
}"""
    ranges = (("holes_low", "holes_high"),)

    holes_low: float = count(2, 1, 1000)
    holes_high: float = count(6, 1, 1000)

    def weights(self, decisions: Decisions, grid: Grid) -> Weights:
        drawn = mask_words(decisions.mask_seed, 3)
        holes = int(self.holes_low) + below(drawn[:, 0], int(self.holes_high) - int(self.holes_low) + 1)
        period = np.maximum(min(grid.height, grid.width) // holes, 1)
        hole = np.rint(np.sqrt((UNIT - decisions.parts[:, 0]) / UNIT) * period).astype(np.int64)
        rows, columns = (
            _in_holes(below(word, period), period, hole, side)
            for word, side in ((drawn[:, 1], grid.height), (drawn[:, 2], grid.width))
        )
        inside = rows[:, :, None] & columns[:, None, :]
        return Weights(decisions.parts, choice=inside.view(np.uint8))


def _in_holes(
    phase: NDArray[np.int64], period: NDArray[np.int64], hole: NDArray[np.int64], side: int
) -> NDArray[np.bool_]:
    """Which of a side's lines run through holes: bool (m, side)."""
    return (np.arange(side) + phase[:, None]) % period[:, None] < hole[:, None]
