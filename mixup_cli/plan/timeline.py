"""Samples that go on in time: where the content of each lies, and which part of longer ones a row shows.

Each parent of each row has its own start, so several passes show several parts of a long sample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import Stream, below, words


@dataclass(frozen=True)
class Timeline:
    """What the plan knows of n samples, by source index: `lengths` int64 (n), how long each is, if rows show `window`
    places in time of it, beginning at multiples of `step`; `content` int32 (n, 2: start, stop), where its content lies,
    if not everywhere."""

    window: int = 0
    lengths: NDArray[np.int64] | None = None
    content: NDArray[np.int32] | None = None
    step: int = 1

    def starts(self, seed: int, start: int, stop: int, parents: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """The first places that mixed rows start … stop−1 show of their parents (m, P), any with equal chance: int64
        (m, P); None where all are shown whole."""
        if self.lengths is None:
            return None
        drawn = [words(seed, Stream.START, start, stop - start, parent) for parent in range(parents.shape[1])]
        return self.step * below(np.stack(drawn, axis=1), self.last(parents) + 1)

    def middle(self, parents: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """The same for unmixed originals: the middle of each."""
        return None if self.lengths is None else self.last(parents) // 2 * self.step

    def last(self, parents: NDArray[np.int64]) -> NDArray[np.int64]:
        """The last places where parents (m, P) may begin, in steps: 0 where all are shown whole."""
        if self.lengths is None:
            return np.zeros_like(parents)
        return np.asarray(np.maximum(0, self.lengths[parents] - self.window) // self.step)
