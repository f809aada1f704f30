"""CutMix in its variants, Cutout and SaliencyMix: where boxes lie."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from mixup_cli.draws.beta import levels
from mixup_cli.draws.rng import Draws, RowWord
from mixup_cli.methods import Grid, Known, shares
from tests.unit.methods.making import decided_by, method_of

GRIDS = [Grid(1, 1), Grid(1, 9), Grid(7, 2), Grid(8, 8), Grid(31, 20)]
ROWS = 200


def lam_of(draws: Draws) -> list[float]:
    return (levels(draws.words[:, RowWord.LAM], 1.0, 1.0) / 65536).tolist()  # type: ignore[no-any-return]


def below(word: int, bound: int) -> int:
    return (int(word) >> 32) * bound >> 32


def around(centre: tuple[int, int], lam: float, grid: Grid) -> list[int]:
    """Equations 1 and 2 of the paper, as its authors compute them: half sides are truncated, and borders clip."""
    box = []
    for middle, side in zip(centre, (grid.height, grid.width), strict=True):
        half = int(0.5 * math.sqrt(1 - lam) * side)
        box.append((max(0, middle - half), min(side, middle + half)))
    return [box[0][0], box[1][0], box[0][1], box[1][1]]


@pytest.mark.parametrize("grid", GRIDS)
def test_cutmix_clips_a_box_around_its_centre(grid: Grid) -> None:
    draws = Draws.of_rows(0, 0, ROWS)
    for words, lam, box in zip(draws.words, lam_of(draws), method_of("cutmix").decide(draws, grid).box, strict=True):
        centre = below(words[RowWord.CENTRE_Y], grid.height), below(words[RowWord.CENTRE_X], grid.width)
        assert box.tolist() == around(centre, lam, grid)


@pytest.mark.parametrize("grid", GRIDS)
def test_cutmix_inside_never_clips(grid: Grid) -> None:
    draws = Draws.of_rows(0, 0, ROWS)
    box = method_of("cutmix", box="inside").decide(draws, grid).box.tolist()
    for words, lam, (top, left, bottom, right) in zip(draws.words, lam_of(draws), box, strict=True):
        height, width = (int(math.sqrt(1 - lam) * side) for side in (grid.height, grid.width))
        assert (bottom - top, right - left) == (height, width)
        assert top == below(words[RowWord.CENTRE_Y], grid.height - height + 1)
        assert left == below(words[RowWord.CENTRE_X], grid.width - width + 1)
        assert bottom <= grid.height
        assert right <= grid.width


def test_the_donor_has_a_third_where_boxes_are_clipped_and_half_where_they_are_not() -> None:
    grid = Grid(224, 224)
    mean = {
        box: shares(method.weights(decided_by(method, grid, 20_000), grid), grid)[:, 1].mean(dtype=np.float64)
        for box in ("paper", "inside")
        for method in [method_of("cutmix", box=box)]
    }
    assert mean["paper"] == pytest.approx(0.318, abs=0.007)
    assert mean["inside"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("grid", [Grid(10, 20), Grid(7, 5), Grid(1, 1)])
def test_minmax_draws_each_side_alone(grid: Grid) -> None:
    top, left, bottom, right = decided_by(method_of("cutmix", box="minmax"), grid, 20_000).box.T
    for near, far, side in ((top, bottom, grid.height), (left, right, grid.width)):
        lengths, counts = np.unique(far - near, return_counts=True)
        assert lengths.tolist() == list(range(int(0.2 * side), int(0.8 * side) + 1))
        assert len(counts) == 1 or stats.chisquare(counts).pvalue > 0.005
        for length in lengths.tolist():
            places = np.bincount(near[far - near == length], minlength=side - length + 1)
            assert len(places) == side - length + 1
            assert len(places) == 1 or stats.chisquare(places).pvalue > 0.001
    if grid.width > 1:
        assert abs(np.corrcoef(bottom - top, right - left)[0, 1]) < 0.02


def test_minmax_takes_both_its_bounds() -> None:
    box = decided_by(method_of("cutmix", box="minmax", low=1.0, high=1.0), Grid(4, 6), 3).box
    assert (box == [0, 0, 4, 6]).all()


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("side", [0.0, 0.3, 0.5, 1.0, 3.0, 1e300])
def test_cutout_hides_a_square_of_the_shorter_side(grid: Grid, side: float) -> None:
    draws = Draws.of_rows(0, 0, ROWS)
    half = min(int(side * min(grid.height, grid.width)) // 2, 1000)
    for words, box in zip(draws.words, method_of("cutout", side=side).decide(draws, grid).box.tolist(), strict=True):
        y, x = below(words[RowWord.CENTRE_Y], grid.height), below(words[RowWord.CENTRE_X], grid.width)
        expected = [max(0, y - half), max(0, x - half), min(grid.height, y + half), min(grid.width, x + half)]
        assert box == expected


def saliencymix_box(peaks: NDArray[np.int32], grid: Grid) -> tuple[Draws, NDArray[np.int32]]:
    draws = Draws.of_rows(0, 0, len(peaks))
    return draws, method_of("saliencymix").decide(draws, grid, Known(peaks)).box


@pytest.mark.parametrize("grid", GRIDS)
def test_saliencymix_has_cutmix_boxes_around_the_peak(grid: Grid) -> None:
    peaks = np.array(list(product(range(grid.height), range(grid.width)))[:300], np.int32)
    draws, boxes = saliencymix_box(peaks, grid)
    for peak, lam, box in zip(peaks.tolist(), lam_of(draws), boxes, strict=True):
        assert box.tolist() == around((peak[0], peak[1]), lam, grid)


def test_saliencymix_must_be_told_the_peaks() -> None:
    with pytest.raises(ValueError, match="peaks"):
        method_of("saliencymix").decide(Draws.of_rows(0, 0, 1), Grid(4, 4))
