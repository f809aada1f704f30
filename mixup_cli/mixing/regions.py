"""Regions at a signal's own resolution: a plan decides them on the grid of the first signal, others may be finer or
coarser."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.form import Form
from mixup_cli.kernels import Weights
from mixup_cli.kernels.resample import nearest_places
from mixup_cli.methods import Decisions, Grid, Method

AnyDtype = TypeVar("AnyDtype", bound=np.generic)


def scaled(decisions: Decisions, planned: Grid, grid: Grid) -> Decisions:
    """The same decisions with boxes on another grid: each edge at the nearest line, halves up."""
    before, now = (np.array(each.sides * 2, np.int64) for each in (planned, grid))
    return replace(decisions, box=((2 * decisions.box * now + before) // (2 * before)).astype(np.int32))


def in_time(weights: Weights, form: Form) -> Weights:
    """Weights as kernels take them, of samples that go on in time: a span of one line is a box on it; of frames, each
    has weights of its own, and the box is empty in those outside of the span."""
    span, count = weights.span, form.length
    if form.frames == 1:
        if span is None:
            return weights
        box = np.stack([np.zeros_like(span[:, 0]), span[:, 0], np.ones_like(span[:, 0]), span[:, 1]], axis=1)
        return replace(weights, box=np.ascontiguousarray(box, np.int32), span=None)
    frames = replace(weights, span=None).of(np.repeat(np.arange(len(weights.parts)), count))
    if span is None or frames.box is None:
        return frames
    frame, (start, stop) = np.tile(np.arange(count), len(span)), np.repeat(span, count, axis=0).T
    frames.box[(frame < start) | (frame >= stop)] = 0
    return frames


def weights_at(method: Method, own: Decisions, weights: Weights, grid: Grid) -> Weights:
    """A method's weights on another grid than they were computed on. `own` are the decisions as scaled to it.

    Weights that follow from a box are computed again for this grid. A drawn mask is resampled: each place of the grid
    takes the value of the drawn place in which its middle lies.
    """
    if not method.has_seed:
        return method.weights(own, grid)
    if weights.choice is not None:
        return replace(weights, choice=_seen(weights.choice, grid))
    return weights if weights.mask is None else replace(weights, mask=_seen(weights.mask, grid))


def _seen(drawn: NDArray[AnyDtype], grid: Grid) -> NDArray[AnyDtype]:
    """A mask (…, height, width) on another grid."""
    lines, columns = (nearest_places(*sides) for sides in zip(drawn.shape[-2:], grid.sides, strict=True))
    return np.ascontiguousarray(drawn[..., lines[:, None], columns])
