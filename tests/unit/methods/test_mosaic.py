"""Mosaic: four quarters, each the corner of its parent that touches the point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.methods import Grid
from mixup_cli.recipe import Recipe
from tests.unit.methods.making import VARIANTS, decided_by, form_of, make, method_of, noise


def quarters(parents: NDArray[Any], bottom: int, right: int) -> NDArray[Any]:
    """Laid out two by two, base at the top left, and a window of the picture's size cut out around the point."""
    canvas = np.vstack([np.hstack(list(parents[:2])), np.hstack(list(parents[2:]))])
    height, width = parents.shape[1:3]
    return canvas[height - bottom : 2 * height - bottom, width - right : 2 * width - right]


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (8, 8), (9, 14)])
def test_each_quarter_shows_the_corner_at_the_point(size: tuple[int, int]) -> None:
    form = form_of("hwc", size, 3)
    samples = noise(6, form)
    made = make(Recipe(methods=(VARIANTS["mosaic"],)), samples, (form, form), (0, 20))
    for picture, parents, box in zip(made.images, made.rows.parents, made.rows.decisions.box, strict=True):
        assert (picture == quarters(samples[parents], box[2], box[3])).all()


def test_shares_are_the_quarters_areas() -> None:
    form = form_of("hwc", (10, 8), 3)
    made = make(Recipe(methods=(VARIANTS["mosaic"],)), noise(6, form), (form, form), (0, 50))
    for share, (_, _, bottom, right) in zip(made.share, made.rows.decisions.box.tolist(), strict=True):
        areas = [bottom * right, bottom * (8 - right), (10 - bottom) * right, (10 - bottom) * (8 - right)]
        np.testing.assert_allclose(share, np.array(areas) / 80, rtol=0, atol=2.0**-24)


def test_the_point_lies_between_low_and_high() -> None:
    box = decided_by(method_of("mosaic"), Grid(100, 200), 5000).box
    assert (box[:, :2] == 0).all()
    for corner, side in ((box[:, 2], 100), (box[:, 3], 200)):
        assert corner.min() == round(0.3 * side)
        assert corner.max() == round(0.7 * side)
        assert corner.mean() == pytest.approx(side / 2, abs=0.01 * side)
    assert abs(np.corrcoef(box[:, 2], box[:, 3])[0, 1]) < 0.04


def test_the_point_may_be_fixed() -> None:
    assert (decided_by(method_of("mosaic", low=0.5, high=0.5), Grid(10, 8), 9).box == [0, 0, 5, 4]).all()
