"""Mosaic: four samples around a common point, each showing the part of it that touches that point; labels by area.

Bochkovskiy, Wang, Liao, "YOLOv4: Optimal Speed and Accuracy of Object Detection", 2020, for pictures with one label
(as KerasCV does it): the four are laid out two by two, and a window of the picture's size is cut out. The base is at
the top left, so its bottom right part shows. Padding around a picture stays outside: the picture's own corner touches
the point. The point is uniform between 0.3 and 0.7 of each side, rounded to whole
pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import Draws, RowWord, uniforms
from mixup_cli.kernels import Weights
from mixup_cli.methods.base import Method, Pictures, Resample, Shown, pure
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided
from mixup_cli.methods.options import number

QUARTERS = ((False, False), (False, True), (True, False), (True, True))
"""Whether each parent lies below the point and to the right of it."""


@dataclass(frozen=True)
class Mosaic(Method):
    """Four quarters. The box is the base's: from the corner to the point."""

    name = "mosaic"
    summary = "four samples around a point, each a quarter"
    paper = """\
@article{bochkovskiy2020yolov4,
  title = {YOLOv4: Optimal Speed and Accuracy of Object Detection},
  author = {Bochkovskiy, Alexey and Wang, Chien-Yao and Liao, Hong-Yuan Mark},
  journal = {arXiv preprint arXiv:2004.10934},
  year = {2020}
}"""
    parent_count = 4
    needs_picture = True
    has_box = True
    has_mask = True
    places = True
    rearranges = True
    keeps_objects = True
    accepted_box = "top and left 0; bottom and right are the point"
    ranges = (("low", "high"),)
    decided = frozenset({"low", "high"})

    low: float = number(0.3, 0.0, 1.0)
    high: float = number(0.7, 0.0, 1.0)

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        box = np.zeros((len(draws), 4), np.int32)
        for corner, word, side in ((2, RowWord.CENTRE_Y, grid.height), (3, RowWord.CENTRE_X, grid.width)):
            place = self.low + (self.high - self.low) * uniforms(draws.words[:, word])
            box[:, corner] = np.rint(place * side)
        return decided(pure(len(draws), 0, 4), box)

    def weights(self, decisions: Decisions, grid: Grid) -> Weights:
        lower = np.arange(grid.height) >= decisions.box[:, 2:3]
        right = np.arange(grid.width) >= decisions.box[:, 3:4]
        quarter = 2 * lower[:, :, None].astype(np.uint8) + right[:, None, :]
        return Weights(decisions.parts, choice=quarter)

    def accepts(self, box: NDArray[np.int32]) -> NDArray[np.bool_]:
        return np.asarray(~box[:, :2].any(axis=1))

    def shown(self, decisions: Decisions, grid: Grid) -> Shown:
        """Each parent in its quarter."""
        shown = super().shown(decisions, grid)
        for quarter, behind in enumerate(QUARTERS):
            for axis, is_behind in enumerate(behind):
                shown.window[:, quarter, axis if is_behind else axis + 2] = decisions.box[:, 2 + axis]
        shown.shift[...] = _shifts(decisions, grid.sides)
        return shown

    def rearrange(self, parents: Pictures, decisions: Decisions, out: NDArray[Any], resample: Resample) -> None:
        """Every parent rolled so that the corner that touches the point lies there: of most, only what shows."""
        height, width = out.shape[2:4]
        rows = zip(out, parents.numbers, decisions.box, _shifts(decisions, (height, width)), strict=True)
        for quarters, chosen, box, shifts in rows:
            for quarter, parent, behind, (down, right) in zip(quarters, chosen, QUARTERS, shifts.tolist(), strict=True):
                picture = parents.all[parent]
                lines, columns = (
                    slice(point, side) if is_behind else slice(0, point)
                    for point, side, is_behind in zip(box[2:].tolist(), (height, width), behind, strict=True)
                )
                top, left = lines.start - down, columns.start - right
                bottom, end = lines.stop - down, columns.stop - right
                if min(top, left) >= 0 and bottom <= height and end <= width:
                    quarter[lines, columns] = picture[top:bottom, left:end]
                else:  # padding comes in from the other side
                    quarter[...] = np.roll(picture, (down, right), axis=(0, 1))


def _shifts(decisions: Decisions, sides: tuple[int, ...]) -> NDArray[np.int64]:
    """How far each parent is moved, (m, 4, 2: y, x), so that the corner of its picture lies at the point."""
    shifts = np.repeat(decisions.box[:, None, 2:].astype(np.int64), 4, axis=1)
    for quarter, behind in enumerate(QUARTERS):
        for axis, is_behind in enumerate(behind):
            corner: Any = 0 if is_behind else sides[axis]
            if decisions.inner is not None:
                corner = decisions.inner[:, quarter, axis if is_behind else axis + 2]
            shifts[:, quarter, axis] -= corner
    return shifts
