"""Pairing by draws: bases take turns, and each donor is drawn from a law that depends on the base."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from mixup_cli.draws.rng import Stream, Words, words
from mixup_cli.errors import DataError
from mixup_cli.pairing.base import Pairing
from mixup_cli.pairing.cycles import unmixed_notices
from mixup_cli.pairing.passes import Positions, Runs
from mixup_cli.pairing.request import PairingRequest
from mixup_cli.wording import setting

WORDS_PER_ROW = 2


class Drawn(Pairing):
    """The donors of a row depend on its base and the row's words. `pools`: the groups, with their members."""

    def __init__(self, request: PairingRequest) -> None:
        self.pools = Runs.of(request.population.pools)
        alone = self.pools.size_of_place < 2
        if alone.all():
            remedy = f"Add samples, leave groups out, or pass {setting('methods', 'none')}."
            raise DataError("no sample has a partner.", remedy, field="pair", value=request.recipe.pair)
        notices = unmixed_notices(alone, "their group has no other sample")
        super().__init__(request.population, request.bases, alone, notices)
        self._seed = request.recipe.seed

    def _positions(self, start: int, stop: int, parent_count: int) -> Positions:
        base = self._settled_rows(start, stop)
        return np.stack([base, *(self._donors(start, base, k) for k in range(1, parent_count))], axis=1)

    @abstractmethod
    def _donors(self, start: int, base: Positions, number: int) -> Positions:
        """Donor `number`, from 1, of each row from `start` on: int64 (m)."""

    def _words(self, start: int, count: int, lane: int) -> Words:
        """The words of `count` rows: uint64 (count, WORDS_PER_ROW)."""
        first, drawn = start * WORDS_PER_ROW, count * WORDS_PER_ROW
        return words(self._seed, Stream.DONOR, first, drawn, lane).reshape(-1, WORDS_PER_ROW)
