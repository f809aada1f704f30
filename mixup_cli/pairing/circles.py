"""Pairing in cycles: any, same-class and cross-class. A pass settles who meets whom as a whole, so that every sample
is a donor as often as it is a base, wherever that is possible."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.pairing.apart import apart
from mixup_cli.pairing.asked import Asked
from mixup_cli.pairing.base import InOrder, Pairing
from mixup_cli.pairing.passes import Positions, Runs, passes, successors
from mixup_cli.wording import counted


class InCircles(Pairing):
    """Only samples of one `circle` int64 (n) meet, and, where `kind` int64 (n) is given, only those of two kinds.

    Without kinds, a base meets the next bases of its circle, round the pass; with kinds see `apart.py`.
    """

    def __init__(
        self,
        asked: Asked,
        circle: Positions,
        kind: Positions | None,
        alone: NDArray[np.bool_],
        notices: Sequence[str],
    ) -> None:
        super().__init__(asked.population, asked.bases, alone, notices)
        self._parent_count = asked.parent_count
        self._circle, self._kind = circle, kind

    def _settled(self, number: int) -> Positions:
        """The parents of all rows, base first: int64 (pass_rows, P)."""
        bases = self._bases.of_pass(number)
        if self._kind is None:
            return bases[successors(self._circle[bases], self._parent_count)]
        return bases[apart(self._circle[bases], self._kind[bases], self._parent_count)]

    def _positions(self, start: int, stop: int, parent_count: int) -> Positions:
        parts = [
            self._recent[number][first:end, :parent_count] for number, first, end in passes(start, stop, self.pass_rows)
        ]
        return np.concatenate([np.empty((0, parent_count), np.int64), *parts])


def open_any(asked: Asked) -> Pairing:
    """Anyone of the same group."""
    if asked.circle_name is None and not asked.bases.repeats:
        return InOrder(asked.population, asked.bases)
    circle = asked.circles
    alone = Runs.of(circle).size_of_place < asked.parent_count
    if alone.all():
        raise DataError(
            f"no {asked.circle_name} has {asked.parent_count} samples, and {asked.parent_count} different ones are "
            f"mixed. Add samples, or leave the groups out."
        )
    few = f"there are fewer than {asked.parent_count} in their {asked.circle_name}"
    return InCircles(asked, circle, _copies(asked), alone, (*_unmixed(alone, few), *asked.window_notices))


def open_same_class(asked: Asked) -> Pairing:
    """Those of the same class, and of the same group."""
    classes = asked.classes
    circle = np.unique(asked.circles * (classes.max() + 1) + classes, return_inverse=True)[1]
    alone = Runs.of(circle).size_of_place < asked.parent_count
    within = "" if asked.circle_name is None else f" in a {asked.circle_name}"
    if alone.all():
        raise DataError(
            f"--pair same-class: no class has {asked.parent_count} samples{within}, and {asked.parent_count} "
            f"different ones are mixed. Add samples, or pass --pair any."
        )
    few = f"there are fewer than {asked.parent_count} of their class{within} ({_names(asked, alone)})"
    return InCircles(asked, circle, _copies(asked), alone, _unmixed(alone, few))


def open_cross_class(asked: Asked) -> Pairing:
    """Those of another class, and of the same group."""
    classes, circle = asked.classes, asked.circles
    kinds = classes.max() + 1
    alone = np.bincount(np.unique(circle * kinds + classes) // kinds)[circle] < 2
    if alone.all():
        where = f"there is no class but {_names(asked, alone)}"
        if asked.circle_name is not None:
            where = f"no {asked.circle_name} has samples of two classes"
        raise DataError(f"--pair cross-class: {where}. Add samples of other classes, or pass --pair any.")
    few = f"there is no class but theirs in their {asked.circle_name} ({_names(asked, alone)})"
    notices = (*_unmixed(alone, few), *_uneven(asked, alone), *asked.window_notices)
    return InCircles(asked, circle, classes, alone, notices)


def _copies(asked: Asked) -> Positions | None:
    """The kinds that keep a sample from meeting itself, where it is base more than once a pass."""
    return np.arange(len(asked.population)) if asked.bases.repeats else None


def _names(asked: Asked, of_samples: NDArray[np.bool_]) -> str:
    """The classes of some samples, by name."""
    return asked.population.named(np.unique(asked.original_classes[of_samples]).tolist())


def _unmixed(alone: NDArray[np.bool_], because: str) -> tuple[str, ...]:
    count = int(alone.sum())
    return (f"{counted(count, 'sample')} will stay unmixed: {because}.",) if count else ()


def _uneven(asked: Asked, alone: NDArray[np.bool_]) -> tuple[str, ...]:
    """Whether the rarer classes' samples must be donors more often than others."""
    bases = asked.bases.of_pass(0)
    bases = bases[~alone[bases]]
    circle, kinds = asked.circles[bases], asked.classes.max() + 1
    cells = Runs.of(circle * kinds + asked.classes[bases])
    first = cells.member[cells.start]
    most = first[2 * cells.size > np.bincount(circle)[circle[first]]]
    if not len(most):
        return ()
    names = asked.population.named(np.unique(asked.original_classes[bases[most]]).tolist())
    where = "" if asked.circle_name is None else f"in {counted(len(most), asked.circle_name)} "
    return (
        f"--pair cross-class: {where}one class ({names}) has more than half of the samples: those of the others are "
        f"donors more than once a pass.",
    )
