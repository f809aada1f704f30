"""Resizing of samples that are arrays already, of any depth and number of channels: with Pillow's antialiased bilinear
filter, or, of index maps, by taking the nearest place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def resample(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """`pixels` (height, width, channels) at `size` (height, width), in its dtype.

    uint8 is resized as picture files are; uint16 and float32 channel by channel in float32, and uint16 rounded half to
    even.
    """
    height, width, channels = pixels.shape
    if size == (height, width):
        return pixels
    if pixels.dtype == np.uint8 and channels == 3:
        return _resized(np.ascontiguousarray(pixels), size)
    planes = [_plane(pixels[..., channel], size) for channel in range(channels)]
    return np.stack(planes, axis=-1)


def nearest(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """`pixels` (height, width, channels) at `size` (height, width), without new values."""
    lines, columns = (nearest_places(*sides) for sides in zip(pixels.shape[:2], size, strict=True))
    taken: NDArray[Any] = pixels[lines[:, None], columns]
    return taken


def nearest_places(before: int, now: int) -> NDArray[np.int64]:
    """For each of `now` places on a line, the one of `before` places in which its middle lies."""
    places: NDArray[np.int64] = (2 * np.arange(now) + 1) * before // (2 * now)
    return places


def _plane(plane: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    if plane.dtype == np.uint8:
        return _resized(np.ascontiguousarray(plane), size)
    resized = _resized(np.ascontiguousarray(plane, np.float32), size)
    if plane.dtype == np.float32:
        return resized
    rounded: NDArray[Any] = np.clip(np.rint(resized), 0, np.iinfo(plane.dtype).max).astype(plane.dtype)
    return rounded


def _resized(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    picture = Image.fromarray(pixels)
    return np.asarray(picture.resize((size[1], size[0]), Image.Resampling.BILINEAR))
