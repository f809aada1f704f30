"""Cutout: a square of the fill colour hides part of the base; the label stays.

DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", 2017: a square of fixed
side, centre uniform over the picture, clipped at the border. The paper uses side 16 for CIFAR-10: half a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixup_cli.kernels import Weights
from mixup_cli.methods.base import Decisions, Grid, Method, decided, pure
from mixup_cli.methods.cutmix import centred_box
from mixup_cli.rng import Words


@dataclass(frozen=True)
class Cutout(Method):
    """The base outside the box, nobody inside it. `side` is a fraction of the picture's shorter side."""

    name = "cutout"
    parent_count = 1
    needs_picture = True
    side: float = 0.5

    def decide(self, words: Words, grid: Grid) -> Decisions:
        half = np.full(len(words), int(self.side * min(grid.height, grid.width)) // 2, np.int64)
        return decided(pure(len(words), 0, 1), centred_box(words, half, half, grid))

    def weights(self, decisions: Decisions, grid: Grid) -> Weights:
        return Weights(decisions.parts, decisions.box, np.zeros_like(decisions.parts))
