"""The batches of a view by number, for frameworks that ask for whole batches in an order of their own."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.readers.view import Batch, View
from mixup_cli.readers.words import check_whole


class Batches:
    """`len(batches)` is how many batches an epoch has, and `read` gives one of them, in one read. The last one of an
    epoch may be smaller; with `drop_remainder` it is left out. Rows come in order, or shuffled by `seed` and the number
    of the epoch.

    Threads may share it, and it can be pickled. Raises UsageError if no batch is left.
    """

    def __init__(self, view: View, batch_size: int, seed: int | None, drop_remainder: bool) -> None:
        check_whole(1, batch_size=batch_size)
        check_whole(0, seed=0 if seed is None else seed)
        self._count = len(view) // batch_size if drop_remainder else -(-len(view) // batch_size)
        if not self._count:
            raise UsageError(f"{len(view)} rows are less than one batch.", field="batch_size", value=batch_size)
        self.view = view
        self._how = batch_size, seed, drop_remainder
        self._kept: dict[int, list[NDArray[np.int64]]] = {}
        self._lock = Lock()

    def __reduce__(self) -> tuple[type[Batches], tuple[Any, ...]]:
        return type(self), (self.view, *self._how)

    def __len__(self) -> int:
        return self._count

    def read(self, number: int, epoch: int, count: int = 1) -> Batch:
        """The parts of the rows of a batch, 0 ≤ number < len, in an epoch: (m, *shape) each. Of `count` batches from
        this one on, or as many as there are, one after another."""
        rows = self._rows(epoch)[number : number + count]
        return self.view.read(rows[0] if count == 1 else np.concatenate(rows))

    def _rows(self, epoch: int) -> list[NDArray[np.int64]]:
        """The rows of each batch of an epoch. Those of two epochs are kept: a reader may run ahead into the next."""
        with self._lock:
            if epoch not in self._kept:
                self._kept = dict([*self._kept.items()][-1:])
                batch_size, seed, _ = self._how
                self._kept[epoch] = list(self.view.batches(batch_size, epoch=epoch, seed=seed))
            return self._kept[epoch]
