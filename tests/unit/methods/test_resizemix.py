"""ResizeMix: the whole donor, as Pillow shrinks it, somewhere inside the base."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.draws.rng import Draws, RowWord, uniforms
from mixup_cli.fields.axes import Axes
from mixup_cli.fields.form import SampleDtype
from mixup_cli.methods import Grid
from mixup_cli.recipe import Recipe
from tests.unit.methods.making import VARIANTS, decided_by, form_of, make, method_of, noise, pictures_of

RECIPE = Recipe(methods=(VARIANTS["resizemix"],), seed=8)


def shrunk(picture: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """A picture (H, W, C) of any dtype, channel by channel."""
    planes = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(plane, np.uint8 if plane.dtype == np.uint8 else np.float32)).resize(
                (width, height), Image.Resampling.BILINEAR
            )
        )
        for plane in np.moveaxis(picture, 2, 0)
    ]
    resized = np.stack(planes, axis=-1)
    return resized if picture.dtype != np.uint16 else np.rint(resized).astype(np.uint16)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(("axes", "channels"), [("hwc", 3), ("chw", 3), ("hw", 1), ("hwc", 4), ("hwc", 1)])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (16, 11)])
def test_the_box_holds_the_whole_donor(dtype: SampleDtype, axes: Axes, channels: int, size: tuple[int, int]) -> None:
    form = form_of(axes, size, channels, dtype)
    samples = noise(5, form)
    pictures = np.moveaxis(samples, 1, 3) if axes == "chw" else samples.reshape(5, *size, channels)
    made = make(RECIPE, samples, (form, form), (0, 10))
    for picture, (base, donor), box in zip(
        pictures_of(made, form), made.rows.parents, made.rows.decisions.box.tolist(), strict=True
    ):
        top, left, bottom, right = box
        expected = pictures[base].copy()
        expected[top:bottom, left:right] = shrunk(pictures[donor], bottom - top, right - left)
        assert (picture == expected).all()


@pytest.mark.parametrize("grid", [Grid(1, 1), Grid(3, 20), Grid(64, 64)])
def test_both_sides_shrink_alike(grid: Grid) -> None:
    draws = Draws.of_rows(0, 0, 300)
    top, left, bottom, right = method_of("resizemix").decide(draws, grid).box.T
    scale = 0.1 + 0.7 * uniforms(draws.words[:, RowWord.LAM])
    for near, far, side in ((top, bottom, grid.height), (left, right, grid.width)):
        assert (far - near == np.maximum(1, np.rint(scale * side))).all()
        assert near.min() >= 0
        assert far.max() <= side


def test_shares_have_the_papers_range_and_mean() -> None:
    """τ ~ U(0.1, 0.8): the donor's share is τ², from 0.01 to 0.64, its mean (0.8³ − 0.1³) / 3 / 0.7 = 0.2433."""
    form = form_of("hw", (200, 200), 1)
    box = decided_by(method_of("resizemix"), Grid(*form.size), 20_000).box.astype(np.int64)
    share = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]) / 40_000
    assert (share.min(), share.max()) == (0.01, 0.64)
    assert share.mean() == pytest.approx(0.2433, abs=0.004)


def test_the_donor_may_be_as_large_as_the_base() -> None:
    assert (decided_by(method_of("resizemix", low=1.0, high=1.0), Grid(4, 6), 3).box == [0, 0, 4, 6]).all()
