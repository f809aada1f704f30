"""The largest values of each of many rows, without sorting them: values are counted in bins first, and only those of
the bin in which the border lies are sorted. Of values that are known but for an error, those that are certain."""

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


@compiled
def _count_above(values: Any, border: Any) -> Any:
    count = np.int32(0)
    for i in range(values.shape[0]):  # in as many bits as the values have: eight are compared and counted at a time
        count = np.int32(count + (np.int32(1) if values[i] > border else np.int32(0)))
    return count


@compiled
def _border(values: Any, count: int, reach: Any) -> Any:
    """A number that `count` of the values are above; after 30 steps, one that is close to it."""
    low, high, above_low, above_high = -reach, reach, values.shape[0], 0
    border = low
    for step in range(30):
        part = (
            np.float32((above_low - count + 0.5) / (above_low - above_high + 1)) if step % 2 == 0 else np.float32(0.5)
        )
        border = low + (high - low) * part
        above = _count_above(values, border)
        if above == count:
            break
        if above > count:
            low, above_low = border, above
        else:
            high, above_high = border, above
    return border


@compiled
def _mark_certain(values: Any, counts: Any, reaches: Any, errors: Any, marked: Any, certain: Any) -> None:
    for row in range(values.shape[0]):
        border = _border(values[row], counts[row], reaches[row])
        for i in range(values.shape[1]):
            marked[row, i] = values[row, i] > border
        within = _count_above(values[row], border - errors[row]) - _count_above(values[row], border + errors[row])
        certain[row] = within == 0 and _count_above(values[row], border) == counts[row]


def largest_with_errors(
    values: NDArray[np.float32], counts: NDArray[np.int64], reaches: NDArray[np.float32], errors: NDArray[np.float32]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """`largest_of_each` of numbers that differ from `values` (m, n) by at most errors[r], and of which rows that is
    certain: bool (m, n) and bool (m,). No value is beyond ± reaches[r]."""
    marked, certain = np.empty(values.shape, np.bool_), np.empty(len(values), np.bool_)
    _mark_certain(np.ascontiguousarray(values), counts, reaches, errors, marked, certain)
    return marked, certain
