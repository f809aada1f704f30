"""Balanced-MixUp: every sample is a base equally often, and donors come from every class equally often.

Galdran, Carneiro and González Ballester, "Balanced-MixUp for highly imbalanced medical image classification", MICCAI
2021: one batch sampled by instance is mixed with one sampled by class.
"""

from __future__ import annotations

import numpy as np

from mixup_cli.draws.rng import below
from mixup_cli.pairing.drawn import Drawn
from mixup_cli.pairing.passes import Positions, Runs
from mixup_cli.pairing.request import PairingRequest


class Balanced(Drawn):
    """Draws the class of each donor, then the sample, both uniformly within the base's group.

    A base that draws itself takes the next member of its class, or, if it is the only one, one of the next class.
    """

    def __init__(self, request: PairingRequest) -> None:
        super().__init__(request)
        kinds = request.classes.max() + 1
        self._classes = Runs.of(self.pools.number * kinds + request.classes)  # the classes of a pool lie together
        pool_of_class = self.pools.number[self._classes.member[self._classes.start]]
        self._class_count = np.bincount(pool_of_class)
        self._first_class = np.cumsum(self._class_count) - self._class_count

    def _donors(self, start: int, base: Positions, number: int) -> Positions:
        drawn, classes = self._words(start, len(base), lane=number), self._classes
        pool, own = self.pools.number[base], classes.number[base]
        first, count = self._first_class[pool], self._class_count[pool]
        place = below(drawn[:, 0], count)
        is_only_itself = (first + place == own) & (classes.size[own] == 1)
        drawn_class = first + (place + is_only_itself) % count
        rank = below(drawn[:, 1], classes.size[drawn_class])
        itself = (drawn_class == own) & (rank == classes.rank[base])
        donors: Positions = classes.member[classes.start[drawn_class] + (rank + itself) % classes.size[drawn_class]]
        return donors
