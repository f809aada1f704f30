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

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT, levels
from mixup_cli.draws.rng import Draws, RowWord, Words, below
from mixup_cli.errors import UsageError
from mixup_cli.kernels import Weights
from mixup_cli.methods.base import Method, Shown, pure
from mixup_cli.methods.box import Side, centred_box, extents, inside_box
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided
from mixup_cli.methods.options import MAX_ALPHA, follows, number, word
from mixup_cli.methods.span import bounds_of, centred_span, in_region, inside_span, lengths_of, span_of_boxes

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
        words, rows = draws.words, len(draws)
        in_plane = grid.has_plane and self.over != "time"
        in_time = not grid.has_plane or self.over != "space"
        bounds = bounds_of(rows, grid, known)
        box, span = None, span_of_boxes(rows, grid)
        length = grid.length if in_plane else lengths_of(bounds)
        sizes = self._sizes(words, [*(grid.sides if in_plane else ()), *([length] if in_time else ())])
        if in_plane:
            box = (centred_box if self.box == "paper" else inside_box)(words, sizes[0], sizes[1], grid)
        elif grid.has_plane:
            box = np.tile(np.array([0, 0, *grid.sides], np.int32), (rows, 1))
        if in_time:
            word = RowWord.CENTRE_T if in_plane else RowWord.CENTRE_X
            span = (centred_span if self.box == "paper" else inside_span)(words, sizes[-1], bounds, word)
        return decided(pure(rows, 0, 2), box, span=span)

    def _sizes(self, words: Words, sides: Sequence[Side]) -> list[NDArray[np.int64]]:
        """How much is pasted of each axis: int64 (m). Around a centre, half of it."""
        if self.box != "minmax":
            return extents(pasted(words, self.alpha), sides, step=2 if self.box == "paper" else 1)
        drawn = (RowWord.LAM, RowWord.SPARE, RowWord.SPARE_T)
        return [self._between(words[:, word], side) for word, side in zip(drawn, sides, strict=False)]

    def _between(self, drawn: Words, side: Side) -> NDArray[np.int64]:
        low, high = ((np.asarray(side) * (end or 0.0)).astype(np.int64) for end in (self.low, self.high))
        return low + below(drawn, high - low + 1)


def pasted(words: Words, alpha: float) -> NDArray[np.int32]:
    """1 − lam in 65536ths: int32 (m)."""
    return UNIT - levels(words[:, RowWord.LAM], alpha, alpha)
