"""Windows of the source: with `window` only samples that lie near each other are partners, and every pass goes window
by window. So it needs the pixels of one window at a time, and of each window once a pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import Stream
from mixup_cli.pairing.passes import ORIGINALS_LANE, Positions, RecentPasses, order, passes, sorted_places
from mixup_cli.recipe import Recipe


@dataclass(frozen=True)
class Windows:
    """Consecutive samples, by their positions: window k holds start[k] … start[k + 1]−1. `start` is int64 (K + 1)."""

    start: Positions

    @classmethod
    def cut(cls, sample_count: int, size: int, parent_count: int) -> Self:
        """Windows of `size` samples. The rest is a window, too, or part of the last one if it has fewer samples than a
        row has parents."""
        start = np.arange(0, sample_count, size)
        if len(start) > 1 and sample_count - start[-1] < parent_count:
            start = start[:-1]
        return cls(np.append(start, sample_count))

    def __len__(self) -> int:
        return len(self.start) - 1

    @cached_property
    def size(self) -> Positions:
        """How many samples each window has: int64 (K)."""
        return np.diff(self.start)

    @cached_property
    def of_sample(self) -> Positions:
        """The window of each sample: int64 (n)."""
        return np.repeat(np.arange(len(self)), self.size)

    def members(self, window: int) -> slice:
        """The positions of a window's samples."""
        return slice(int(self.start[window]), int(self.start[window + 1]))

    def turns(self, seed: int, lane: int) -> Positions:
        """The order in which a pass (`lane`, as in `order`) goes through the windows: int64 (K)."""
        return order(seed, lane, len(self), Stream.WINDOW)

    def order(self, seed: int, lane: int) -> Positions:
        """The samples of a pass: window after window, and within each as the pass's order has them: int64 (n)."""
        shuffled = order(seed, lane, int(self.start[-1]))
        turn_of = np.empty(len(self), np.int64)
        turn_of[self.turns(seed, lane)] = np.arange(len(self))
        return shuffled[sorted_places(turn_of[self.of_sample[shuffled]])]


def windows_of(recipe: Recipe, sample_count: int, parent_count: int) -> Windows | None:
    """The windows that a recipe asks for, for rows of `parent_count` parents."""
    return None if recipe.window is None else Windows.cut(sample_count, recipe.window, parent_count)


@dataclass(frozen=True)
class Visit:
    """A window in a pass: rows `start` … `stop`−1 of the plan are made from `samples`, int64 (w) source indices in
    ascending order. `number` counts the visits before it, in all passes."""

    number: int
    samples: NDArray[np.int64]
    start: int
    stop: int


class WindowSchedule:
    """The order in which a plan goes through the windows: first for the originals, if kept, then for each pass.

    `samples` int64 (n) are the source indices of the population. Any row costs the same.
    """

    def __init__(self, seed: int, windows: Windows, samples: NDArray[np.int64], has_originals: bool) -> None:
        self._seed, self._windows, self._samples = seed, windows, samples
        self._has_originals = has_originals
        self._recent = RecentPasses(self._settled)

    def visits(self, start: int, stop: int) -> Iterator[Visit]:
        """The windows that rows start … stop−1 come from, in that order, each with all of its rows."""
        count = len(self._samples)  # of a pass's rows, and of the originals
        for number, first, end in passes(start, stop, count):
            windows, stops = self._recent[number]
            first_turn, last_turn = np.searchsorted(stops, [first, end - 1], side="right").tolist()
            for turn in range(first_turn, last_turn + 1):
                window = self._windows.members(int(windows[turn]))
                stop_row = number * count + int(stops[turn])
                yield Visit(
                    number=number * len(self._windows) + turn,
                    samples=self._samples[window],
                    start=stop_row - (window.stop - window.start),
                    stop=stop_row,
                )

    def _settled(self, number: int) -> Positions:
        """The windows in the order of a pass (the originals are the first), and the row at which each ends: int64
        (2, K)."""
        lane = number - self._has_originals
        turns = self._windows.turns(self._seed, lane if lane >= 0 else ORIGINALS_LANE)
        return np.stack([turns, np.cumsum(self._windows.size[turns])])
