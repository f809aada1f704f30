"""SpecMix: bands of frequency and bands of time of the donor in the base's place, labels by the area of all of them.

Kim, Han, Ko, "SpecMix: A Mixed Sample Data Augmentation Method for Training with Time-Frequency Domain Features",
Interspeech 2021: up to `bands` bands over all of the time and as many over all frequencies, as SpecAugment hides them,
show the donor, so that what belongs together in a spectrogram stays together. On each axis any count from none on has
equal chance; a band has `gamma` of the axis, and lies anywhere wholly inside with equal chance. Bands may overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import Words, below, mask_words
from mixup_cli.kernels import Weights
from mixup_cli.methods.decisions import Decisions, Grid
from mixup_cli.methods.masked import SeedMethod
from mixup_cli.methods.options import count, number


@dataclass(frozen=True)
class SpecMix(SeedMethod):
    """The donor in bands of frequency and of time, the base elsewhere."""

    name = "specmix"
    summary = "bands of frequency and of time of the donor"
    paper = """\
@inproceedings{kim2021specmix,
  title = {SpecMix: A Mixed Sample Data Augmentation Method for Training with Time-Frequency Domain Features},
  author = {Kim, Gwantae and Han, David K. and Ko, Hanseok},
  booktitle = {Interspeech},
  year = {2021}
}"""
    only = "spectrograms"
    decided = frozenset[str]()

    bands: float = count(3, 1, 100)
    gamma: float = number(0.3, 0.0, 1.0)

    def weights(self, decisions: Decisions, grid: Grid) -> Weights:
        own = 1 + int(self.bands)
        drawn = mask_words(decisions.mask_seed, 2 * own)
        lines, columns = self._in_bands(drawn[:, :own], grid.height), self._in_bands(drawn[:, own:], grid.width)
        inside = lines[:, :, None] | columns[:, None, :]
        return Weights(decisions.parts, choice=inside.view(np.uint8))

    def _in_bands(self, drawn: Words, side: int) -> NDArray[np.bool_]:
        """Which of a side's lines lie in bands, by words (m, 1 + bands): bool (m, side)."""
        most, width = int(self.bands), max(1, int(self.gamma * side))
        is_there = np.arange(most) < below(drawn[:, :1], most + 1)
        start, line = below(drawn[:, 1:], side - width + 1)[..., None], np.arange(side)
        inside = (line >= start) & (line < start + width) & is_there[..., None]
        return np.asarray(inside.any(axis=1))
