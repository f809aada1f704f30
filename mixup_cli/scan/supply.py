"""The samples that rows are mixed from: a cache, or windows of the source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.target import Arrays


@dataclass(frozen=True)
class Portion:
    """Some rows of the plan, and the samples for them: all of the source in the order of their indices, or those whose
    source indices are `indices` int64 (n), ascending. `is_cached`: other rows have the same samples."""

    rows: range
    samples: Arrays
    indices: NDArray[np.int64] | None = None
    is_cached: bool = True

    def for_a_tile(self, signal: int) -> NDArray[Any]:
        """The samples of one signal, by its number, for one call of a kernel. A window is another array each time: a
        kernel on a GPU keeps an array that it is given twice on the device, which is worth it for a cache alone."""
        samples = self.samples[signal]
        return samples if self.is_cached else samples[:]

    def places(self, parents: NDArray[np.int64]) -> NDArray[np.int64]:
        """The positions in `samples` of parents given by source index: int64, in the shape of `parents`."""
        return parents if self.indices is None else np.searchsorted(self.indices, parents)


class Supply(Protocol):
    """Gives the samples that rows need, to several threads at once."""

    def serving(self, shards: Sequence[range]) -> AbstractContextManager[object]:
        """While this is entered, the rows of each of these shards (ascending, without overlap) are asked for once."""

    def portions(self, rows: range) -> Iterator[Portion]:
        """The rows in order, portion after portion; samples stay valid until the next portion is asked for."""


@dataclass(frozen=True)
class Cache:
    """All samples by source index, or those of the source indices `indices` int64 (n), ascending."""

    samples: Arrays
    indices: NDArray[np.int64] | None = None

    def serving(self, shards: Sequence[range]) -> AbstractContextManager[object]:
        """See `Supply.serving`. The cache needs no preparation."""
        return nullcontext()

    def portions(self, rows: range) -> Iterator[Portion]:
        """See `Supply.portions`."""
        yield Portion(rows, self.samples, self.indices)
