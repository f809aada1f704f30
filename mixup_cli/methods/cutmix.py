"""CutMix: a box of the donor is pasted into the base, and labels are mixed by the area that is really visible.

Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV 2019, eq. 1
and 2: lam ~ Beta(alpha, alpha), box sides H·√(1 − lam) and W·√(1 − lam), centre uniform, clipped at the border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.beta import UNIT, levels
from mixup_cli.kernels import Weights
from mixup_cli.methods.base import Decisions, Grid, Method, decided, pure
from mixup_cli.rng import RowWord, Words, below


def centred_box(
    words: Words, half_height: NDArray[np.int64], half_width: NDArray[np.int64], grid: Grid
) -> NDArray[np.int32]:
    """Boxes around uniform centres, clipped to the grid: int32 (m, 4: top, left, bottom, right)."""
    centre_y, centre_x = below(words[:, RowWord.CENTRE_Y], grid.height), below(words[:, RowWord.CENTRE_X], grid.width)
    box = np.stack(
        [centre_y - half_height, centre_x - half_width, centre_y + half_height, centre_x + half_width], axis=1
    )
    return np.clip(box, 0, [grid.height, grid.width, grid.height, grid.width]).astype(np.int32)


@dataclass(frozen=True)
class CutMix(Method):
    """The base outside the box, the donor inside it."""

    name = "cutmix"
    needs_picture = True
    alpha: float = 1.0

    def decide(self, words: Words, grid: Grid) -> Decisions:
        lam = levels(words[:, RowWord.LAM], self.alpha, self.alpha)
        half_side = 0.5 * np.sqrt((UNIT - lam) / UNIT)
        half_height, half_width = (half_side * grid.height).astype(np.int64), (half_side * grid.width).astype(np.int64)
        return decided(pure(len(words), 0, 2), centred_box(words, half_height, half_width, grid))

    def weights(self, decisions: Decisions, grid: Grid) -> Weights:
        return Weights(decisions.parts, decisions.box, pure(len(decisions.parts), 1, 2))
