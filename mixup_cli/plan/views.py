"""Views: the part of each parent that is mixed. Flips and crops, decided in the plan.

A view is five integers: top, left, bottom and right of a part of the cached picture (half-open; with padding it may
stick out, and the fill colour is seen there), and 1 where it is mirrored. A part of another size than the output is
resized to it. Each parent of each row has its own view, so several passes show a sample in several ways.

Padding and cropping is that of He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2. The
random resized crop is that of Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, section 6, in torchvision's
form: ten attempts at an area uniform in `crop_area` of the picture's and an aspect log-uniform in (3/4, 4/3); if none
fits, the largest centred part whose aspect lies between these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import Stream, Words, below, uniforms, words
from mixup_cli.methods import Grid, Peaks
from mixup_cli.recipe import Recipe

Views = NDArray[np.int32]
"""int32 (…, 5): top, left, bottom, right, mirrored."""

VIEW_WORDS = 24
"""Words that belong to one parent of one row: mirrored, top, left, and then area and aspect of each attempt."""

MIRRORED, TOP, LEFT, FIRST_ATTEMPT = 0, 1, 2, 3
ATTEMPTS = 10
ASPECTS = (3 / 4, 4 / 3)


@dataclass(frozen=True)
class ViewRules:
    """How views are drawn from cached pictures of one size for an output of one size."""

    flip: float
    crop_pad: int
    crop_area: tuple[float, float] | None
    cached: Grid
    output: Grid

    @classmethod
    def of(cls, recipe: Recipe, cached: Grid, output: Grid) -> ViewRules | None:
        """The recipe's rules; None if every parent is seen whole and unchanged."""
        if not recipe.has_views:
            return None
        return cls(recipe.flip, recipe.crop_pad, recipe.crop_area, cached, output)

    def whole(self, rows: int, parent_count: int) -> Views:
        """The view of unmixed originals: the centre at the output's size, or all of a picture that is smaller."""
        height, width = (min(side) for side in zip(self.cached.sides, self.output.sides, strict=True))
        if (height, width) != self.output.sides:
            height, width = self.cached.sides
        top, left = (self.cached.height - height) // 2, (self.cached.width - width) // 2
        view = np.array([top, left, top + height, left + width, 0], np.int32)
        return np.tile(view, (rows, parent_count, 1))

    def decide(self, seed: int, start: int, stop: int, parent_count: int) -> Views:
        """The views of the parents of mixed rows start … stop−1: (m, P, 5)."""
        views = np.empty((stop - start, parent_count, 5), np.int32)
        for parent in range(parent_count):
            first, count = start * VIEW_WORDS, (stop - start) * VIEW_WORDS
            drawn = words(seed, Stream.VIEW, first, count, parent).reshape(-1, VIEW_WORDS)
            views[:, parent, :4] = self._padded(drawn) if self.crop_area is None else self._resized(drawn)
            views[:, parent, 4] = uniforms(drawn[:, MIRRORED]) < self.flip
        return views

    def _padded(self, drawn: Words) -> NDArray[np.int64]:
        """A part of the output's size, anywhere in the cached picture with `crop_pad` pixels around it."""
        height, width = self.output.sides
        room_y, room_x = (
            cached - side + 2 * self.crop_pad + 1
            for cached, side in zip(self.cached.sides, self.output.sides, strict=True)
        )
        top, left = below(drawn[:, TOP], room_y) - self.crop_pad, below(drawn[:, LEFT], room_x) - self.crop_pad
        return np.stack([top, left, top + height, left + width], axis=1)

    def _resized(self, drawn: Words) -> NDArray[np.int64]:
        """The part of the first attempt that fits."""
        height, width = self.cached.sides
        tall, wide = np.zeros(len(drawn), np.int64), np.zeros(len(drawn), np.int64)
        low, high = self.crop_area or (1.0, 1.0)
        for attempt in range(ATTEMPTS):
            area, aspect = uniforms(drawn[:, FIRST_ATTEMPT + 2 * attempt : FIRST_ATTEMPT + 2 * attempt + 2]).T
            surface = height * width * (low + (high - low) * area)
            bounds = np.log(ASPECTS[0]), np.log(ASPECTS[1])
            ratio = np.exp(bounds[0] + (bounds[1] - bounds[0]) * aspect)
            rows, columns = (np.rint(np.sqrt(each)).astype(np.int64) for each in (surface / ratio, surface * ratio))
            fits = (tall == 0) & (rows > 0) & (rows <= height) & (columns > 0) & (columns <= width)
            tall[fits], wide[fits] = rows[fits], columns[fits]
        top, left = below(drawn[:, TOP], height - tall + 1), below(drawn[:, LEFT], width - wide + 1)
        none_fits = tall == 0
        tall[none_fits], wide[none_fits] = _central(height, width)
        top[none_fits], left[none_fits] = (height - tall[none_fits]) // 2, (width - wide[none_fits]) // 2
        return np.stack([top, left, top + tall, left + wide], axis=1)


def _central(height: int, width: int) -> tuple[int, int]:
    """Height and width of the largest part whose aspect is allowed."""
    aspect = width / height
    if aspect < ASPECTS[0]:
        return min(height, round(width / ASPECTS[0])), width
    if aspect > ASPECTS[1]:
        return height, min(width, round(height * ASPECTS[1]))
    return height, width


def peaks_in_view(peaks: Peaks, views: Views, output: Grid) -> Peaks:
    """Where points (m, 2: y, x) of cached pictures come to lie in the output, through views (m, 5); at the nearest
    border where they are not in view."""
    top, left, bottom, right, mirrored = views.astype(np.int64).T
    # the middle of the pixel, so that enlarging moves it neither up nor, mirrored, to the other side
    y = (2 * (peaks[:, 0] - top) + 1) * output.height // (2 * (bottom - top))
    x = (2 * (peaks[:, 1] - left) + 1) * output.width // (2 * (right - left))
    x = np.where(mirrored == 1, output.width - 1 - x, x)
    y, x = np.clip(y, 0, output.height - 1), np.clip(x, 0, output.width - 1)
    return np.stack([y, x], axis=1).astype(np.int32)
