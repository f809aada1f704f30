"""Some samples of a source, as a source: those that a part of a data set is made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.target import Survey, Target
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.loaded import Loaded

MOST_APART = 8
"""Of samples that are quick to load, those so near each other are loaded in one go, with what lies between them …"""

BETWEEN_BYTES = 256 << 10
"""… if that is no more than this: hashing it takes about as long as another call."""


class ChosenSamples(Source):
    """The samples `indices` int64 (m), ascending, of a source."""

    kind: ClassVar[str] = "chosen"

    def __init__(self, source: Source, indices: NDArray[np.int64]) -> None:
        keys = [source.keys[index] for index in indices.tolist()]
        super().__init__(source.location, keys, source.labels.at(indices.tolist()))
        self._source, self._indices = source, indices
        self.load_limit, self.portable, self.list_folder = source.load_limit, source.portable, source.list_folder
        self.task, self.void = source.task, source.void
        self.column, self.how_read = source.column, source.how_read
        self.lengths = None if source.lengths is None else source.lengths[indices]
        self.content = None if source.content is None else source.content[indices]
        self.captions = None if source.captions is None else source.captions.at(indices)
        self.text_of_tokens = source.text_of_tokens
        self.objects = None if source.objects is None else source.objects.at(indices.tolist())
        self.beside = {name: ChosenSamples(other, indices) for name, other in source.beside.items()}

    def name_of(self, index: int) -> str:
        """See `Source.name_of`."""
        return self._source.name_of(int(self._indices[index]))

    def survey(self, limit: int | None = None) -> Survey:
        """See `Source.survey`: of the whole source, whose form these samples have."""
        return self._source.survey(limit)

    def rooms(self, target: Target) -> NDArray[np.int64] | None:
        """See `Source.rooms`."""
        rooms = self._source.rooms(target)
        return None if rooms is None else rooms[self._indices]

    def stored_bytes(self) -> Sequence[int]:
        """See `Source.stored_bytes`."""
        sizes = self._source.stored_bytes()
        return [sizes[index] for index in self._indices.tolist()]

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """See `Source.load`."""
        loaded: list[Loaded] = []
        for near in self._near(start, stop, target):
            first, last = int(near[0]), int(near[-1]) + 1
            room = out[len(loaded) : len(loaded) + len(near)]
            if last - first == len(near):
                loaded += self._source.load(first, last, target, room)
                continue
            between = np.empty((last - first, *out.shape[1:]), out.dtype)
            found = self._source.load(first, last, target, between)
            room[...] = between[near - first]
            loaded += [found[index] for index in (near - first).tolist()]
        return loaded

    def _near(self, start: int, stop: int, target: Target) -> Iterator[NDArray[np.int64]]:
        """Samples start … stop−1, in runs that are loaded in one go: their indices."""
        indices, apart = self._indices[start:stop], 1
        if self.load_limit is None:
            apart = max(1, min(MOST_APART, BETWEEN_BYTES // max(1, target.form.sample_bytes)))
        yield from np.split(indices, np.flatnonzero(np.diff(indices) > apart) + 1)
