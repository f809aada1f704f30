"""Samples of any form as 8-bit colour pictures, for people to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.axes import Axes, as_pictures
from mixup_cli.recipe import Normalize
from mixup_cli.report.drawn import DRAWN, drawn

Pictures = NDArray[np.uint8]
"""uint8 (…, height, width, 3)."""

ROUNDING = 0.01
"""How far from 0 … 1 a value may come to lie by normalising in float16 and back."""


def levels(samples: NDArray[Any], axes: Axes, normalize: Normalize | None = None) -> NDArray[np.float32]:
    """Samples (n, *shape) as pictures (n, height, width, channels) in float32.

    Integers become 0 … 1; floats keep their values, but that `normalize` is undone. What is not finite becomes 0.
    """
    pictures = drawn(samples, axes) if axes in DRAWN else as_pictures(samples, axes)
    if pictures.dtype.kind == "u":
        return np.asarray(pictures / np.float32(np.iinfo(pictures.dtype).max), np.float32)
    values = np.nan_to_num(pictures.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    if normalize is None:
        return values
    mean, std = (np.array(part, np.float32) for part in (normalize.mean, normalize.std))
    return np.asarray(values * std + mean, np.float32)


def span(groups: list[NDArray[np.float32]]) -> tuple[float, float]:
    """What to show as black and as white: 0 and 1 where all values lie between them, else the least and the largest."""
    filled = [each for each in groups if each.size]
    low = min((float(each.min()) for each in filled), default=0.0)
    high = max((float(each.max()) for each in filled), default=1.0)
    if low >= -ROUNDING and high <= 1 + ROUNDING:
        return 0.0, 1.0
    return low, high if high > low else low + 1.0


def rgb(values: NDArray[np.float32], shown: tuple[float, float]) -> Pictures:
    """Values (…, channels) as colours: one or two channels become grey, of four or more the first three are shown."""
    low, high = shown
    scaled: Pictures = np.rint(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    if scaled.shape[-1] < 3:
        return np.repeat(scaled[..., :1], 3, axis=-1)
    return scaled[..., :3]
