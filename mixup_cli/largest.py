"""The largest values of each of many rows, without sorting them: values are counted in bins first, and only those of
the bin in which the border lies are sorted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.compiled import compiled

BINS = 1024


@compiled
def _bin(value: Any, low: Any, scale: Any) -> Any:
    return min(BINS - 1, max(0, np.int64((value - low) * scale)))


@compiled
def _border(values: Any, count: int, low: Any, scale: Any) -> Any:
    """The least of the `count` largest values."""
    frequency = np.zeros(BINS, np.int64)
    for value in values:
        frequency[_bin(value, low, scale)] += 1
    border, above = BINS - 1, 0
    while above + frequency[border] < count:
        above += frequency[border]
        border -= 1
    inside = np.empty(frequency[border], values.dtype)
    filled = 0
    for value in values:
        if _bin(value, low, scale) == border:
            inside[filled] = value
            filled += 1
    inside.sort()
    return inside[filled - (count - above)]


@compiled
def _mark(values: Any, counts: Any, marked: Any) -> None:
    for row in range(values.shape[0]):
        count, low, high = counts[row], values[row].min(), values[row].max()
        if count == 0:
            marked[row] = False
            continue
        scale = BINS / (high - low) if high > low else 0.0
        border = _border(values[row], count, low, scale if scale < np.inf else 0.0)
        left = count
        for value in values[row]:
            left -= value > border
        for i in range(values.shape[1]):
            is_tie = values[row, i] == border and left > 0
            left -= is_tie
            marked[row, i] = values[row, i] > border or is_tie


def largest_of_each(values: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which are the counts[r] largest of values[r] (m, n), ties to the earlier: bool (m, n). Values are finite, and
    counts in 0 … n."""
    marked = np.empty(values.shape, np.bool_)
    _mark(np.ascontiguousarray(values), counts, marked)
    return marked
