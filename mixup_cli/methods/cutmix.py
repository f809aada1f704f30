"""CutMix: a box of the donor is pasted into the base, and labels are mixed by the area that is really visible.

Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", ICCV 2019, eq. 1
and 2: lam ~ Beta(alpha, alpha), box sides H·√(1 − lam) and W·√(1 − lam), centre uniform, clipped at the border.

Two variants that libraries offer: `box=inside` puts a box of those sides wholly inside the picture (kornia, Keras),
and `box=minmax` draws each side between two fractions of the picture's, `low` and `high`, and never clips (timm's
cutmix_minmax, which includes `low` and excludes `high`; here both are included).

On clips it is VideoMix (Yun et al., "VideoMix: Rethinking Data Augmentation for Video Classification", 2020), a cuboid
of the donor's voxels: `over=space` is a box through all frames, `over=time` some whole frames, in a row, that
are 1 − lam of all, and `over=both` a box in some frames, each side of which is ∛(1 − lam) of the clip's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT, levels
from mixup_cli.draws.rng import Draws, RowWord, Words, below
from mixup_cli.errors import UsageError
from mixup_cli.kernels import Weights
from mixup_cli.methods.base import Method, Shown, pure
from mixup_cli.methods.box import centred_box, cube_roots, inside_box
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided
from mixup_cli.methods.options import MAX_ALPHA, follows, number, word
from mixup_cli.methods.span import Bounds, bounds_of, centred_span, in_region, inside_span, lengths_of, span_of_boxes

MINMAX = (0.2, 0.8)
"""The sides of `box=minmax` where none are given, as fractions of the picture's: timm's usual values."""


class BoxMethod(Method):
    """The base outside the box, the donor inside it; of samples that go on in time, inside the box within a span."""

    needs_picture = True
    has_box = True

    def weights(self, decisions: Decisions, grid: Grid) -> Weights:
        return in_region(decisions, grid, pure(len(decisions.parts), 1, 2))

    def shown(self, decisions: Decisions, grid: Grid) -> Shown:
        shown = super().shown(decisions, grid)
        shown.cover[:, 0], shown.window[:, 1] = decisions.box, decisions.box
        return shown


@dataclass(frozen=True)
class CutMix(BoxMethod):
    """A box of the donor in its own place."""

    name = "cutmix"
    summary = "a box of the donor pasted into the base"
    paper = """\
@inproceedings{yun2019cutmix,
  title = {CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features},
  author = {Yun, Sangdoo and Han, Dongyoon and Oh, Seong Joon and Chun, Sanghyuk and Choe, Junsuk and Yoo, Youngjoon},
  booktitle = {IEEE/CVF International Conference on Computer Vision},
  year = {2019}
}"""
    keeps_objects = True
    has_span = True
    ranges = (("low", "high"),)
    decided = frozenset({"alpha", "box", "over", "low", "high"})

    alpha: float = number(1.0, 0.0, MAX_ALPHA)
    box: str = word("paper", "inside", "minmax")
    over: str = word("space", "time", "both")
    low: float | None = follows(0.0, 1.0)
    high: float | None = follows(0.0, 1.0)

    def __post_init__(self) -> None:
        if self.box == "minmax":
            for name, default in zip(("low", "high"), MINMAX, strict=True):
                if getattr(self, name) is None:
                    object.__setattr__(self, name, default)  # so that recipes hold it
            super().__post_init__()
        elif (self.low, self.high) != (None, None):
            raise UsageError("low and high go with box=minmax.", "Leave them out.", field="methods", value="cutmix")

    @property
    def needs_frames(self) -> bool:  # type: ignore[override]  # it depends on the option
        return self.over != "space"

    @property
    def idle(self) -> frozenset[str]:
        return frozenset({"alpha"} if self.box == "minmax" else ())

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        parts = pure(len(draws), 0, 2)
        bounds = bounds_of(len(draws), grid, known)
        if self.over == "both":
            return decided(parts, *self._cuboid(draws.words, grid, bounds))
        if self.over == "time":
            whole = np.tile(np.array([0, 0, *grid.sides], np.int32), (len(draws), 1))
            return decided(parts, whole, span=self._span(draws.words, bounds))
        if not grid.has_plane:
            return decided(parts, span=self._span(draws.words, bounds))
        return decided(parts, self._box(draws.words, grid), span=span_of_boxes(len(draws), grid))

    def _cuboid(self, words: Words, grid: Grid, bounds: Bounds) -> tuple[NDArray[np.int32], None, NDArray[np.int32]]:
        """Box, no mask, and span."""
        if self.box == "minmax":
            length = self._between(words[:, RowWord.SPARE_T], grid.length)
            return self._box(words, grid), None, inside_span(words, length, bounds, RowWord.CENTRE_T)
        part = UNIT - levels(words[:, RowWord.LAM], self.alpha, self.alpha)
        step = 1 if self.box == "inside" else 2
        height, width, length = (cube_roots(part, side, step) for side in (*grid.sides, grid.length))
        if self.box == "inside":
            return inside_box(words, height, width, grid), None, inside_span(words, length, bounds, RowWord.CENTRE_T)
        span = centred_span(words, length, bounds, RowWord.CENTRE_T)
        return centred_box(words, height, width, grid), None, span

    def _span(self, words: Words, bounds: Bounds) -> NDArray[np.int32]:
        """In time, a part of 1 − lam."""
        side = lengths_of(bounds)
        if self.box == "minmax":
            low, high = ((fraction * side).astype(np.int64) for fraction in (self.low or 0.0, self.high or 0.0))
            return inside_span(words, low + below(words[:, RowWord.LAM], high - low + 1), bounds)
        part = (UNIT - levels(words[:, RowWord.LAM], self.alpha, self.alpha)) / UNIT
        if self.box == "inside":
            return inside_span(words, (part * side).astype(np.int64), bounds)
        return centred_span(words, (0.5 * part * side).astype(np.int64), bounds)

    def _box(self, words: Words, grid: Grid) -> NDArray[np.int32]:
        if self.box == "minmax":
            height = self._between(words[:, RowWord.LAM], grid.height)
            return inside_box(words, height, self._between(words[:, RowWord.SPARE], grid.width), grid)
        half_height, half_width = half_sides(words, self.alpha, grid)
        if self.box == "inside":
            sides = np.sqrt((UNIT - levels(words[:, RowWord.LAM], self.alpha, self.alpha)) / UNIT)
            return inside_box(
                words, (sides * grid.height).astype(np.int64), (sides * grid.width).astype(np.int64), grid
            )
        return centred_box(words, half_height, half_width, grid)

    def _between(self, drawn: Words, side: int) -> NDArray[np.int64]:
        low, high = (int(fraction * side) for fraction in (self.low or 0.0, self.high or 0.0))
        return low + below(drawn, high - low + 1)


def half_sides(words: Words, alpha: float, grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Half the box's height and width, in whole pixels, each (m): trunc(side·√(1 − lam) / 2)."""
    half = 0.5 * np.sqrt((UNIT - levels(words[:, RowWord.LAM], alpha, alpha)) / UNIT)
    return (half * grid.height).astype(np.int64), (half * grid.width).astype(np.int64)
