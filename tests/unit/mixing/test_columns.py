"""Which columns a shard has: those of `fields.field.COLUMNS`, in that order, behind the signals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mixup_cli.fields.field import COLUMNS
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.signal import FIRST, Signal
from mixup_cli.mixing.columns import columns_of
from mixup_cli.recipe import Recipe

SIGNALS = (Signal(FIRST, "uint8", (4, 4, 3), "hwc"), Signal("depth", "float32", (4, 4), "hw"))
CLASSES = Labels(("a", "b"), np.array([0, 1], np.int32))
SOFT = Labels(("a", "b"), values=np.eye(2, dtype=np.float32))


def names(recipe: Recipe, labels: Labels) -> list[str]:
    return [column.name for column in columns_of(recipe, SIGNALS, labels, 2)]


def test_classes_and_views_bring_all_columns() -> None:
    assert names(Recipe(flip=0.5), CLASSES) == [FIRST, "depth", *COLUMNS]


@pytest.mark.parametrize(
    ("labels", "options", "missing"),
    [
        (CLASSES, {}, {"view"}),
        (CLASSES, {"labels": "dense"}, {"view", "source_label", "label_share"}),
        (CLASSES, {"labels": "sparse"}, {"view", "labels"}),
        (SOFT, {}, {"view", "source_label", "label_share"}),
        (Labels(), {}, {"view", "labels", "source_label", "label_share"}),
    ],
)
def test_the_others_keep_the_order(labels: Labels, options: dict[str, Any], missing: set[str]) -> None:
    assert names(Recipe(**options), labels) == [FIRST, "depth", *(each for each in COLUMNS if each not in missing)]
