"""Objects that found no place in their rows, because the recipe bounds how many a row may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from mixup_cli.fields.objects import LOST, ObjectField
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.wording import counted

ROWS_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class LostObjects:
    """How many `objects` found none of the `places` of their rows, and how many `rows` lost some."""

    objects: int
    rows: int
    places: int

    @classmethod
    def of(cls, data: MixedArrays) -> Self | None:
        """Those of all rows of a data set; None of one whose recipe does not bound objects."""
        places = {column.name: column.shape for column in data.manifest.columns}
        if LOST not in places:
            return None
        objects = rows = 0
        for start in range(0, len(data), ROWS_AT_ONCE):
            lost = data.column(LOST)[start : min(start + ROWS_AT_ONCE, len(data))]
            objects, rows = objects + int(lost.sum(dtype=np.int64)), rows + int(np.count_nonzero(lost))
        return cls(objects, rows, places[ObjectField.name][0])

    @property
    def text(self) -> str:
        """For people."""
        if not self.objects:
            return "every object found a place"
        return f"{counted(self.objects, 'object')} of {counted(self.rows, 'row')} found no place"

    @property
    def facts(self) -> dict[str, int]:
        """For machines."""
        return {"objects": self.objects, "rows": self.rows}
