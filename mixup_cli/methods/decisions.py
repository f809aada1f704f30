"""What methods decide of rows, and what they decide it from: the grid of places, and what is known of the parents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Grid:
    """The positions that a box or a mask may choose from: `height` × `width` of an image, frequency × time of a
    spectrogram, 1 × 1 of anything else; and `length`, those that a span may choose from: the time of a wave, the frames
    of a clip, the tokens of a text."""

    height: int
    width: int
    length: int = 1

    @property
    def has_plane(self) -> bool:
        """Whether a box can lie in it; else a span takes its place."""
        return self.length == 1 or self.position_count > 1

    def __str__(self) -> str:
        """For messages: its sides."""
        return f"{self.height} high and {self.width} wide"

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @property
    def position_count(self) -> int:
        return self.height * self.width

    def holds(self, boxes: NDArray[np.int32 | np.int64]) -> NDArray[np.bool_]:
        """Which boxes (…, 4: top, left, bottom, right, half-open) lie inside it, empty ones too: bool (…)."""
        top, left, bottom, right = np.moveaxis(boxes, -1, 0)
        vertical = (top >= 0) & (top <= bottom) & (bottom <= self.height)
        inside: NDArray[np.bool_] = vertical & (left >= 0) & (left <= right) & (right <= self.width)
        return inside


@dataclass(frozen=True)
class Decisions:
    """What the plan decides for m rows: `parts` int32 (m, P) in 65536ths, `box` int32 (m, 4: top, left, bottom, right,
    half-open; zeros without a box), `mask_seed` uint64 (m) (zero without a mask).

    Of samples that go on in time: `span` int32 (m, 2: start, stop, half-open; zeros without one), `start` int64 (m, P),
    the place of each parent that is seen first, `scale` float32 (m), by which the blended row is multiplied, and
    `share` float32 (m, P) where shares do not follow from weights (`Method.shares_apart`).

    What follows from the source: `inner` int32 (m, P, 4), where the picture of each parent lies in its padding, and
    `content` int32 (m, 2), which places in time of the base count for shares. None: all of it."""

    parts: NDArray[np.int32]
    box: NDArray[np.int32]
    mask_seed: NDArray[np.uint64]
    inner: NDArray[np.int32] | None = None
    span: NDArray[np.int32] | None = None
    start: NDArray[np.int64] | None = None
    scale: NDArray[np.float32] | None = None
    share: NDArray[np.float32] | None = None
    content: NDArray[np.int32] | None = None

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Decisions:
        return Decisions(**{name: values[rows] for name, values in self.present.items()})

    @property
    def present(self) -> dict[str, NDArray[Any]]:
        """The arrays that are there, by name."""
        return {each.name: values for each in fields(self) if (values := getattr(self, each.name)) is not None}

    def own(self, parent_count: int) -> Decisions:
        """With room for just so many parents."""
        cut = {name: self.present[name][:, :parent_count] for name in OF_PARENTS if name in self.present}
        return replace(self, **{**cut, "parts": np.ascontiguousarray(cut["parts"])})


OF_PARENTS = ("parts", "inner", "start", "share")
"""The decisions that there are for each parent."""


def put_together(blocks: Sequence[tuple[NDArray[np.int64], Decisions]], rows: int, parent_count: int) -> Decisions:
    """Decisions about `rows` rows, of which each block has those at some positions, perhaps for fewer parents."""
    made: dict[str, NDArray[Any]] = {}
    for positions, block in blocks:
        for name, values in block.present.items():
            if name not in made:
                shape = (rows, parent_count, *values.shape[2:]) if name in OF_PARENTS else (rows, *values.shape[1:])
                made[name] = np.full(shape, 1 if name == "scale" else 0, values.dtype)
            if name in OF_PARENTS:
                made[name][positions, : values.shape[1]] = values
            else:
                made[name][positions] = values
    return Decisions(**made)


Peaks = NDArray[np.int32]
"""Places in an image: int32 (m, 2: y, x)."""


@dataclass(frozen=True)
class Known:
    """What is known of the parents (m, P) when a method decides, as far as it asks: where each row's donor is most
    salient, `peaks` int32 (m, 2: y, x) in the grid of the output (`needs_peaks`); how loud each parent is, `levels`
    float64 (m, P, 3: A-weighted level and RMS level in dB, largest absolute value) (`needs_levels`); and where the
    content of each lies in time, `content` int32 (m, P, 2: start, stop), None if that is everywhere."""

    peaks: Peaks | None = None
    levels: NDArray[np.float64] | None = None
    content: NDArray[np.int32] | None = None

    def of(self, slot: int) -> Known:
        """The content of one parent alone."""
        return Known(content=None if self.content is None else self.content[:, slot : slot + 1])


NOTHING = Known()


def decided(
    parts: NDArray[np.int32],
    box: NDArray[np.int32] | None = None,
    mask_seed: NDArray[np.uint64] | None = None,
    span: NDArray[np.int32] | None = None,
) -> Decisions:
    """Decisions, with zeros for the box and the seed if they are not given."""
    rows = len(parts)
    return Decisions(
        parts,
        np.zeros((rows, 4), np.int32) if box is None else box,
        np.zeros(rows, np.uint64) if mask_seed is None else mask_seed,
        span=span,
    )
