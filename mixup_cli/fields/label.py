"""The label: numbers for classes or quantities, which are mixed by the parents' shares under a label rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import LabelKind
from mixup_cli.fields.labels import NO_CLASS, Labels, dense_from_classes, dense_from_values, union_of_values
from mixup_cli.recipe import Recipe

SUM_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Label:
    """The label as a data set stores it: float32 (K), one number for each of `class_names`. See `fields.field.Field`.

    `label_kind` says what the numbers are, once they are mixed by the rules of the resolved `recipe`.
    """

    kind: ClassVar[Literal["label"]] = "label"
    name: ClassVar[str] = "labels"

    label_kind: LabelKind
    class_names: tuple[str, ...]
    recipe: Recipe

    @classmethod
    def of(cls, label_kind: LabelKind, class_names: tuple[str, ...], recipe: Mapping[str, Any]) -> Self:
        """The label of a finished data set, whose manifest has the recipe as plain data."""
        return cls(label_kind, class_names, Recipe.from_dict(recipe))

    def mix(
        self, labels: Labels, parents: NDArray[np.int64], share: NDArray[np.float32], label_share: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The labels of mixed rows, float32 (m, K), from parents (m, P), their shares, and what these count for."""
        smoothing = self.recipe.label_smoothing
        if labels.classes is not None:
            return dense_from_classes(labels.classes[parents], label_share, len(self.class_names), smoothing)
        values = np.asarray(labels.values)[parents]
        if self.recipe.label_rule == "union":
            return union_of_values(values, share)
        return dense_from_values(values, label_share, smoothing)

    def check(self, columns: Mapping[str, NDArray[Any]], first_row: int) -> Iterator[str]:
        """Rows of shares sum to 1; so do label shares (not with the rule union) and labels (of one class or soft).
        Labels follow from classes and label shares, where these are stored."""
        union = self.recipe.label_rule == "union"
        summing = {"share"} | (set() if union else {"label_share"})
        summing |= {"labels"} if self.label_kind in ("classes", "soft") else set()
        for name in sorted(columns.keys() & summing):
            worst = np.abs(columns[name].sum(axis=1, dtype=np.float64) - 1.0).max()
            if not worst <= SUM_TOLERANCE:
                yield f"a row of {name} sums to 1 only within {worst:.3g}"
        if union and "label_share" in columns and not np.isin(columns["label_share"], (0, 1)).all():
            yield "label_share holds other numbers than 0 and 1, the only ones of the label rule union"
        if "labels" in columns:
            yield from self._numbers(columns["labels"])
            yield from self._mixed(columns, first_row)

    def _numbers(self, labels: NDArray[np.float32]) -> Iterator[str]:
        if self.label_kind == "multi" and not ((labels >= 0) & (labels <= 1)).all():
            yield f"labels go from {labels.min():g} to {labels.max():g}, expected 0 … 1"
        if self.label_kind == "real" and not np.isfinite(labels).all():
            yield "labels hold a number that is not finite"

    def _mixed(self, columns: Mapping[str, NDArray[Any]], first_row: int) -> Iterator[str]:
        classes, count = columns.get("source_label"), len(self.class_names)
        least = NO_CLASS if self.recipe.separate_donors else 0
        if classes is None or "label_share" not in columns or not least <= classes.min() <= classes.max() < count:
            return  # numbers beyond the classes are reported as such
        same = columns["labels"] == dense_from_classes(
            classes, columns["label_share"], count, self.recipe.label_smoothing
        )
        if not same.all():
            row = first_row + int(np.argmin(same.all(axis=1)))
            yield f"labels of row {row} do not follow from source_label and label_share"
