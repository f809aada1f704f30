"""Jigsaw (also known as PatchMix): a grid of patches, each from the base or from the donor; labels by count.

n by n patches, of which round((1 − lam)·n²) are the donor's, lam ~ Beta(alpha, alpha), which ones being random; each
keeps its place. So do the cells of GridMix (Baek, Bang, Shim, "GridMix: Strong regularization through local context
mapping", Pattern Recognition 2021) and the patches of PatchMix for transformers. Where n does not divide a side,
patches differ by a pixel, and shares are those of the pixels. A side of fewer than n pixels has a patch for each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import mask_words
from mixup_cli.kernels import Weights
from mixup_cli.methods.decisions import Decisions, Grid
from mixup_cli.methods.masked import MaskMethod
from mixup_cli.methods.options import count


@dataclass(frozen=True)
class Jigsaw(MaskMethod):
    """Each patch is the base's or the donor's."""

    name = "jigsaw"
    summary = "a grid of patches, each from base or donor"
    paper = """\
@article{baek2021gridmix,
  title = {GridMix: Strong regularization through local context mapping},
  author = {Baek, Kyungjune and Bang, Duhyeon and Shim, Hyunjung},
  journal = {Pattern Recognition},
  year = {2021}
}"""

    n: float = count(4, 2, 256)

    def weights(self, decisions: Decisions, grid: Grid) -> Weights:
        lines, columns = _patches(grid.height, int(self.n)), _patches(grid.width, int(self.n))
        across = int(columns[-1]) + 1
        patch_count = (int(lines[-1]) + 1) * across
        wanted = np.rint(decisions.parts[:, 1] / UNIT * patch_count)
        rank = np.argsort(np.argsort(mask_words(decisions.mask_seed, patch_count), kind="stable"), kind="stable")
        is_donors = rank < wanted[:, None]
        return Weights(decisions.parts, choice=is_donors[:, lines[:, None] * across + columns].view(np.uint8))


def _patches(side: int, n: int) -> NDArray[np.int64]:
    """The number of the patch that each line belongs to: int64 (side)."""
    return np.arange(side) * min(n, side) // side
