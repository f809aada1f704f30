"""ResizeMix: the whole donor, shrunk, pasted into the base.

Qin et al., "ResizeMix: Mixing Data with Preserved Object Information and True Labels", 2020, eq. 3 and 4: the donor is
resized by τ ~ U(0.1, 0.8) and pasted at a random place, and the label is mixed by its area. The authors' code draws a
centre and shifts what sticks out back inside, so that the border is more frequent; OpenMixup clips, and squeezes the
donor into what is left. Here every place inside is equally likely, as in the paper. Sides are rounded, and at least
one pixel. The donor is resized with Pillow's antialiased bilinear filter (the authors take the nearest pixel).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import Draws, RowWord, uniforms
from mixup_cli.methods.base import Pictures, Resample, Shown, pure
from mixup_cli.methods.box import inside_box
from mixup_cli.methods.cutmix import BoxMethod
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided
from mixup_cli.methods.options import number


@dataclass(frozen=True)
class ResizeMix(BoxMethod):
    """The base outside the box, the whole donor inside it."""

    name = "resizemix"
    summary = "the whole donor, shrunk, pasted into the base"
    paper = """\
@article{qin2020resizemix,
  title = {ResizeMix: Mixing Data with Preserved Object Information and True Labels},
  author = {Qin, Jie and Fang, Jiemin and Zhang, Qian and Liu, Wenyu and Wang, Xingang and Wang, Xinggang},
  journal = {arXiv preprint arXiv:2012.11101},
  year = {2020}
}"""
    rearranges = True
    keeps_objects = True
    accepted_box = "a box that is not empty: the donor goes there"

    ranges = (("low", "high"),)
    decided = frozenset({"low", "high"})

    low: float = number(0.1, 0.0, 1.0)
    high: float = number(0.8, 0.0, 1.0)

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        scale = self.low + (self.high - self.low) * uniforms(draws.words[:, RowWord.LAM])
        height, width = (np.maximum(np.rint(scale * side).astype(np.int64), 1) for side in (grid.height, grid.width))
        return decided(pure(len(draws), 0, 2), inside_box(draws.words, height, width, grid))

    def accepts(self, box: NDArray[np.int32]) -> NDArray[np.bool_]:
        return (box[:, 0] < box[:, 2]) & (box[:, 1] < box[:, 3])

    def shown(self, decisions: Decisions, grid: Grid) -> Shown:
        shown = super().shown(decisions, grid)
        shown.scale[:, 1] = (decisions.box[:, 2:] - decisions.box[:, :2]) / grid.sides
        shown.shift[:, 1] = decisions.box[:, :2]
        return shown

    def rearrange(self, parents: Pictures, decisions: Decisions, out: NDArray[Any], resample: Resample) -> None:
        """The base as it is, and the resized donor in its box."""
        out[:, 0] = parents.all[parents.numbers[:, 0]]
        for parent, donor, box in zip(parents.numbers[:, 1], out[:, 1], decisions.box.tolist(), strict=True):
            top, left, bottom, right = box
            if top < bottom and left < right:  # a signal coarser than the first may have no room for it
                donor[top:bottom, left:right] = resample(parents.all[parent], (bottom - top, right - left))
