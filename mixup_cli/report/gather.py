"""Some samples of a source, each loaded when it is first asked for, in a small cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.target import Arrays, Target
from mixup_cli.fields.uneven import Uneven
from mixup_cli.plan.plan import Finder
from mixup_cli.scan.room import room_of, rooms_of
from mixup_cli.scan.supply import Cache
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.loaded import Loaded

FinderIn: TypeAlias = Callable[[Arrays], Finder | None]
"""Makes the finder of some samples, numbered from 0."""


def none_in(samples: Arrays) -> None:
    """No finder: rows are planned already."""


class Gathered:
    """The samples of `source` that were asked for, in the form of the first of `targets`; `finder` looks into them.

    A sample has a place in `cache`, which is not its index in the source; one that cannot be read is zeros there.
    Asking for a sample may raise FormMismatch, as `Source.load` does.
    """

    def __init__(self, source: Source, targets: Sequence[Target], finder: FinderIn = none_in) -> None:
        self._source, self._targets, self._finder = source, targets, finder
        self._samples: list[Arrays] = []
        self._rooms = rooms_of(source, targets)
        self._places: dict[int, int] = {}
        self.loaded: dict[int, Loaded] = {}
        """How each sample was loaded, by its index in the source."""

    @property
    def cache(self) -> NDArray[Any]:
        """The first signal of all of them: (count, *form.shape)."""
        return self.signal(0)

    def signal(self, number: int) -> NDArray[Any]:
        """One signal of all of them, by its number: (count, *form.shape)."""
        made: NDArray[Any] = self._together(number, range(len(self._samples)))
        return made

    def _together(self, number: int, places: Iterable[int]) -> Any:
        """One signal of those at some places, as an array; or as an `Uneven` where they differ in length."""
        form, samples = self._targets[number].form, [self._samples[place][number] for place in places]
        if self._rooms is not None:
            return Uneven.of(samples, form)
        return np.array(samples, form.dtype).reshape(-1, *form.shape)

    @property
    def supply(self) -> Cache:
        """All signals of all of them, for rows that need no others."""
        indices = np.array(sorted(self._places), np.int64)
        order = [self._places[index] for index in indices.tolist()]
        return Cache(tuple(self._together(number, order) for number in range(len(self._targets))), indices)

    @property
    def problems(self) -> dict[int, str]:
        """Why samples could not be read, by their index in the source."""
        return {index: each.problem for index, each in self.loaded.items() if each.problem is not None}

    def places(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where samples stand in `cache`, in the shape of `indices`."""
        for index in np.unique(indices).tolist():
            if index not in self._places:
                self._load(index)
        return np.array([self._places[index] for index in indices.ravel().tolist()], np.int64).reshape(indices.shape)

    def of(self, samples: NDArray[np.int64], starts: NDArray[np.int64] | None = None) -> NDArray[Any]:
        """See `plan.Finder`: what the finder finds among the samples."""
        places, finder = self.places(samples), self._finder((self.cache,))
        if finder is None:
            raise ValueError("these samples were gathered without a finder")
        found: NDArray[Any] = finder.of(places, starts)
        return found

    def _load(self, index: int) -> None:
        room = room_of(self._rooms, self._targets, index, index + 1)
        self.loaded[index] = self._source.load_signals(index, index + 1, self._targets, room)[0]
        if self.loaded[index].problem is not None:
            for signal in room:
                signal[0][...] = 0
        self._places[index] = len(self._samples)
        self._samples.append(tuple(signal[0] for signal in room))
