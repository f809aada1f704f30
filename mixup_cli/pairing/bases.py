"""The base of each row: every sample once a pass, in windows or not, or every class equally often."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mixup_cli.pairing.passes import MEMBERS_LANE, Positions, Runs, order
from mixup_cli.pairing.windows import Windows


class Bases(Protocol):
    """The bases of a pass, in the order of its rows."""

    @property
    def pass_rows(self) -> int:
        """Rows of one pass."""

    @property
    def repeats(self) -> bool:
        """Whether a sample can be base more than once in a pass."""

    def of_pass(self, number: int) -> Positions:
        """Positions in the population: int64 (pass_rows,)."""


class EachOnce:
    """Every sample is base once a pass, window after window if there are `windows`."""

    repeats = False

    def __init__(self, seed: int, sample_count: int, windows: Windows | None = None) -> None:
        self._seed, self._windows = seed, windows
        self.pass_rows = sample_count

    def of_pass(self, number: int) -> Positions:
        """The order of the pass."""
        if self._windows is not None:
            return self._windows.order(self._seed, number)
        return order(self._seed, number, self.pass_rows)


class ClassesEvenly:
    """Every class is base equally often: as often as the largest has samples (m), so that a pass has K · m rows.

    The members of a class take turns, in an order that is the same in every pass: in pass p the t-th base of a class is
    its member (p · m + t) mod its size. So within a class no sample gets ahead of another by more than
    one row, over any number of whole passes.
    """

    def __init__(self, seed: int, classes: NDArray[np.int32]) -> None:
        self._seed = seed
        self._members_order = order(seed, MEMBERS_LANE, len(classes))
        self._runs = Runs.of(classes[self._members_order])
        self._turns = int(self._runs.size.max())
        self.pass_rows = len(self._runs) * self._turns
        self.repeats = bool((self._runs.size < self._turns).any())

    def of_pass(self, number: int) -> Positions:
        """The turns of a pass, shuffled."""
        runs = self._runs
        turn = number * self._turns + np.arange(self._turns)
        entries = runs.member[runs.start[:, None] + turn % runs.size[:, None]].ravel()
        return self._members_order[entries[order(self._seed, number, self.pass_rows)]]
