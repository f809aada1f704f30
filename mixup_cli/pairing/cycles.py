"""Pairing in cycles: any, same-class and cross-class. A pass pairs all its rows at once, so that every sample is a
donor as often as it is a base, as far as that is possible."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.pairing.apart import apart
from mixup_cli.pairing.base import InOrder, Pairing
from mixup_cli.pairing.passes import Positions, Runs, successors
from mixup_cli.pairing.request import PairingRequest
from mixup_cli.wording import counted, setting


class Cycles(Pairing):
    """Partners have the same `pool` int64 (n) and, if `kind` int64 (n) is given, another kind.

    Without kinds, donors are the next bases of the pool, round the pass; with kinds see `apart.py`.
    """

    def __init__(
        self,
        request: PairingRequest,
        pool: Positions,
        kind: Positions | None,
        alone: NDArray[np.bool_],
        notices: Sequence[str],
    ) -> None:
        super().__init__(request.population, request.bases, alone, notices)
        self._parent_count = request.parent_count
        self._pool, self._kind = pool, kind

    def _settled(self, number: int) -> Positions:
        """The parents of all rows, base first: int64 (pass_rows, P)."""
        bases = self._bases.of_pass(number)
        if self._kind is None:
            return bases[successors(self._pool[bases], self._parent_count)]
        return bases[apart(self._pool[bases], self._kind[bases], self._parent_count)]

    def _positions(self, start: int, stop: int, parent_count: int) -> Positions:
        return self._settled_rows(start, stop)[:, :parent_count]


def open_any(request: PairingRequest) -> Pairing:
    """Partners of the same pool."""
    if request.pool_name is None and not request.bases.repeats:
        return InOrder(request.population, request.bases)
    pool = request.pools
    alone = Runs.of(pool).size_of_place < request.parent_count
    if alone.all():
        raise DataError(
            f"no {request.pool_name} has {request.parent_count} samples, and a row mixes {request.parent_count} "
            "different ones. Add samples, or leave the groups out."
        )
    few = f"their {request.pool_name} has fewer than {request.parent_count}"
    return Cycles(request, pool, _copies(request), alone, (*unmixed_notices(alone, few), *request.window_notices))


def open_same_class(request: PairingRequest) -> Pairing:
    """Partners of the same class and pool."""
    classes = request.classes
    pool = np.unique(request.pools * (classes.max() + 1) + classes, return_inverse=True)[1]
    alone = Runs.of(pool).size_of_place < request.parent_count
    within = "" if request.pool_name is None else f" in a {request.pool_name}"
    if alone.all():
        raise DataError(
            f"no class has {request.parent_count} samples{within}, and a row mixes {request.parent_count} different "
            f"ones. Add samples, or pass {setting('pair', 'any')}.",
            field="pair",
            value="same-class",
        )
    few = f"their class ({_names(request, alone)}) has fewer than {request.parent_count}{within}"
    return Cycles(request, pool, _copies(request), alone, unmixed_notices(alone, few))


def open_cross_class(request: PairingRequest) -> Pairing:
    """Partners of another class and the same pool."""
    classes, pool = request.classes, request.pools
    kinds = classes.max() + 1
    alone = np.bincount(np.unique(pool * kinds + classes) // kinds)[pool] < 2
    if alone.all():
        found = f"the only class is {_names(request, alone)}"
        if request.pool_name is not None:
            found = f"no {request.pool_name} has samples of two classes"
        remedy = f"Add samples of other classes, or pass {setting('pair', 'any')}."
        raise DataError(f"{found}.", remedy, field="pair", value="cross-class")
    few = f"their {request.pool_name} has no other class ({_names(request, alone)})"
    notices = (*unmixed_notices(alone, few), *_uneven(request, alone), *request.window_notices)
    return Cycles(request, pool, classes, alone, notices)


def _copies(request: PairingRequest) -> Positions | None:
    """Kinds that keep a sample from being its own donor, if it is base more than once a pass."""
    return np.arange(len(request.population)) if request.bases.repeats else None


def _names(request: PairingRequest, of_samples: NDArray[np.bool_]) -> str:
    """The classes of some samples, by name."""
    return request.population.named(np.unique(request.original_classes[of_samples]).tolist())


def unmixed_notices(alone: NDArray[np.bool_], because: str) -> tuple[str, ...]:
    """The notice that some samples will not be mixed, if there are any."""
    count = int(alone.sum())
    return (f"{counted(count, 'sample')} will stay unmixed: {because}.",) if count else ()


def _uneven(request: PairingRequest, alone: NDArray[np.bool_]) -> tuple[str, ...]:
    """Says so if samples of rarer classes must be donors more often than others."""
    bases = request.bases.of_pass(0)
    bases = bases[~alone[bases]]
    pool, kinds = request.pools[bases], request.classes.max() + 1
    runs = Runs.of(pool * kinds + request.classes[bases])
    first = runs.member[runs.start]
    most = first[2 * runs.size > np.bincount(pool)[pool[first]]]
    if not len(most):
        return ()
    names = request.population.named(np.unique(request.original_classes[bases[most]]).tolist())
    where = "" if request.pool_name is None else f"in {counted(len(most), request.pool_name)} "
    return (
        f"{setting('pair', 'cross-class')}: {where}one class ({names}) has more than half of the samples: those of the "
        "others are donors more than once a pass.",
    )
