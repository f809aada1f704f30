"""Which columns a shard has: those of `fields.field.COLUMNS`, in that order, behind the signals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mixup_cli.fields.field import COLUMNS, IN_TIME
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.objects import LOST, OBJECT_COLUMNS
from mixup_cli.fields.signal import FIRST, Signal
from mixup_cli.mixing.columns import columns_of
from mixup_cli.recipe import Recipe
from mixup_cli.storage.hdf5.layout import Column
from tests.object_scenes import objects_of

SIGNALS = (Signal(FIRST, "uint8", (4, 4, 3), "hwc"), Signal("depth", "float32", (4, 4), "hw"))
CLASSES = Labels(("a", "b"), np.array([0, 1], np.int32))
SOFT = Labels(("a", "b"), values=np.eye(2, dtype=np.float32))


def names(recipe: Recipe, labels: Labels) -> list[str]:
    return [column.name for column in columns_of(recipe, SIGNALS, labels, 2)]


OF_IMAGES = [name for name in COLUMNS if name not in (*OBJECT_COLUMNS, LOST, *IN_TIME)]


def test_classes_and_views_bring_all_columns_but_those_of_objects_and_of_time() -> None:
    assert names(Recipe(flip=0.5), CLASSES) == [FIRST, "depth", *OF_IMAGES]


def test_objects_bring_theirs() -> None:
    objects = objects_of([[(0, 0, 2, 2), (1, 1, 4, 4)], [(0, 0, 4, 4)], []], (4, 4))
    columns = {column.name: column.shape for column in columns_of(Recipe(), SIGNALS, Labels(), 2, objects)}
    assert [*columns][-len(OBJECT_COLUMNS) :] == [*OBJECT_COLUMNS]
    assert columns["object_box"] == (3, 4), "two and one: the most that two different samples have"
    fewer = columns_of(Recipe(max_objects=2), SIGNALS, Labels(), 2, replace(objects, keypoints=None))
    assert {column.name: column.shape for column in fewer}["object_box"] == (2, 4)
    assert "keypoints" not in {column.name for column in fewer}
    assert fewer[-1] == Column("object_lost", "int32", ()), "what found no place is counted where there is a bound"


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
    assert names(Recipe(**options), labels) == [
        FIRST,
        "depth",
        *(each for each in OF_IMAGES if each not in missing),
    ]
