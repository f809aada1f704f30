"""SmoothMix: a soft round patch of the donor, with no edge for the network to learn.

Lee et al., "SmoothMix: a Simple Yet Effective Data Augmentation to Train Robust Classifiers", CVPR Workshops 2020, eq.
2 to 4: the donor is weighted by exp(−d²/2σ²) around a random centre, σ = k·side with k ~ U(0.25, 0.5), and the label
by the mean of the mask. On pictures that are not square each side has its own σ. (OpenMixup gives the base the donor's
share.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import below, mask_words, uniforms
from mixup_cli.kernels import Weights
from mixup_cli.methods.decisions import Decisions, Grid
from mixup_cli.methods.masked import SeedMethod
from mixup_cli.methods.options import number


@dataclass(frozen=True)
class SmoothMix(SeedMethod):
    """Weights that differ at every position: the donor's are Gaussian."""

    name = "smoothmix"
    summary = "a soft round patch of the donor"
    paper = """\
@inproceedings{lee2020smoothmix,
  title = {SmoothMix: a Simple Yet Effective Data Augmentation to Train Robust Classifiers},
  author = {Lee, Jin-Ha and Zaheer, Muhammad Zaigham and Astrid, Marcella and Lee, Seung-Ik},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops},
  year = {2020}
}"""
    ranges = (("low", "high"),)
    averages = True

    low: float = number(0.25, 0.01, 10.0)
    high: float = number(0.5, 0.01, 10.0)

    def weights(self, decisions: Decisions, grid: Grid) -> Weights:
        drawn = mask_words(decisions.mask_seed, 3)
        spread = self.low + (self.high - self.low) * uniforms(drawn[:, 0])
        vertical = _bell(grid.height, below(drawn[:, 1], grid.height), spread)
        horizontal = _bell(grid.width, below(drawn[:, 2], grid.width), spread)
        donor = np.rint(vertical[:, :, None] * horizontal[:, None, :] * UNIT).astype(np.int32)
        return Weights(decisions.parts, mask=np.stack([UNIT - donor, donor], axis=1))


def _bell(side: int, centre: NDArray[np.int64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """exp(−d²/2σ²) along a side of a picture, σ = spread·side: float64 (m, side)."""
    distance = (np.arange(side) - centre[:, None]) / (spread[:, None] * side)
    return np.exp(-0.5 * distance**2)
