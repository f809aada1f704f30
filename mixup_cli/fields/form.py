"""The form of a sample: its shape, its dtype, and what its axes mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, Self, TypeAlias

import numpy as np

from mixup_cli.fields.axes import PICTURES, Axes, as_axes, has_time, lengths, plane_of
from mixup_cli.methods import Grid

SampleDtype: TypeAlias = Literal["uint8", "uint16", "float32"]

DEPTHS: tuple[SampleDtype, ...] = ("uint8", "uint16", "float32")
"""From the shallowest to the deepest: a form holds whatever is not deeper than itself."""


def working(dtype: str) -> SampleDtype:
    """The dtype in which stored samples are mixed: their own; and of tokens (int32) float32, which holds numbers up to
    2²⁴ exactly."""
    return next((own for own in DEPTHS if own == dtype), "float32")


class Shaped:
    """What a shape with axes can be asked. Samples without axes are 1 × 1, with one channel."""

    shape: tuple[int, ...]
    axes: Axes

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width = lengths(self.shape, self.axes, "hw")
        return height, width

    @property
    def channels(self) -> int:
        """How many values stand at one place."""
        return lengths(self.shape, self.axes, "c")[0]

    @property
    def channel_axis(self) -> int | None:
        """The dimension of an array (n, *shape) that is the channels; None without channels."""
        return 1 + self.axes.index("c") if "c" in self.axes else None

    @property
    def grid(self) -> Grid | None:
        """The places that a box or a mask may choose from; None without height and width."""
        return Grid(*self._plane, self.length) if self.axes else None

    @property
    def is_picture(self) -> bool:
        """Whether it is an image."""
        return self.axes in PICTURES

    @property
    def has_pictures(self) -> bool:
        """Whether it is an image, or several that follow each other."""
        return plane_of(self.axes) == "hw"

    @property
    def length(self) -> int:
        """How many places in time a part can be chosen from; 1 without time."""
        return lengths(self.shape, self.axes, "t")[0] if has_time(self.axes) else 1

    @property
    def time(self) -> int:
        """How many places in time there are, also where a box has them; 1 without time."""
        return lengths(self.shape, self.axes, "t")[0]

    @property
    def frames(self) -> int:
        """How many images follow each other."""
        return self.length if plane_of(self.axes) else 1

    @property
    def _plane(self) -> tuple[int, int]:
        """How many lines and columns a box may choose from."""
        lines, columns = lengths(self.shape, self.axes, plane_of(self.axes) or "hw")
        return lines, columns

    @property
    def planes(self) -> tuple[int, int, int, int]:
        """How a sample lies in memory, or one frame of it: outer × height × width × inner (see `kernels.Surface`)."""
        if has_time(self.axes) and not plane_of(self.axes):
            return 1, 1, self.length, math.prod(self.shape) // self.length
        if not self.axes:
            return 1, 1, math.prod(self.shape), 1
        at = self.axes.index(plane_of(self.axes)[0])
        return math.prod(self.shape[:at]) // self.frames, *self._plane, math.prod(self.shape[at + 2 :])


@dataclass(frozen=True)
class Form(Shaped):
    """The working form of one sample of a signal.

    `axes` names the dimensions of `shape`, and is empty where they have no names (volumes, embeddings …): such samples
    are mixed as a whole, and have no place for a box.
    """

    shape: tuple[int, ...]
    dtype: SampleDtype
    axes: Axes

    @property
    def sample_bytes(self) -> int:
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize

    def lasting(self, length: int) -> Self:
        """The same form with another length in time."""
        at = self.axes.index("t")
        return replace(self, shape=(*self.shape[:at], length, *self.shape[at + 1 :]))

    def sized(self, size: tuple[int, int]) -> Self:
        """The same form with another height and width."""
        sides = dict(zip("hw", size, strict=True))
        shape = tuple(sides.get(letter, length) for letter, length in zip(self.axes, self.shape, strict=True))
        return replace(self, shape=shape)

    def turned(self, axes: Axes) -> Self:
        """The form of the same samples with their axes in another order. Raises DataError, as `as_axes` does."""
        stand_in = np.broadcast_to(np.uint8(0), (1, *self.shape))
        return replace(self, shape=as_axes(stand_in, self.axes, axes).shape[1:], axes=axes)
