"""What a way of pairing is opened with: the samples, their bases, and the pools within which they are paired."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.pairing.base import Population
from mixup_cli.pairing.bases import Bases
from mixup_cli.pairing.passes import Positions, Runs
from mixup_cli.pairing.windows import Windows
from mixup_cli.recipe import Recipe
from mixup_cli.wording import setting


def classes_for(population: Population, field: str, value: object) -> NDArray[np.int32]:
    """The classes that a setting needs: int32 (n). Raises UsageError if the samples have none."""
    if population.classes is None:
        found = "the source has no classes, and it needs one for each sample."
        raise UsageError(found, "Leave it out.", field=field, value=value)
    return population.classes


@dataclass(frozen=True)
class PairingRequest:
    """A recipe, the samples to pair and their bases, for rows of `parent_count` parents, all of one window if there are
    `windows`."""

    recipe: Recipe
    population: Population
    bases: Bases
    parent_count: int
    windows: Windows | None = None

    @property
    def original_classes(self) -> NDArray[np.int32]:
        """The class of each sample, as the source numbers them: int32 (n). Raises UsageError if it numbers none."""
        return classes_for(self.population, "pair", self.recipe.pair)

    @cached_property
    def classes(self) -> Positions:
        """The class of each sample, renumbered from 0 without gaps: int64 (n)."""
        return np.unique(self.original_classes, return_inverse=True)[1]

    @cached_property
    def pools(self) -> Positions:
        """The pool of each sample, numbered from 0: partners are of the same group and window: int64 (n)."""
        if self.windows is None:
            return self.population.pools
        of_window = self.windows.of_sample * len(self.population) + self.population.pools
        pools: Positions = np.unique(of_window, return_inverse=True)[1]
        return pools

    @property
    def pool_name(self) -> str | None:
        """What messages call a pool; None if all samples are in one."""
        if self.windows is not None:
            return "window" if self.population.groups is None else "window's group"
        return None if self.population.groups is None else "group"

    @property
    def window_notices(self) -> tuple[str, ...]:
        """What the user should know: windows of a source that is sorted by class hold few classes."""
        if self.windows is None or len(self.windows) == 1 or self.population.classes is None:
            return ()
        classes = np.unique(self.population.classes, return_inverse=True)[1]
        kinds = int(classes.max()) + 1
        in_a_window = len(Runs.of(self.windows.of_sample * kinds + classes)) / len(self.windows)
        if 2 * in_a_window >= kinds:
            return ()
        return (
            f"{setting('window', self.recipe.window)}: a window holds {in_a_window:.1f} of the {kinds} classes on "
            "average, and others are never paired. A larger one mixes more of them.",
        )
