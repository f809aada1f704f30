"""What every way of pairing takes and gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mixup_cli.pairing.bases import Bases
from mixup_cli.pairing.passes import Positions, RecentPasses, parents, passes


@dataclass(frozen=True)
class Population:
    """The n samples that can be bases, and those that are donors alone, if there are such: else all are donors, too.

    `samples` int64 (n): source indices; `classes` int32 (n), if each has one class; `values` float32 (n, D): soft
    labels or real targets; `groups` int32 (n): only samples of the same group are mixed; `class_names` for messages;
    `donors` int64 (d): the source indices of samples that are donors alone, for all rows.
    """

    samples: NDArray[np.int64]
    classes: NDArray[np.int32] | None = None
    values: NDArray[np.float32] | None = None
    groups: NDArray[np.int32] | None = None
    class_names: tuple[str, ...] = ()
    donors: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, positions: Positions) -> Population:
        """The samples at these positions."""
        return replace(
            self,
            samples=self.samples[positions],
            classes=None if self.classes is None else self.classes[positions],
            values=None if self.values is None else self.values[positions],
            groups=None if self.groups is None else self.groups[positions],
        )

    @property
    def pools(self) -> Positions:
        """The group of each sample, numbered from 0; without groups all are in one: int64 (n)."""
        if self.groups is None:
            return np.zeros(len(self), np.int64)
        return np.unique(self.groups, return_inverse=True)[1]

    def named(self, classes: Sequence[int]) -> str:
        """Up to three classes by name: `'cat', 'dog', 'elk' and 2 more`."""
        names = [self.class_names[each] if each < len(self.class_names) else str(each) for each in classes]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return ", ".join(repr(name) for name in names[:3]) + more


@dataclass(frozen=True)
class Paired:
    """The parents of m rows: `parents` int64 (m, P): source indices, base first; `alone` bool (m): the base has too few
    partners, and all slots repeat it."""

    parents: NDArray[np.int64]
    alone: NDArray[np.bool_]


class Pairing(ABC):
    """A way of pairing. `alone` bool (n): the samples with too few partners; `notices`: what the user should know."""

    def __init__(
        self, population: Population, bases: Bases, alone: NDArray[np.bool_] | None = None, notices: Sequence[str] = ()
    ) -> None:
        self.notices = tuple(notices)
        self._population = population
        self._bases = bases
        self._alone = np.zeros(len(population), bool) if alone is None else alone
        self._recent = RecentPasses(self._settled)

    @property
    def pass_rows(self) -> int:
        """Rows of one pass."""
        return self._bases.pass_rows

    @property
    def leaves_alone(self) -> bool:
        """Whether some samples have too few partners."""
        return bool(self._alone.any())

    def meet(self, start: int, stop: int, parent_count: int) -> Paired:
        """The parents of mixed rows start … stop−1, of any pass. `parent_count` is at most what it was opened for."""
        if start >= stop:
            return Paired(np.empty((0, parent_count), np.int64), np.empty(0, bool))
        places, samples = self._positions(start, stop, parent_count), self._population.samples
        if parent_count == 1 or not self.leaves_alone:
            return Paired(samples[places], np.zeros(len(places), bool))
        alone = self._alone[places[:, 0]]
        return Paired(samples[np.where(alone[:, None], places[:, :1], places)], alone)

    def _settled(self, number: int) -> Positions:
        """What a pass settles as a whole, by its rows: int64 (pass_rows, …). Here the bases."""
        return self._bases.of_pass(number)

    def _settled_rows(self, start: int, stop: int) -> Positions:
        """What the passes have settled for rows start … stop−1, start < stop: int64 (m, …)."""
        touched = passes(start, stop, self.pass_rows)
        return np.concatenate([self._recent[number][first:end] for number, first, end in touched])

    @abstractmethod
    def _positions(self, start: int, stop: int, parent_count: int) -> Positions:
        """The parents' positions in the population: int64 (stop−start, parent_count). Of bases that are alone, only
        the first counts."""


class InOrder(Pairing):
    """The donors of a row are the bases of the rows that follow, round the pass."""

    def _positions(self, start: int, stop: int, parent_count: int) -> Positions:
        touched = passes(start, stop, self.pass_rows)
        return np.concatenate(
            [parents(self._recent[number], first, end, parent_count) for number, first, end in touched]
        )
