"""Which frames of a video make its clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAMES, STRIDE, SIZE = 16, 2, (112, 112)
"""What is taken of a video if nothing else is asked for; the last is height and width. As C3D and R(2+1)D take it."""


@dataclass(frozen=True)
class Sampling:
    """`frames` frames, every `stride`-th one."""

    frames: int
    stride: int

    @property
    def span(self) -> int:
        """How many frames of a video the clip reaches over."""
        return (self.frames - 1) * self.stride + 1

    def chosen(self, count: int) -> NDArray[np.int64]:
        """The frames of a video of `count` ≥ 1 that its clip takes, in order, from 0: int64 (frames).

        They lie in the middle: start = (count − span) // 2. Of a video that is too short they begin with the first
        frame, and the last one is repeated."""
        start = max(0, (count - self.span) // 2)
        return np.minimum(start + np.arange(self.frames) * self.stride, count - 1)
