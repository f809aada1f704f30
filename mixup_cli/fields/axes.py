"""Axes: what each dimension of a sample means, one letter each. They are named here alone.

h and w are height and width, c is channels, t is time (of a wave, the frames of a clip, the tokens of a text), f is
frequency, p is parents, base first. Code that needs one of them asks for its letter, never for a position.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.wording import counted, setting

Axes: TypeAlias = Literal["hwc", "chw", "hw", "phw", "tc", "ft", "thwc", "t", "pt", ""]
"""The axes that a sample can have, in the order of its dimensions; "" if they have no names."""

PICTURES = ("hwc", "chw", "hw")
"""The axes of one image …"""

PLANES = {"tc": "", "t": "", "pt": "", "ft": "ft"}
"""… and of others, in which a box lies; of all that are not here, height and width."""

PICTURE_CHANNELS = (1, 3, 4)
"""Counts of channels by which arrays of three dimensions are recognised as images."""


def natural_axes(shape: tuple[int, ...]) -> Axes:
    """The axes of an array of this shape, by its dimensions alone."""
    if len(shape) == 2:
        return "hw"
    if len(shape) == 3 and shape[2] in PICTURE_CHANNELS:
        return "hwc"
    return "chw" if len(shape) == 3 and shape[0] in PICTURE_CHANNELS else ""


def plane_of(axes: Axes) -> str:
    """The two axes in which a box lies; "" where none has a place."""
    return PLANES.get(axes, "hw") if axes else ""


def has_time(axes: Axes) -> bool:
    """Whether a part of the samples can be chosen in time alone: not of a spectrogram, in whose box time is."""
    return "t" in axes and "t" not in plane_of(axes)


@lru_cache(maxsize=1024)
def lengths(shape: tuple[int, ...], axes: Axes, wanted: str) -> tuple[int, ...]:
    """The lengths of the wanted axes, 1 for each that is missing: (4, 8, 9) with the axes "chw" has the "hw" (8, 9)."""
    return tuple(shape[axes.index(letter)] if letter in axes else 1 for letter in wanted)


def as_axes(block: NDArray[Any], axes: Axes, wanted: Axes) -> NDArray[Any]:
    """A view of `block` (n, *sample) with its axes in another order. An axis of length 1 can come or go.

    Raises DataError where no view can do it (samples without axes, or an axis that is longer and not wanted).
    """
    if axes == wanted:
        return block
    if not {axes, wanted} <= {*PICTURES, "phw"}:
        remedy = f"Leave out {setting('layout')} and {setting('size')}."
        raise DataError(f"samples of shape {block.shape[1:]} are not images and keep their form.", remedy)
    dropped = tuple(1 + place for place, letter in enumerate(axes) if letter not in wanted)
    if any(block.shape[place] != 1 for place in dropped):
        count = counted(block.shape[dropped[0]], "channel")
        raise DataError(f"images with {count} cannot become height and width alone.")
    kept = np.squeeze(block, dropped)
    order = [letter for letter in axes if letter in wanted] + [letter for letter in wanted if letter not in axes]
    widened = np.expand_dims(kept, tuple(range(kept.ndim, 1 + len(order))))
    return widened.transpose(0, *(1 + order.index(letter) for letter in wanted))


def as_pictures(samples: NDArray[Any], axes: Axes) -> NDArray[Any]:
    """A view of samples (n, *shape) as images (n, height, width, channels); others as they are."""
    return as_axes(samples, axes, "hwc") if axes in PICTURES else samples
