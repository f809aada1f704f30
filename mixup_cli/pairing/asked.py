"""What a way of pairing is opened with, and whether it is all there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.pairing.base import Population
from mixup_cli.pairing.bases import Bases
from mixup_cli.pairing.passes import Positions
from mixup_cli.recipe import Recipe


def classes_for(population: Population, option: str) -> NDArray[np.int32]:
    """The classes that an option needs: int32 (n)."""
    if population.classes is None:
        raise UsageError(f"{option}: the source has no classes, and it needs one for each sample. Leave it out.")
    return population.classes


@dataclass(frozen=True)
class Asked:
    """The recipe's wish for these samples, whose bases are settled, with `parent_count` samples meeting in a row."""

    recipe: Recipe
    population: Population
    bases: Bases
    parent_count: int

    @property
    def original_classes(self) -> NDArray[np.int32]:
        """The class of each sample, as the source numbers them: int32 (n). Raises UsageError if there are none."""
        return classes_for(self.population, f"--pair {self.recipe.pair}")

    @cached_property
    def classes(self) -> Positions:
        """The class of each sample, those that occur numbered from 0: int64 (n)."""
        return np.unique(self.original_classes, return_inverse=True)[1]
