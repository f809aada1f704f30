"""Objects counted: how many a row has, of which classes, how faint they are and how much of them is seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.objects import Objects
from mixup_cli.readers.numpy import MixedArrays

Counts = NDArray[np.int64]

FAINT = 0.1
"""An object with less weight than this is hardly seen."""

PARTS = 10
"""Bins of equal width for the visible part. One that is seen whole has a bin of its own behind them."""

COUNTED = ("object_count", "object_class", "object_weight", "object_visible")
"""The columns that are read to count objects."""

PLACES_AT_ONCE = 1 << 22
"""Places for objects that are read together."""


@dataclass
class ObjectCounts:
    """Objects of the rows that were added: `rows` (places + 1) by how many objects they have, and by class (K) all
    objects and the `faint` ones. `visible` (PARTS + 1) counts objects by the part that is seen."""

    places: int
    class_count: int
    rows: Counts = field(init=False)
    classes: Counts = field(init=False)
    faint: Counts = field(init=False)
    visible: Counts = field(init=False)

    def __post_init__(self) -> None:
        self.rows, self.visible = np.zeros(self.places + 1, np.int64), np.zeros(PARTS + 1, np.int64)
        self.classes, self.faint = np.zeros(self.class_count, np.int64), np.zeros(self.class_count, np.int64)

    @classmethod
    def of_source(cls, objects: Objects, class_count: int) -> Self:
        """Those of a source, a sample like a row: all have a weight of 1 and are seen whole."""
        made = cls(objects.most(1), class_count)
        made.rows += np.bincount(objects.counts, minlength=len(made.rows))
        made.classes += np.bincount(objects.classes, minlength=class_count)
        made.visible[PARTS] = len(objects.classes)
        return made

    @classmethod
    def of(cls, data: MixedArrays) -> Self | None:
        """For rows of a data set, none of them counted yet; None of one without columns of objects."""
        shapes = {column.name: column.shape for column in data.manifest.columns}
        return cls(shapes["object_class"][0], len(data.class_names)) if "object_class" in shapes else None

    def add(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Count the objects of some rows by their columns. What a damaged data set has beyond its places and classes is
        left out."""
        row, place = there(columns, self.class_count)
        classes, weight, seen = (columns[name][row, place] for name in COUNTED[1:])
        self.rows += np.bincount(np.bincount(row, minlength=len(columns["object_count"])), minlength=len(self.rows))
        self.classes += np.bincount(classes, minlength=self.class_count)
        self.faint += np.bincount(classes[weight < FAINT], minlength=self.class_count)
        part = np.floor(np.nan_to_num(seen.astype(np.float64)) * PARTS).clip(0, PARTS).astype(np.int64)
        self.visible += np.bincount(part, minlength=PARTS + 1)

    @property
    def total(self) -> int:
        return int(self.classes.sum())

    @property
    def row_count(self) -> int:
        return int(self.rows.sum())

    @property
    def mean(self) -> float:
        """Objects in a row."""
        return self.total / max(1, self.row_count)

    @property
    def most(self) -> int:
        """The most objects in any row."""
        return int(np.flatnonzero(self.rows)[-1]) if self.row_count else 0


def there(columns: Mapping[str, NDArray[Any]], class_count: int) -> tuple[Counts, Counts]:
    """The rows and the places of all objects of some rows: int64 (T) each."""
    classes = columns["object_class"]
    filled = np.arange(classes.shape[1]) < columns["object_count"][:, None]
    row, place = np.nonzero(filled & (classes >= 0) & (classes < class_count))
    return row, place


def blocks(data: MixedArrays, rows: range) -> Iterator[tuple[slice, Mapping[str, NDArray[Any]]]]:
    """The columns that are counted of some rows, block by block, with the rows of each block."""
    size = max(1, PLACES_AT_ONCE // max(1, data.column("object_class").shape[1]))
    for start in range(rows.start, rows.stop, size):
        part = slice(start, min(start + size, rows.stop))
        yield part, {name: data.column(name)[part] for name in COUNTED}
