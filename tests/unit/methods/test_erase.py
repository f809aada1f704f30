"""Random erasing: its boxes, and what they are filled with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from mixup_cli.draws.rng import Draws, RowWord, mask_words
from mixup_cli.fields.axes import Axes
from mixup_cli.fields.form import SampleDtype
from mixup_cli.methods import Grid
from mixup_cli.recipe import MethodChoice, Recipe
from tests.unit.methods.making import decided_by, form_of, in_form, make, method_of, noise, pictures_of

GRIDS = [Grid(2, 2), Grid(9, 5), Grid(32, 32), Grid(40, 100)]


def box_by_hand(words: list[int], place: list[int], grid: Grid) -> list[int]:
    """Algorithm 1 of the paper with a log-uniform aspect (height to width): the first of ten attempts that fits."""
    for attempt in range(10):
        area, aspect = (word / 2**64 for word in words[2 * attempt : 2 * attempt + 2])
        surface = (0.02 + (0.33 - 0.02) * area) * grid.position_count
        ratio = math.exp(math.log(0.3) + (math.log(3.3) - math.log(0.3)) * aspect)
        height, width = round(math.sqrt(surface * ratio)), round(math.sqrt(surface / ratio))
        if 0 < height < grid.height and 0 < width < grid.width:
            top = (place[0] >> 32) * (grid.height - height + 1) >> 32
            left = (place[1] >> 32) * (grid.width - width + 1) >> 32
            return [top, left, top + height, left + width]
    return [0, 0, 0, 0]


@pytest.mark.parametrize("grid", GRIDS)
def test_the_first_attempt_that_fits_is_taken(grid: Grid) -> None:
    draws = Draws.of_rows(2, 0, 200)
    more = np.concatenate([draws.more(lane) for lane in range(3)], axis=1).tolist()
    places = draws.words[:, [RowWord.CENTRE_Y, RowWord.CENTRE_X]].tolist()
    expected = [box_by_hand(words, place, grid) for words, place in zip(more, places, strict=True)]
    assert method_of("erase").decide(draws, grid).box.tolist() == expected


@pytest.mark.parametrize("grid", [Grid(1, 1), Grid(1, 20), Grid(20, 1)])
def test_a_line_is_never_erased(grid: Grid) -> None:
    assert (decided_by(method_of("erase"), grid, 100).box == 0).all()


def test_every_place_is_equally_likely() -> None:
    options = {"area_low": 0.1, "area_high": 0.1, "aspect_low": 1.0, "aspect_high": 1.0}
    top, left, bottom, right = decided_by(method_of("erase", **options), Grid(6, 9), 20_000).box.T
    assert ((bottom - top == 2) & (right - left == 2)).all()
    assert stats.chisquare(np.bincount(top * 8 + left, minlength=5 * 8)).pvalue > 0.01


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(("axes", "channels"), [("hwc", 3), ("chw", 3), ("hw", 1), ("hwc", 1)])
def test_mean_is_that_of_each_channel(dtype: SampleDtype, axes: Axes, channels: int) -> None:
    form = form_of(axes, (9, 7), channels, dtype)
    samples = noise(4, form)
    made = make(Recipe(methods=(MethodChoice("erase", options={"fill": "mean"}),)), samples, (form, form), (0, 20))
    whole = np.moveaxis(samples, 1, 3) if axes == "chw" else samples.reshape(4, 9, 7, channels)
    bases = whole[made.rows.parents[:, 0]]
    for picture, base, box in zip(pictures_of(made, form), bases, made.rows.decisions.box, strict=True):
        expected = base.copy()
        mean = expected.mean(axis=(0, 1), dtype=np.float64)
        expected[box[0] : box[2], box[1] : box[3]] = mean if dtype == "float32" else np.floor(mean + 0.5)
        np.testing.assert_allclose(picture, expected, rtol=1e-6, atol=1e-6)
    assert (made.share == 1).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("axes", ["hwc", "chw"])
def test_noise_is_a_word_for_every_value(dtype: SampleDtype, axes: Axes) -> None:
    form = form_of(axes, (9, 7), 3, dtype)
    samples = in_form(np.zeros((4, 9, 7, 3), dtype), form)
    made = make(Recipe(methods=(MethodChoice("erase", options={"fill": "noise"}),)), samples, (form, form), (0, 20))
    seeds = made.rows.decisions.mask_seed
    assert len(np.unique(seeds)) == 20
    for picture, seed, box in zip(pictures_of(made, form), seeds, made.rows.decisions.box.tolist(), strict=True):
        top, left, bottom, right = box
        words = mask_words(np.array([seed], np.uint64), (bottom - top) * (right - left) * 3)[0].tolist()
        assert picture[top:bottom, left:right].ravel().tolist() == [noise_value(word, dtype) for word in words]
        picture[top:bottom, left:right] = 0
        assert (picture == 0).all()


def noise_value(word: int, dtype: str) -> Any:
    """The upper bits of a word, over the full range; float32 has 24 of them."""
    if dtype == "float32":
        return (word >> 40) / 2**24
    return word >> (56 if dtype == "uint8" else 48)


def test_noise_is_even_over_the_range() -> None:
    form = form_of("hwc", (64, 64), 3)
    made = make(
        Recipe(methods=(MethodChoice("erase", options={"fill": "noise", "area_low": 0.3}),)),
        np.zeros((2, 64, 64, 3), np.uint8),
        (form, form),
    )
    top, left, bottom, right = made.rows.decisions.box[0]
    values = made.images[0, top:bottom, left:right]
    assert stats.chisquare(np.bincount(values.ravel() // 16, minlength=16)).pvalue > 0.01
