"""The largest values of each of many rows, without sorting them: values are counted in bins first, and only those of
the bin in which the border lies are sorted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.compiled import compiled

BINS = 1024


@compiled
def _sort_into_bins(values: Any, low: Any, high: Any, bins: Any, frequency: Any) -> None:
    """The bin of each value, the higher the larger, and how many lie in each."""
    scale = BINS / (high - low) if high > low else 0.0
    scale = scale if scale < np.inf else 0.0
    for i in range(values.shape[0]):
        bins[i] = min(np.int32(BINS - 1), max(np.int32(0), np.int32((values[i] - low) * scale)))
    frequency[:] = 0
    for i in range(values.shape[0]):  # in two tables by turns: neighbours are alike, and would wait for each other
        frequency[i & 1, bins[i]] += 1
    for j in range(BINS):
        frequency[0, j] += frequency[1, j]


@compiled
def _mark_within(values: Any, bins: Any, border: int, count: int, marked: Any) -> None:
    """Mark the `count` largest of the values in the bin `border`, ties to the earlier."""
    inside = values[bins == border]
    inside.sort()
    least = inside[inside.shape[0] - count]
    left = count
    for value in inside:
        left -= value > least
    for i in range(values.shape[0]):
        if bins[i] == border:
            is_tie = values[i] == least and left > 0
            left -= is_tie
            marked[i] = values[i] > least or is_tie


@compiled
def _mark(values: Any, lows: Any, highs: Any, counts: Any, marked: Any) -> None:
    bins, frequencies = np.empty(values.shape[1], np.int32), np.empty((2, BINS), np.int32)
    frequency = frequencies[0]
    for row in range(values.shape[0]):
        if counts[row] == 0:
            marked[row] = False
            continue
        _sort_into_bins(values[row], lows[row], highs[row], bins, frequencies)
        border, above = BINS - 1, 0
        while above + frequency[border] < counts[row]:
            above += frequency[border]
            border -= 1
        for i in range(bins.shape[0]):
            marked[row, i] = bins[i] > border
        _mark_within(values[row], bins, border, counts[row] - above, marked[row])


def largest_of_each(values: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which are the counts[r] largest of values[r] (m, n), ties to the earlier: bool (m, n). Values are finite, and
    counts in 0 … n."""
    marked = np.empty(values.shape, np.bool_)
    _mark(np.ascontiguousarray(values), values.min(axis=1), values.max(axis=1), counts, marked)
    return marked
