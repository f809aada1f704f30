"""Views: what is seen of each parent before it is mixed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mixup_cli.draws.rng import Stream, words
from mixup_cli.fields.form import Form
from mixup_cli.kernels.resample import resample
from mixup_cli.methods import Grid
from mixup_cli.methods.base import pure
from mixup_cli.methods.decisions import decided
from mixup_cli.methods.none import Unmixed
from mixup_cli.mixing.stage import Stage
from mixup_cli.pairing import Population
from mixup_cli.plan.plan import Plan
from mixup_cli.plan.views import VIEW_WORDS, ViewRules, Views, peaks_in_view
from mixup_cli.recipe import MethodChoice, Recipe

SQUARE = Grid(8, 8)
SEED = 5


def rules(recipe: Recipe, cached: Grid = SQUARE, output: Grid = SQUARE) -> ViewRules:
    found = ViewRules.of(recipe, cached, output)
    assert found is not None
    return found


def drawn(recipe: Recipe, rows: int, cached: Grid = SQUARE, output: Grid = SQUARE, parents: int = 1) -> Views:
    return rules(recipe, cached, output).decide(SEED, 0, rows, parents)


def test_without_flips_and_crops_there_are_none() -> None:
    assert ViewRules.of(Recipe(), SQUARE, SQUARE) is None


@pytest.mark.parametrize("flip", [0.25, 0.5, 1.0])
def test_flips_are_as_frequent_as_asked(flip: float) -> None:
    views = drawn(Recipe(flip=flip), 20_000, parents=2)
    assert (views[..., :4] == [0, 0, 8, 8]).all()
    assert views[..., 4].mean(axis=0) == pytest.approx(flip, abs=0.01)
    if flip < 1:
        assert abs(np.corrcoef(views[:, 0, 4], views[:, 1, 4])[0, 1]) < 0.03, "each parent is flipped alone"


def test_without_flips_nothing_is_mirrored() -> None:
    assert (drawn(Recipe(crop_pad=2), 1000)[..., 4] == 0).all()


def test_every_offset_of_a_padded_crop_is_equally_likely() -> None:
    views = drawn(Recipe(crop_pad=2), 25_000, Grid(5, 9), Grid(5, 9))[:, 0]
    assert (views[:, 2] - views[:, 0] == 5).all()
    assert (views[:, 3] - views[:, 1] == 9).all()
    assert stats.chisquare(np.bincount((views[:, 0] + 2) * 5 + views[:, 1] + 2, minlength=25)).pvalue > 0.01


@pytest.mark.parametrize("cached", [Grid(1, 1), Grid(1, 30), Grid(40, 100), Grid(256, 256)])
@pytest.mark.parametrize("area", [(0.08, 1.0), (1.0, 1.0), (1e-6, 1e-6)])
def test_random_crops_lie_inside_and_have_an_allowed_shape(cached: Grid, area: tuple[float, float]) -> None:
    top, left, bottom, right, _ = drawn(Recipe(crop_area=area), 2000, cached, SQUARE)[:, 0].T
    assert (top >= 0).all()
    assert (left >= 0).all()
    assert (top < bottom).all()
    assert (left < right).all()
    assert (bottom <= cached.height).all()
    assert (right <= cached.width).all()
    if min(cached.height, cached.width) > 1 and area[0] > 0.01:
        # both sides are rounded
        assert ((right - left + 0.5) / (bottom - top - 0.5) >= 3 / 4).all()
        assert ((right - left - 0.5) / (bottom - top + 0.5) <= 4 / 3).all()


def test_where_no_attempt_fits_the_largest_centred_part_is_seen() -> None:
    assert (drawn(Recipe(crop_area=(1.0, 1.0)), 50, Grid(10, 100), SQUARE)[:, 0, :4] == [0, 43, 10, 56]).all()
    assert (drawn(Recipe(crop_area=(1.0, 1.0)), 50, Grid(100, 10), SQUARE)[:, 0, :4] == [43, 0, 56, 10]).all()


def crop_by_hand(words: list[int], cached: Grid) -> list[int]:
    """torchvision's RandomResizedCrop: the first of ten attempts that fits, its aspect being width to height."""
    height, width = cached.height, cached.width
    for attempt in range(10):
        area, aspect = (word / 2**64 for word in words[3 + 2 * attempt : 5 + 2 * attempt])
        surface = (0.08 + 0.92 * area) * height * width
        ratio = math.exp(math.log(3 / 4) + (math.log(4 / 3) - math.log(3 / 4)) * aspect)
        columns, rows = round(math.sqrt(surface * ratio)), round(math.sqrt(surface / ratio))
        if 0 < columns <= width and 0 < rows <= height:
            top, left = (words[1] >> 32) * (height - rows + 1) >> 32, (words[2] >> 32) * (width - columns + 1) >> 32
            return [top, left, top + rows, left + columns]
    rows, columns = min(height, round(width / (3 / 4))), min(width, round(height * (4 / 3)))
    top, left = (height - rows) // 2, (width - columns) // 2
    return [top, left, top + rows, left + columns]


@pytest.mark.parametrize("cached", [Grid(3, 2), Grid(8, 99), Grid(100, 8), Grid(40, 100), Grid(64, 64)])
def test_the_first_attempt_that_fits_is_taken(cached: Grid) -> None:
    drawn_words = words(SEED, Stream.VIEW, 0, 300 * VIEW_WORDS).reshape(-1, VIEW_WORDS).tolist()
    views = drawn(Recipe(crop_area=(0.08, 1.0)), 300, cached, SQUARE)[:, 0, :4].tolist()
    assert views == [crop_by_hand(of_row, cached) for of_row in drawn_words]


