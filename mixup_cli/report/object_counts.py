"""Objects counted: how many a row has, of which classes, how faint they are and how much of them is seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.fields.objects import NO_CLASS, Objects
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

    @classmethod
    def of_rows(cls, data: MixedArrays) -> Self | None:
        """Those of all rows of a data set, which are read; None of one without columns of objects."""
        made = cls.of(data)
        if made is not None:
            for _, columns in blocks(data, range(len(data))):
                made.add(columns)
        return made

    def add(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Count the objects of some rows by their columns."""
        row, place = there(columns)
        classes, weight, seen = (columns[name][row, place] for name in COUNTED[1:])
        self.rows += np.bincount(np.bincount(row, minlength=len(columns["object_count"])), minlength=len(self.rows))
        self.classes += np.bincount(classes, minlength=self.class_count)
        self.faint += np.bincount(classes[weight < FAINT], minlength=self.class_count)
        part = np.floor(np.nan_to_num(seen) * np.float32(PARTS)).clip(0, PARTS).astype(np.int64)  # so that 9/10 is 9
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


def there(columns: Mapping[str, NDArray[Any]]) -> tuple[Counts, Counts]:
    """The rows and the places of all objects of some rows: int64 (T) each."""
    row, place = np.nonzero(columns["object_class"] != NO_CLASS)
    return row, place


def checked(data: MixedArrays, columns: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
    """The columns of objects of some rows. Raises DataError where a class is not one of the data set's, or another
    number of places has one than should."""
    counts, classes = columns["object_count"], columns["object_class"]
    last = len(data.class_names) - 1
    if ((classes < NO_CLASS) | (classes > last)).any():
        raise DataError(f"{data.folder}: object_class goes beyond {last}. Run mixup-gen verify {data.folder}.")
    if ((classes != NO_CLASS) != (np.arange(classes.shape[1]) < counts[:, None])).any():
        raise DataError(f"{data.folder}: object_count is not that of the classes. Run mixup-gen verify {data.folder}.")
    return columns


def blocks(data: MixedArrays, rows: range) -> Iterator[tuple[slice, Mapping[str, NDArray[Any]]]]:
    """The columns that are counted of some rows, block by block, with the rows of each block. Raises what `checked`
    raises."""
    size = max(1, PLACES_AT_ONCE // max(1, data.column("object_class").shape[1]))
    for start in range(rows.start, rows.stop, size):
        part = slice(start, min(start + size, rows.stop))
        yield part, checked(data, {name: data.column(name)[part] for name in COUNTED})
