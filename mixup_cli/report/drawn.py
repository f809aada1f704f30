"""Samples that go on in time, drawn as pictures: a wave as its outline, a spectrogram with low frequencies below, a
clip as a strip of frames."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.axes import Axes, has_time, lengths, plane_of

WAVE_PX = (64, 256)
"""Height and width of a wave."""

MOST_FRAMES = 8
"""Of a longer clip, so many frames are shown, equally far apart."""

STRIP_PX = 448
"""The width of a strip, in which frames can be seen one by one; other pictures are smaller."""

DRAWN: tuple[Axes, ...] = ("tc", "ft", "thwc")
"""The axes of what is drawn here."""


Boxes: TypeAlias = NDArray[np.int32]


def drawn(samples: NDArray[Any], axes: Axes) -> NDArray[Any]:
    """Pictures (n, height, width, channels) of samples (n, *shape): of waves float32 in 0 … 1, else in their dtype."""
    match axes:
        case "tc":
            return _waves(samples)
        case "ft":
            return samples[:, ::-1, :, None]
        case _:
            frames = np.moveaxis(samples[:, shown_frames(samples.shape[1])], 1, 2)  # n, height, frames, width, channels
            return frames.reshape(*frames.shape[:2], -1, frames.shape[-1])


def shown_frames(count: int) -> NDArray[np.int64]:
    """Which of so many frames are shown."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_FRAMES)).round().astype(np.int64))


def is_strip(height: int, width: int) -> bool:
    """Whether a picture is a strip of frames, by its sides."""
    return width > 4 * height


def most_px(usual_px: int, height: int, width: int) -> int:
    """How long the longer side of a picture may be: as usual, but of strips."""
    return max(usual_px, STRIP_PX) if is_strip(height, width) else usual_px


def _waves(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Dark from the least to the largest value of each stretch of time, −1 … 1 from the lower edge to the upper."""
    full = np.iinfo(samples.dtype).max if samples.dtype.kind == "i" else 1.0
    values = (samples / full).astype(np.float32).mean(axis=-1)
    height, width = WAVE_PX[0], min(WAVE_PX[1], values.shape[1])
    starts = np.arange(width) * values.shape[1] // width
    low, high = (each.reduceat(values, starts, axis=1) for each in (np.minimum, np.maximum))
    line = np.linspace(1, -1, height)[:, None]
    half = 1 / (height - 1)
    dark = (line >= low[:, None] - half) & (line <= high[:, None] + half)
    return np.where(dark, 0, 1).astype(np.float32)[..., None]


def regions(boxes: NDArray[np.int32], spans: NDArray[np.int32] | None, form: tuple[tuple[int, ...], Axes]) -> Boxes:
    """Where boxes int32 (m, 4) and spans int32 (m, 2) of samples of a form (shape, axes) lie in their pictures: int32
    (m, 4: top, left, bottom, right), zeros without one."""
    shape, axes = form
    if axes == "ft":
        top, left, bottom, right = boxes.T
        there = boxes.any(axis=1)
        return np.where(there, np.stack([shape[0] - bottom, left, shape[0] - top, right]), 0).T.astype(np.int32)
    if spans is None or not has_time(axes):
        return boxes
    count = shape[axes.index("t")]
    if not plane_of(axes):
        width = min(WAVE_PX[1], count)
        across, there = spans.astype(np.int64) * width // count, spans[:, 1] > spans[:, 0]
        made = np.stack([np.zeros(len(spans)), across[:, 0], np.full(len(spans), WAVE_PX[0]), across[:, 1]], axis=1)
        return np.where(there[:, None], made, 0).astype(np.int32)
    return _in_strips(boxes, spans, lengths(shape, axes, "hw")[1], shown_frames(count))


def _in_strips(
    boxes: NDArray[np.int32], spans: NDArray[np.int32], width: int, shown: NDArray[np.int64]
) -> NDArray[np.int32]:
    """From the box in the first frame of the span that is shown to the box in the last."""
    first, last = shown.searchsorted(spans[:, 0]), shown.searchsorted(spans[:, 1]) - 1
    made, there = boxes.copy(), boxes.any(axis=1) & (last >= first)
    made[:, 1] += width * first
    made[:, 3] += width * last
    return np.where(there[:, None], made, 0).astype(np.int32)
