"""C-Mixup: the closer two labels are, the more often their samples are partners.

Yao et al., "C-Mixup: Improving Generalization in Regression", NeurIPS 2022, eq. 5: base i has the donor j ≠ i with
a probability proportional to exp(−d(y_i, y_j)² / (2 · bandwidth²)). d is the Euclidean distance of labels that were
divided by each column's standard deviation, so that one bandwidth means the same for any unit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import Words, below, uniforms
from mixup_cli.errors import UsageError
from mixup_cli.pairing.drawn import Drawn
from mixup_cli.pairing.passes import Positions
from mixup_cli.pairing.request import PairingRequest
from mixup_cli.wording import setting

DEFAULT_BANDWIDTH = 0.1
"""In standard deviations of the labels."""

ATTEMPTS = 64
LANES_PER_PARENT = 128
Reals = NDArray[np.float64]


class Nearest(Drawn):
    """Proposes any sample of the group, and accepts it with the probability exp(…); after 64 rejections, a row draws
    from all of its group at once, by the same law. This avoids tables of n · n."""

    def __init__(self, request: PairingRequest) -> None:
        if request.population.values is None:
            found = "it compares labels that are numbers, and the source has none."
            remedy = f"For classes, pass {setting('pair', 'same-class')}."
            raise UsageError(found, remedy, field="pair", value="nearest")
        super().__init__(request)
        self._bandwidth = request.recipe.bandwidth or DEFAULT_BANDWIDTH
        self._cutoff = 2 * self._bandwidth * self._bandwidth * (math.log(len(request.population)) + 53 * math.log(2))
        self._columns = _standardised(request.population.values)
        self._sorted = np.lexsort((self._columns[0], self.pools.number))
        self._sorted_columns = self._columns[:, self._sorted]
        self._place = np.empty_like(self._sorted)
        self._place[self._sorted] = np.arange(len(self._sorted))

    def _donors(self, start: int, base: Positions, number: int) -> Positions:
        donors = base.copy()
        waiting = np.flatnonzero(~self._alone[base])
        for attempt in range(ATTEMPTS):
            if not len(waiting):
                return donors
            drawn = self._words(start, len(base), number * LANES_PER_PARENT + attempt)[waiting]
            proposed = self._proposed(base[waiting], drawn[:, 0])
            distances = _squared(self._columns, base[waiting], proposed)
            accepted = uniforms(drawn[:, 1]) < self._closeness(distances)
            donors[waiting[accepted]] = proposed[accepted]
            waiting = waiting[~accepted]
        drawn = self._words(start, len(base), number * LANES_PER_PARENT + ATTEMPTS)[waiting]
        for row, uniform in zip(waiting, uniforms(drawn[:, 0]), strict=True):
            donors[row] = self._from_all(base[row], uniform)
        return donors

    def _proposed(self, base: Positions, drawn: Words) -> Positions:
        """Another sample of the base's group, all equally likely."""
        pools = self.pools
        pool, own = pools.number[base], pools.rank[base]
        rank = below(drawn, pools.size[pool] - 1)
        proposed: Positions = pools.member[pools.start[pool] + rank + (rank >= own)]
        return proposed

    def _closeness(self, squared: Reals) -> Reals:
        """exp(−d² / (2 · bandwidth²)). Divided step by step: the square of a tiny bandwidth would be 0."""
        with np.errstate(over="ignore"):
            return np.exp(squared / self._bandwidth / self._bandwidth / -2)

    def _from_all(self, base: int, uniform: float) -> int:
        """One draw from all others of the base's group, but for those so far off that they have less than 2⁻⁵³ of the
        law together."""
        place, columns, pool = self._place[base], self._sorted_columns, self.pools.number[base]
        start = self.pools.start[pool]
        stop = start + self.pools.size[pool]
        beside = np.arange(max(start, place - 1), min(stop, place + 2))
        reach = math.sqrt(_squared(columns, place, beside[beside != place]).min() + self._cutoff)
        low, high = start + np.searchsorted(columns[0, start:stop], columns[0, place] + np.array([-reach, reach]))
        low, high = min(low, beside[0]), max(high, beside[-1] + 1)
        squared = _squared(columns, place, slice(low, high))
        squared[place - low] = np.inf
        squared -= squared.min()
        near = np.flatnonzero(squared <= self._cutoff)
        total = self._closeness(squared[near]).cumsum()
        return int(self._sorted[low + near[np.searchsorted(total, uniform * total[-1], side="right")]])


def _squared(columns: Reals, first: Positions, second: Positions | slice) -> Reals:
    """Squared distances of the labels at some positions from those at others, column by column, so that rounding does
    not depend on how many are computed at once."""
    squared: Reals = np.square(columns[0, first] - columns[0, second])
    for column in columns[1:]:
        squared += np.square(column[first] - column[second])
    return squared


def _standardised(values: NDArray[np.float32]) -> Reals:
    """The labels' columns, divided by their standard deviations: float64 (D, n). Those that are constant are left
    out, but for one if all are: float64 zeros (1, n)."""
    columns = np.ascontiguousarray(values.T, np.float64)
    columns = columns[columns.min(axis=1) < columns.max(axis=1)]
    if not len(columns):
        return np.zeros((1, len(values)))
    standardised: Reals = columns / columns.std(axis=1, keepdims=True)
    return standardised
