"""Cutout: a square of the fill colour hides part of the base; the label stays.

DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017: a square of fixed
side, centre uniform over the picture, clipped at the border. The paper uses side 16 for CIFAR-10: half a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixup_cli.draws.rng import Draws
from mixup_cli.kernels import Weights
from mixup_cli.methods.base import Method, Shown, pure
from mixup_cli.methods.box import centred_box
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided
from mixup_cli.methods.options import number
from mixup_cli.methods.span import bounds_of, centred_span, in_region, lengths_of, span_of_boxes


@dataclass(frozen=True)
class Cutout(Method):
    """The base outside the box, the fill colour inside it. `side` is a fraction of the image's shorter side."""

    name = "cutout"
    summary = "a square of the base hidden"
    paper = """\
@article{devries2017cutout,
  title = {Improved Regularization of Convolutional Neural Networks with Cutout},
  author = {DeVries, Terrance and Taylor, Graham W.},
  journal = {arXiv preprint arXiv:1708.04552},
  year = {2017}
}"""
    parent_count = 1
    needs_picture = True
    has_box = True
    fills = True
    keeps_objects = True
    has_span = True
    decided = frozenset({"side"})

    side: float = number(0.5)

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        if not grid.has_plane:
            bounds = bounds_of(len(draws), grid, known)
            half = np.minimum(self.side, 2.0) * lengths_of(bounds)
            return decided(pure(len(draws), 0, 1), span=centred_span(draws.words, half.astype(np.int64) // 2, bounds))
        half_px = int(self.side * min(grid.height, grid.width)) // 2
        half = np.full(len(draws), min(half_px, grid.height + grid.width), np.int64)  # beyond that it hides everything
        return decided(
            pure(len(draws), 0, 1), centred_box(draws.words, half, half, grid), span=span_of_boxes(len(draws), grid)
        )

    def shown(self, decisions: Decisions, grid: Grid) -> Shown:
        shown = super().shown(decisions, grid)
        shown.cover[:, 0] = decisions.box
        return shown

    def weights(self, decisions: Decisions, grid: Grid) -> Weights:
        return in_region(decisions, grid, np.zeros_like(decisions.parts))
