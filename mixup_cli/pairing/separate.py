"""Donors of their own: no sample is both a base and a donor, as where recordings of noise lie behind speech.

Donors have passes of their own, which go on from row to row: in each, every donor comes once, in an order that the seed
decides. So over any number of rows none is used much more often than another, however many bases and donors there are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mixup_cli.draws.rng import Stream
from mixup_cli.errors import DataError
from mixup_cli.pairing.base import Pairing, Population
from mixup_cli.pairing.bases import Bases
from mixup_cli.pairing.passes import Positions, RecentPasses, order, parents, passes


class SeparateDonors(Pairing):
    """The donors of a row are those that follow each other in the donors' order, from the row's place in it on, round
    their pass: of fewer donors than a row mixes, some are the same."""

    def __init__(self, seed: int, population: Population, bases: Bases) -> None:
        donors = population.donors
        if donors is None or not len(donors):
            raise DataError("none of the donors can be used.", "Give others.", field="separate_donors")
        everyone = replace(population, samples=np.concatenate([population.samples, donors]))
        super().__init__(everyone, bases)
        self._seed, self._base_count, self._donor_count = seed, len(population), len(donors)
        self._orders = RecentPasses(self._order)

    def _order(self, number: int) -> Positions:
        """The donors of a pass, by their places in the population, which are behind those of the bases."""
        return self._base_count + order(self._seed, number, self._donor_count, Stream.DONORS)

    def _positions(self, start: int, stop: int, parent_count: int) -> Positions:
        base = self._settled_rows(start, stop)[:, None]
        touched = passes(start, stop, self._donor_count)
        donors = [parents(self._orders[number], first, end, parent_count - 1) for number, first, end in touched]
        return np.concatenate([base, np.concatenate(donors)], axis=1)
