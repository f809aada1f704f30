"""The base class of methods that paste what the donor's index map names: some of its classes, or of its objects."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import Words, mask_words
from mixup_cli.kernels import Weights
from mixup_cli.methods.base import DonorMaps, Shown
from mixup_cli.methods.decisions import Decisions, Grid
from mixup_cli.methods.masked import SeedMethod


@dataclass(frozen=True)
class PasteMethod(SeedMethod):
    """The base, and of the donor the pixels with numbers that are drawn from those that its map has. Each number has a
    word of the mask seed, in ascending order."""

    keeps_objects = True

    @abstractmethod
    def drawn(self, words: Words) -> NDArray[np.bool_] | NDArray[np.int64]:
        """Which of the numbers are pasted, from a word for each."""

    def weights_by(self, decisions: Decisions, maps: DonorMaps) -> Weights:
        choice = np.zeros(maps.shape, np.uint8)
        for seed, numbers, pasted in zip(decisions.mask_seed, maps, choice, strict=True):
            present = np.unique(numbers)
            present = present[present >= 0]
            is_drawn = np.zeros(2 + numbers.max(initial=0), bool)  # the last one is for −1
            is_drawn[present[self.drawn(mask_words(seed.reshape(1), len(present))[0])]] = True
            pasted[...] = is_drawn[numbers]
        return Weights(decisions.parts, choice=choice)

    def shown(self, decisions: Decisions, grid: Grid) -> Shown:
        """Of a donor's objects without outlines nothing is seen."""
        shown = super().shown(decisions, grid)
        shown.window[:, 1] = 0
        return shown
