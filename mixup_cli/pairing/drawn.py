"""Pairing by lot: bases take turns as ever, and each donor is drawn from a law of its base's own."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from mixup_cli.draws.rng import Stream, Words, words
from mixup_cli.errors import DataError
from mixup_cli.pairing.asked import Asked
from mixup_cli.pairing.base import Pairing
from mixup_cli.pairing.passes import Positions, Runs, passes
from mixup_cli.wording import counted

WORDS_PER_ROW = 2


class Drawn(Pairing):
    """The donors of a row depend on its base and its own words. `circles`: the groups, with their members."""

    def __init__(self, asked: Asked) -> None:
        self.circles = Runs.of(asked.population.circles)
        alone = self.circles.size_of_place < 2
        if alone.all():
            raise DataError(
                f"--pair {asked.recipe.pair}: no two samples can meet. Add samples, leave groups out, or pass "
                f"--method none."
            )
        count = int(alone.sum())
        unmixed = f"{counted(count, 'sample')} will stay unmixed: there is no other in their group."
        super().__init__(asked.population, asked.bases, alone, (unmixed,) if count else ())
        self._seed = asked.recipe.seed

    def _positions(self, start: int, stop: int, parent_count: int) -> Positions:
        parts = [self._recent[number][first:end] for number, first, end in passes(start, stop, self.pass_rows)]
        base = np.concatenate([np.empty(0, np.int64), *parts])
        return np.stack([base, *(self._donors(start, base, k) for k in range(1, parent_count))], axis=1)

    @abstractmethod
    def _donors(self, start: int, base: Positions, number: int) -> Positions:
        """The parents with this number, from 1, of the rows from `start` on, whose bases are given: int64 (m)."""

    def _words(self, start: int, count: int, lane: int) -> Words:
        """The words of so many rows: uint64 (count, WORDS_PER_ROW)."""
        first, drawn = start * WORDS_PER_ROW, count * WORDS_PER_ROW
        return words(self._seed, Stream.DONOR, first, drawn, lane).reshape(-1, WORDS_PER_ROW)
