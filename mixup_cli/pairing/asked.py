"""What a way of pairing is opened with, and whether it is all there."""

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


def classes_for(population: Population, option: str) -> NDArray[np.int32]:
    """The classes that an option needs: int32 (n)."""
    if population.classes is None:
        raise UsageError(f"{option}: the source has no classes, and it needs one for each sample. Leave it out.")
    return population.classes


@dataclass(frozen=True)
class Asked:
    """The recipe's wish for these samples, whose bases are settled, with `parent_count` samples meeting in a row, all
    of one window if there are `windows`."""

    recipe: Recipe
    population: Population
    bases: Bases
    parent_count: int
    windows: Windows | None = None

    @property
    def original_classes(self) -> NDArray[np.int32]:
        """The class of each sample, as the source numbers them: int32 (n). Raises UsageError if there are none."""
        return classes_for(self.population, f"--pair {self.recipe.pair}")

    @cached_property
    def classes(self) -> Positions:
        """The class of each sample, those that occur numbered from 0: int64 (n)."""
        return np.unique(self.original_classes, return_inverse=True)[1]

    @cached_property
    def circles(self) -> Positions:
        """Within what samples meet, numbered from 0: the group of each sample, as far as it is in one window:
        int64 (n)."""
        if self.windows is None:
            return self.population.circles
        of_window = self.windows.of_sample * len(self.population) + self.population.circles
        circles: Positions = np.unique(of_window, return_inverse=True)[1]
        return circles

    @property
    def circle_name(self) -> str | None:
        """What messages call such a circle; None where all samples are in one."""
        if self.windows is not None:
            return "window" if self.population.groups is None else "window's group"
        return None if self.population.groups is None else "group"

    @property
    def window_notices(self) -> tuple[str, ...]:
        """What the user should know: a source that is sorted by class has few of the classes in a window."""
        if self.windows is None or len(self.windows) == 1 or self.population.classes is None:
            return ()
        classes = np.unique(self.population.classes, return_inverse=True)[1]
        kinds = int(classes.max()) + 1
        in_a_window = len(Runs.of(self.windows.of_sample * kinds + classes)) / len(self.windows)
        if 2 * in_a_window >= kinds:
            return ()
        return (
            f"--window {self.recipe.window}: a window holds {in_a_window:.1f} of the {kinds} classes on average, and "
            "others never meet. A larger one mixes more of them.",
        )
