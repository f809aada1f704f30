"""Balanced-MixUp: bases come as often as they are there, donors from every class equally often.

Galdran, Carneiro and González Ballester, "Balanced-MixUp for highly imbalanced medical image classification", MICCAI
2021: one batch sampled by instance is mixed with one sampled by class.
"""

from __future__ import annotations

import numpy as np

from mixup_cli.draws.rng import below
from mixup_cli.pairing.asked import Asked
from mixup_cli.pairing.drawn import Drawn
from mixup_cli.pairing.passes import Positions, Runs


class Balanced(Drawn):
    """Of each donor, first the class is drawn, then the sample; both uniformly, among those of the base's group.

    A base that would meet itself takes the next member of its class, or, if it is the only one, one of the next class.
    """

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        kinds = asked.classes.max() + 1
        self._cells = Runs.of(self.circles.number * kinds + asked.classes)  # the classes of a circle lie together
        circle_of_cell = self.circles.number[self._cells.member[self._cells.start]]
        self._cell_count = np.bincount(circle_of_cell)
        self._first_cell = np.cumsum(self._cell_count) - self._cell_count

    def _donors(self, start: int, base: Positions, number: int) -> Positions:
        drawn, cells = self._words(start, len(base), lane=number), self._cells
        circle, own = self.circles.number[base], cells.number[base]
        first, count = self._first_cell[circle], self._cell_count[circle]
        cell = below(drawn[:, 0], count)
        only_itself = (first + cell == own) & (cells.size[own] == 1)
        cell = first + (cell + only_itself) % count
        rank = below(drawn[:, 1], cells.size[cell])
        itself = (cell == own) & (rank == cells.rank[base])
        donors: Positions = cells.member[cells.start[cell] + (rank + itself) % cells.size[cell]]
        return donors
