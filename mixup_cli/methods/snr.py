"""snr: the donor is noise behind the base, at a signal-to-noise ratio drawn in decibels.

What loaders of speech do with recordings of noise (audiomentations' AddBackgroundNoise, torch-audiomentations): the
donor is scaled so that the base's RMS level is `low` to `high` dB above its own, any ratio with equal chance, and
added. The levels are those of the whole rows. The label is the base's: the donor is augmentation. The base stays as
loud as it was, unless the two could add up to more than full scale: then both are made quieter by the same factor.
Beside silence no ratio is defined, and the base stays alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import Draws, RowWord, uniforms
from mixup_cli.methods.base import Method
from mixup_cli.methods.decisions import NOTHING, Decisions, Grid, Known
from mixup_cli.methods.gains import PEAK, RMS, loud, parts_in_ratio
from mixup_cli.methods.options import number

MOST_DB = 80.0


@dataclass(frozen=True)
class SignalToNoise(Method):
    """The base, and the donor behind it."""

    name = "snr"
    summary = "the donor as noise behind the base"

    only = "waves"
    averages = True
    weighs = True
    needs_levels = frozenset({RMS, PEAK})
    shares_apart = True
    keeps_label = True
    decided = frozenset({"low", "high"})
    ranges = (("low", "high"),)

    low: float = number(0.0, -MOST_DB, MOST_DB)
    high: float = number(20.0, -MOST_DB, MOST_DB)

    def decide(self, draws: Draws, grid: Grid, known: Known = NOTHING) -> Decisions:
        if known.levels is None:
            raise ValueError("snr decides from how loud its parents are")
        wanted = self.low + (self.high - self.low) * uniforms(draws.words[:, RowWord.LAM])
        base, donor = known.levels[..., RMS].T
        is_heard = (known.levels[..., PEAK] > 0).all(axis=1)
        parts = parts_in_ratio(np.where(is_heard, 10 ** ((base - donor - wanted) / 20), 0.0))
        return loud(parts, UNIT / np.maximum(parts[:, 0], 1), known.levels[..., PEAK], np.ones(len(parts)))
