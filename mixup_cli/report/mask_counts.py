"""Classes counted by pixels: how much of the rows' masks each takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.signal import MASK
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.storage.meanings import mask_of

READ_BYTES = 64 << 20
"""Of the masks that are read: of rows spread evenly, where all have more."""

AT_ONCE_BYTES = 4 << 20


@dataclass(frozen=True)
class MaskCounts:
    """`pixels` int64 (classes) by class, in the masks of `rows` rows, and `void` those without one. `names` are those
    of the classes, their numbers where the data set has no names."""

    rows: int
    pixels: NDArray[np.int64]
    void: int
    names: list[str]

    @classmethod
    def of_rows(cls, data: MixedArrays) -> Self | None:
        """Those of a data set, also of masks of several parents; None of one without stored masks."""
        if mask_of(data.manifest) is None or MASK not in (column.name for column in data.manifest.columns):
            return None
        column, void = data.column(MASK), data.manifest.ignore_index
        row_bytes = max(1, int(np.prod(column.shape[1:])) * column.dtype.itemsize)
        count = min(len(data), max(1, READ_BYTES // row_bytes))
        rows = np.linspace(0, len(data) - 1, count).astype(np.int64)
        pixels = np.zeros(np.iinfo(column.dtype).max + 1, np.int64)
        step = max(1, AT_ONCE_BYTES // row_bytes)
        for start in range(0, count, step):
            pixels += np.bincount(column.take(rows[start : start + step]).ravel(), minlength=len(pixels))
        of_void, pixels[void] = int(pixels[void]), 0
        used = max(len(data.class_names), int(np.flatnonzero(pixels)[-1]) + 1 if pixels.any() else 0)
        named = list(data.class_names)
        return cls(count, pixels[:used], of_void, [*named, *map(str, range(len(named), used))])

    @property
    def shares(self) -> list[tuple[str, float]]:
        """The classes that occur with their parts of all pixels, 0 … 1, the largest first, and then what has none."""
        total = max(1, int(self.pixels.sum()) + self.void)
        order = np.argsort(-self.pixels, kind="stable")
        found = [(self.names[each], self.pixels[each] / total) for each in order.tolist() if self.pixels[each]]
        return [*found, ("none", self.void / total)] if self.void else found

    @property
    def facts(self) -> dict[str, object]:
        """The same as counts, for machines."""
        by_class = {name: count for name, count in zip(self.names, self.pixels.tolist(), strict=True) if count}
        return {"rows": self.rows, "pixels": by_class, "without_class": self.void}
