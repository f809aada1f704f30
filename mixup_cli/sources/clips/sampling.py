"""Which frames of a video make its clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sampling:
    """`frames` frames, every `stride`-th one, each brought to `size` (height, width)."""

    frames: int = 16
    stride: int = 2
    size: tuple[int, int] = (112, 112)

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
