"""Where spans lie: what `box` has for two axes, for the one of time."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import RowWord, Words, below
from mixup_cli.kernels import Weights
from mixup_cli.methods.decisions import Decisions, Grid, Known

Bounds: TypeAlias = NDArray[np.int64] | NDArray[np.int32]
"""The places in time that a span may choose from: integers (m, 2: start, stop, half-open)."""


def bounds_of(rows: int, grid: Grid, known: Known) -> Bounds:
    """All of the time; or where it is known, the part in which every parent has content."""
    if known.content is None:
        return np.tile(np.array([0, grid.length]), (rows, 1))
    start, stop = known.content[..., 0].max(axis=1), known.content[..., 1].min(axis=1)
    return np.stack([start, np.maximum(start, stop)], axis=1).astype(np.int64)


def lengths_of(bounds: Bounds) -> NDArray[np.int64]:
    """How many places there are to choose from: int64 (m)."""
    return np.asarray(bounds[:, 1] - bounds[:, 0])


def centred_span(
    words: Words, half: NDArray[np.int64], bounds: Bounds, word: RowWord = RowWord.CENTRE_X
) -> NDArray[np.int32]:
    """Spans around uniform centres, drawn from a `word`, clipped to their bounds: int32 (m, 2)."""
    centre = bounds[:, 0] + below(words[:, word], np.maximum(1, lengths_of(bounds)))
    ends = np.stack([centre - half, centre + half], axis=1)
    return np.clip(ends, bounds[:, :1], bounds[:, 1:]).astype(np.int32)


def inside_span(
    words: Words, length: NDArray[np.int64], bounds: Bounds, word: RowWord = RowWord.CENTRE_X
) -> NDArray[np.int32]:
    """Spans of these lengths, anywhere wholly inside their bounds with equal chance, by a `word`: int32 (m, 2)."""
    start = bounds[:, 0] + below(words[:, word], lengths_of(bounds) - length + 1)
    return np.stack([start, start + length], axis=1).astype(np.int32)


def span_of_boxes(rows: int, grid: Grid) -> NDArray[np.int32] | None:
    """The span of boxes that go through all of the time: int32 (m, 2); None without time."""
    return None if grid.length == 1 else np.tile(np.array([0, grid.length], np.int32), (rows, 1))


def in_region(decisions: Decisions, grid: Grid, inside: NDArray[np.int32]) -> Weights:
    """Other weights, `inside` int32 (m, P), in the decided region: box, span, or the box within the span."""
    return Weights(
        decisions.parts,
        decisions.box if grid.has_plane else None,
        inside,
        span=None if grid.length == 1 else decisions.span,
        content=None if decisions.content is None else lengths_of(decisions.content).astype(np.int64),
    )