def test_every_place_of_a_random_crop_is_equally_likely() -> None:
    views = drawn(Recipe(crop_area=(0.25, 0.25)), 40_000, Grid(10, 10), SQUARE)[:, 0]
    fives = views[(views[:, 2] - views[:, 0] == 5) & (views[:, 3] - views[:, 1] == 5)]
    assert stats.chisquare(np.bincount(fives[:, 0] * 6 + fives[:, 1], minlength=36)).pvalue > 0.01


@pytest.mark.parametrize("recipe", [Recipe(flip=0.5, crop_pad=4), Recipe(flip=0.5, crop_area=(0.08, 1.0))])
@pytest.mark.parametrize("start", [0, 10**12])
def test_a_range_is_a_slice_of_a_larger_one(recipe: Recipe, start: int) -> None:
    larger = rules(recipe).decide(SEED, start, start + 40, 3)
    smaller = rules(recipe).decide(SEED, start + 11, start + 17, 2)
    assert (smaller == larger[11:17, :2]).all()
    assert len(np.unique(larger.reshape(-1, 5), axis=0)) > 50


def test_attempts_use_all_words_but_the_last() -> None:
    assert VIEW_WORDS == 3 + 2 * 10 + 1


@pytest.mark.parametrize(
    ("cached", "output", "expected"),
    [
        (Grid(8, 8), Grid(8, 8), [0, 0, 8, 8]),
        (Grid(256, 256), Grid(224, 224), [16, 16, 240, 240]),
        (Grid(9, 12), Grid(4, 5), [2, 3, 6, 8]),
        (Grid(4, 4), Grid(8, 8), [0, 0, 4, 4]),
        (Grid(4, 20), Grid(8, 8), [0, 0, 4, 20]),
    ],
)
def test_originals_are_seen_from_the_middle(cached: Grid, output: Grid, expected: list[int]) -> None:
    recipe = Recipe(flip=1.0, crop_area=(0.08, 1.0), keep_originals=True)
    plan = Plan(recipe, Population(np.arange(3)), output, rules(recipe, cached, output))
    views = plan.rows(0, 4).views
    assert views is not None
    assert (views[:3] == [*expected, 0]).all()
    assert (views[3, :, 4] == 1).all()


def test_unused_slots_repeat_the_bases_view() -> None:
    recipe = Recipe(methods=(MethodChoice("mixup"), MethodChoice("cutout")), flip=0.5, crop_pad=4)
    rows = Plan(recipe, Population(np.arange(5)), SQUARE, rules(recipe)).rows(0, 200)
    assert rows.views is not None
    base, donor = rows.views[:, 0], rows.views[:, 1]
    assert (base == donor).all(axis=1)[rows.method == 1].all()
    assert (base != donor).any(axis=1)[rows.method == 0].mean() > 0.9


def test_a_sample_is_seen_in_several_ways() -> None:
    recipe = Recipe(flip=0.5, crop_pad=4)
    rows = Plan(recipe, Population(np.arange(4)), SQUARE, rules(recipe)).rows(0, 80)
    assert rows.views is not None
    of_one = rows.views[:, 0][rows.parents[:, 0] == 2]
    assert len(of_one) == 20
    assert len(np.unique(of_one, axis=0)) > 10


def one_peak(peak: tuple[int, int], view: list[int], output: Grid) -> list[int]:
    found: list[list[int]] = peaks_in_view(np.array([peak], np.int32), np.array([view], np.int32), output).tolist()
    return found[0]


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ([0, 0, 8, 8, 0], [2, 5]),
        ([0, 0, 8, 8, 1], [2, 2]),
        ([1, -2, 9, 6, 0], [1, 7]),
        ([1, -2, 9, 6, 1], [1, 0]),
        ([4, 0, 12, 8, 0], [0, 5]),  # above what is seen: at its border
        ([0, 6, 8, 14, 1], [2, 7]),
        ([0, 4, 4, 8, 0], [5, 3]),  # enlarged twice, and the middle of its pixel
        ([0, 4, 4, 8, 1], [5, 4]),
        ([0, 0, 16, 16, 0], [1, 2]),
    ],
)
def test_peaks_go_with_the_view(view: list[int], expected: list[int]) -> None:
    assert one_peak((2, 5), view, SQUARE) == expected


def test_a_peak_is_where_its_pixel_has_gone() -> None:
    """Mark one pixel, look through any view, and look for the mark."""
    form = Form((20, 30, 1), "float32", "hwc")
    stage = Stage(form, form.sized((9, 15)), np.zeros((1, 1)), linear_light=False, resample=resample)
    rng = np.random.default_rng(0)
    output = Grid(9, 15)
    for _ in range(200):
        peak = int(rng.integers(0, 20)), int(rng.integers(0, 30))
        picture = np.zeros((20, 30, 1), np.float32)
        picture[peak] = 1
        top, left = int(rng.integers(0, peak[0] + 1)), int(rng.integers(0, peak[1] + 1))
        bottom, right = int(rng.integers(peak[0] + 1, 21)), int(rng.integers(peak[1] + 1, 31))
        view = np.array([top, left, bottom, right, int(rng.integers(2))], np.int32)
        alone = np.zeros((1, 1), np.int64)
        seen = stage.set(picture[None], alone, view.reshape(1, 1, 5), Unmixed(), decided(pure(1, 0, 1)))[0][0, ..., 0]
        found = one_peak(peak, view.tolist(), output)
        assert seen[found[0], found[1]] >= 0.5 * seen.max()
