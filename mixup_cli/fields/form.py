"""The form of a sample: its shape, its dtype, and what its axes mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

SampleDtype: TypeAlias = Literal["uint8", "uint16", "float32"]


Axes: TypeAlias = Literal["hwc", "chw", "hw", ""]


DEPTHS: tuple[SampleDtype, ...] = ("uint8", "uint16", "float32")
"""From the shallowest to the deepest: a form holds whatever is not deeper than itself."""


def picture_extent(shape: tuple[int, ...], axes: Axes) -> tuple[int, int, int]:
    """Height, width and channels of a sample of this shape; 1 × 1 and one channel for what is no picture."""
    if axes == "hwc":
        return shape[0], shape[1], shape[2]
    if axes == "chw":
        return shape[1], shape[2], shape[0]
    return (shape[0], shape[1], 1) if axes == "hw" else (1, 1, 1)


@dataclass(frozen=True)
class Form:
    """The working form of one sample, as the cache holds it.

    `axes` names the dimensions of `shape` where they are those of a picture ("hwc", "chw" or "hw"), and is empty for
    anything else (volumes, embeddings …), which can be mixed as a whole but has no place for a box.
    """

    shape: tuple[int, ...]
    dtype: SampleDtype
    axes: Axes

    @property
    def extent(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture; 1 × 1 and one channel for what is none."""
        return picture_extent(self.shape, self.axes)

    @property
    def sample_bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize
