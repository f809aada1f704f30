"""Which frames of a video make its clips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAMES, STRIDE, SIZE = 16, 2, (112, 112)
"""What is taken of a video if nothing else is asked for; the last is height and width. As C3D and R(2+1)D take it."""


@dataclass(frozen=True)
class Sampling:
    """`clips` clips of `frames` frames each, every `stride`-th one."""

    frames: int
    stride: int
    clips: int = 1

    @property
    def span(self) -> int:
        """How many frames of a video the clip reaches over."""
        return (self.frames - 1) * self.stride + 1

    def chosen(self, count: int) -> NDArray[np.int64]:
        """The frames of a video of `count` ≥ 1 that its clips take, each in order, from 0: int64 (clips, frames).

        Each lies in the middle of its part of the video, which for a single one is all of it: starts are
        (count − span) · (2 · number + 1) // (2 · clips). Of a video that is too short they begin with the first frame,
        and the last one is repeated."""
        starts = max(0, count - self.span) * (2 * np.arange(self.clips) + 1) // (2 * self.clips)
        return np.asarray(np.minimum(starts[:, None] + np.arange(self.frames) * self.stride, count - 1))
