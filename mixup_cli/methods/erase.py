"""Random erasing: a rectangle of the base is replaced by a colour, its mean or noise; the label stays.

Zhong et al., "Random Erasing Data Augmentation", AAAI 2020, algorithm 1, with torchvision's limits: area uniform in
(0.02, 0.33) of the picture's (the paper's largest is 0.4), aspect in (0.3, 3.3), wholly inside. The aspect is drawn
log-uniformly, as torchvision and timm do, so that flat and tall boxes are equally frequent; the paper draws it
uniformly. Ten attempts are made to find a box that fits; where none does (as in a picture one pixel high), nothing is
erased.

`fill=colour` is the recipe's fill colour, `mean` the mean of the picture, `noise` a uniform value for every pixel and
channel, as the paper does. Every row is erased: give `none` a share of the rows for the paper's probability of ½.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import Draws, RowWord, Words, mask_words, uniforms
from mixup_cli.kernels import Weights
from mixup_cli.methods.base import Method, Pictures, Resample, pure
from mixup_cli.methods.box import inside_box
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known, decided
from mixup_cli.methods.options import number, word

ATTEMPTS = 10


@dataclass(frozen=True)
class Erase(Method):
    """The base outside the box; inside it a colour, a mean or noise."""

    name = "erase"
    summary = "a rectangle of the base replaced by a colour, its mean or noise"
    paper = """\
@inproceedings{zhong2020erasing,
  title = {Random Erasing Data Augmentation},
  author = {Zhong, Zhun and Zheng, Liang and Kang, Guoliang and Li, Shaozi and Yang, Yi},
  booktitle = {AAAI Conference on Artificial Intelligence},
  year = {2020}
}"""
    parent_count = 1
    needs_picture = True
    has_box = True
    ranges = (("area_low", "area_high"), ("aspect_low", "aspect_high"))
    decided = frozenset({"area_low", "area_high", "aspect_low", "aspect_high"})

    area_low: float = number(0.02, 0.0, 1.0)
    area_high: float = number(0.33, 0.0, 1.0)
    aspect_low: float = number(0.3, 1e-3, 1e3)
    aspect_high: float = number(3.3, 1e-3, 1e3)
    fill: str = word("colour", "mean", "noise")

    @property
    def fills(self) -> bool:  # type: ignore[override]  # it depends on the option
        return self.fill == "colour"

    @property
    def rearranges(self) -> bool:  # type: ignore[override]  # likewise
        return not self.fills

    @property
    def makes_noise(self) -> bool:  # type: ignore[override]  # likewise
        return self.fill == "noise"

    @property
    def has_seed(self) -> bool:  # type: ignore[override]  # likewise
        return self.makes_noise

    @property
    def of_index_maps(self) -> Method:
        return replace(self, fill="colour")

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        height, width = self._sides(draws, grid)
        box = inside_box(draws.words, height, width, grid)
        box[(height == 0) | (width == 0)] = 0
        seed = draws.words[:, RowWord.MASK_SEED] if self.has_seed else None
        return decided(pure(len(draws), 0, 1), box, seed)

    def _sides(self, draws: Draws, grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Height and width of the first attempt that fits strictly inside, int64 (m) each; zeros where none does."""
        height, width = np.zeros(len(draws), np.int64), np.zeros(len(draws), np.int64)
        for attempt in range(ATTEMPTS):
            lane, word = divmod(2 * attempt, draws.words.shape[1])
            area, aspect = uniforms(draws.more(lane)[:, word : word + 2]).T
            surface = grid.position_count * (self.area_low + (self.area_high - self.area_low) * area)
            low, high = np.log(self.aspect_low), np.log(self.aspect_high)
            ratio = np.exp(low + (high - low) * aspect)
            tall = np.rint(np.sqrt(surface * ratio)).astype(np.int64)
            wide = np.rint(np.sqrt(surface / ratio)).astype(np.int64)
            taken = (height == 0) & (tall > 0) & (wide > 0) & (tall < grid.height) & (wide < grid.width)
            height[taken], width[taken] = tall[taken], wide[taken]
        return height, width

    def weights(self, decisions: Decisions, grid: Grid) -> Weights:
        if self.rearranges:
            return Weights(decisions.parts)
        return Weights(decisions.parts, decisions.box, np.zeros_like(decisions.parts))

    def rearrange(self, parents: Pictures, decisions: Decisions, out: NDArray[Any], resample: Resample) -> None:
        """The base with the picture's mean, or noise, in the box."""
        out[...] = parents.all[parents.numbers]
        for picture, seed, (top, left, bottom, right) in zip(
            out[:, 0], decisions.mask_seed, decisions.box.tolist(), strict=True
        ):
            box = picture[top:bottom, left:right]
            if box.size:
                box[...] = _mean(picture) if self.fill == "mean" else _noise(seed, box)


def _mean(picture: NDArray[Any]) -> NDArray[Any]:
    """The mean of each channel of (H, W, C), in its dtype; integers rounded half up."""
    count = picture.shape[0] * picture.shape[1]
    if picture.dtype == np.float32:
        mean = picture.sum(axis=(0, 1), dtype=np.float64) / count
    else:
        mean = (picture.sum(axis=(0, 1), dtype=np.int64) + count // 2) // count
    return np.asarray(mean).astype(picture.dtype)


def _noise(seed: np.uint64, like: NDArray[Any]) -> NDArray[Any]:
    """Uniform values over the dtype's full range (float32: [0, 1)), in the shape of `like`; one word for each."""
    drawn: Words = mask_words(np.array([seed], np.uint64), like.size)[0]
    if like.dtype == np.float32:
        return ((drawn >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)).reshape(like.shape)
    return (drawn >> np.uint64(64 - 8 * like.dtype.itemsize)).astype(like.dtype).reshape(like.shape)
