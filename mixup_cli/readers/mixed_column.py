"""A column that shards do not hold: its values are mixed when they are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.storage.hdf5.reading import consecutive, existing
from mixup_cli.storage.manifest_records import ColumnRecord

if TYPE_CHECKING:  # brings the methods and a kernel
    from mixup_cli.mixing.stored_plan import Remixer


class MixedColumn:
    """A signal, or the labels, of a data set that stores its plan: what `ShardedColumn` is for a stored column.

    `shape` is (samples, *row shape). Raises what `mixing.stored_plan.Remixer` raises.
    """

    def __init__(self, remixer: Remixer, record: ColumnRecord, count: int) -> None:
        self._remixer, self._name = remixer, record.name
        self.shape = (count, *record.shape)
        self.dtype = np.dtype(record.dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        """Consecutive rows. Raises ValueError for any other step than 1."""
        asked = consecutive(rows, len(self), self._name)
        return self.take(np.arange(asked.start, asked.stop))

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[Any]:
        """Rows in any order: (len(rows), *row shape); negative rows count from the end. Raises IndexError if a row does
        not exist."""
        return self._remixer.values(self._name, existing(rows, len(self), self._name))
