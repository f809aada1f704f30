"""Which columns a shard has, and how each is computed from rows of the plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.labels import dense_from_classes, dense_from_soft
from mixup_cli.plan import Rows
from mixup_cli.recipe import Recipe
from mixup_cli.sources.base import Form, Labels
from mixup_cli.storage.layout import Column

IMAGES = "images"


def columns_of(recipe: Recipe, form: Form, labels: Labels, parent_count: int) -> tuple[Column, ...]:
    """The columns of a data set, in the order in which they stand in `docs/format.md`."""
    pair = (parent_count,)
    chosen = [Column(IMAGES, str(recipe.dtype), form.shape)]
    sparse = labels.kind == "classes" and recipe.labels in ("sparse", "both")
    if labels.kind == "soft" or (labels.kind == "classes" and recipe.labels in ("dense", "both")):
        chosen.append(Column("labels", "float32", (len(labels.class_names),)))
    chosen += [Column("index", "int64", ()), Column("source_index", "int64", pair)]
    if sparse:
        chosen.append(Column("source_label", "int32", pair))
    chosen.append(Column("share", "float32", pair))
    if sparse:
        chosen.append(Column("label_share", "float32", pair))
    return (*chosen, Column("method", "uint8", ()), Column("box", "int32", (4,)))


@dataclass(frozen=True)
class RowColumns:
    """Every column but the images, from rows of the plan and the parents' shares, float32 (m, P)."""

    labels: Labels

    def values(self, name: str, rows: Rows, share: NDArray[np.float32]) -> NDArray[Any]:
        """The values of column `name` for the rows: (m, *column.shape)."""
        match name:
            case "labels":
                return self._dense(rows, share)
            case "index":
                return rows.index
            case "source_index":
                return rows.parents
            case "source_label":
                return self._classes(rows)
            case "share" | "label_share":
                return share
            case "method":
                return rows.method
            case "box":
                return rows.decisions.box
        raise KeyError(name)

    def _classes(self, rows: Rows) -> NDArray[np.int32]:
        if self.labels.classes is None:
            raise KeyError("the source has no classes, so no column is made of them")
        return self.labels.classes[rows.parents]

    def _dense(self, rows: Rows, share: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.labels.values is not None:
            return dense_from_soft(self.labels.values[rows.parents], share)
        return dense_from_classes(self._classes(rows), share, len(self.labels.class_names))
