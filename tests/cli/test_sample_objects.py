"""The sample data with objects: boxes lie where the photographs were put, by the pixels alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.sources import open_source
from sample_data.make_objects import SCENES, content, opened
from tests.cli.test_sample_data import SAMPLE_DATA

ROOT = SAMPLE_DATA / "objects"


def pixels(name: str) -> NDArray[np.uint8]:
    return np.asarray(opened(ROOT / "images" / name))


@pytest.mark.parametrize("name", SCENES)
def test_boxes_are_the_tightest_around_what_is_not_background(name: str) -> None:
    """Photographs are in colour, and backgrounds are grey: a box holds all that is coloured, and its edges touch it."""
    source = open_source([ROOT])
    assert source.objects is not None
    numbers = source.objects.numbers_of(np.array([source.keys.index(name)]))
    found = pixels(name).astype(int)
    is_coloured = np.ptp(found, axis=2) > 12
    inside = np.zeros(is_coloured.shape, bool)
    for x1, y1, x2, y2 in source.objects.box[numbers].astype(int).tolist():
        inside[y1:y2, x1:x2] = True
        edges = [is_coloured[y, x1:x2] for y in (y1, y2 - 1)] + [is_coloured[y1:y2, x] for x in (x1, x2 - 1)]
        assert all(edge.mean() > 0.25 for edge in edges)
    assert not (is_coloured & ~inside).any()


def test_it_is_read_as_it_says() -> None:
    source = open_source([ROOT])
    assert source.objects is not None
    assert source.labels.class_names == ("cat", "coffee", "rocket")
    assert source.objects.counts.tolist() == [len(SCENES[key][2]) for key in source.keys]
    assert [*source.keys] == sorted(SCENES)
    assert json.loads((ROOT / "annotations.json").read_text()) == content()
