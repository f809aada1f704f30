"""GridMix, SmoothMix and jigsaw, each against its definition written out position by position."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from mixup_cli.draws.rng import mask_words
from mixup_cli.methods import Decisions, Grid, Method, shares
from tests.unit.methods.making import decided_by, mask_of, method_of

GRIDS = [Grid(1, 1), Grid(1, 7), Grid(2, 3), Grid(5, 4), Grid(8, 8), Grid(9, 14), Grid(13, 6)]


def drawn_masks(method: Method, grid: Grid, rows: int = 40) -> tuple[Decisions, NDArray[np.int32]]:
    decisions = decided_by(method, grid, rows)
    mask = mask_of(method.weights(decisions, grid))
    return decisions, mask


def rows_of(decisions: Decisions, word_count: int) -> Iterator[tuple[list[int], int]]:
    """The words of each row's mask, and the donor's part of what was drawn."""
    for words, donor in zip(mask_words(decisions.mask_seed, word_count).tolist(), decisions.parts[:, 1], strict=True):
        yield words, int(donor)


def below(word: int, bound: int) -> int:
    return (word >> 32) * bound >> 32


def uniform(word: int) -> float:
    return (word >> 11) / 2**53


@pytest.mark.parametrize("grid", GRIDS)
def test_gridmix_shows_the_donor_through_holes(grid: Grid) -> None:
    decisions, mask = drawn_masks(method_of("gridmix"), grid)
    for (words, donor), (of_base, of_donor) in zip(rows_of(decisions, 3), mask, strict=True):
        holes = 2 + below(words[0], 5)
        period = max(1, min(grid.height, grid.width) // holes)
        hole = round(math.sqrt(donor / 65536) * period)
        phase_y, phase_x = below(words[1], period), below(words[2], period)
        for y in range(grid.height):
            for x in range(grid.width):
                inside = (y + phase_y) % period < hole and (x + phase_x) % period < hole
                assert (of_base[y, x], of_donor[y, x]) == ((0, 65536) if inside else (65536, 0))


def test_gridmix_takes_the_asked_part_where_periods_are_long() -> None:
    grid = Grid(240, 240)
    method = method_of("gridmix", holes_low=2, holes_high=2)
    decisions, mask = drawn_masks(method, grid, 30)
    np.testing.assert_allclose(mask[:, 1].mean(axis=(1, 2)), decisions.parts[:, 1], rtol=0, atol=0.01 * 65536)


def test_gridmix_may_be_all_base_or_all_donor() -> None:
    grid, method = Grid(32, 32), method_of("gridmix", alpha=0.05)
    share = shares(method.weights(decided_by(method, grid, 100), grid), grid)[:, 0]
    assert share.min() == 0
    assert share.max() == 1


@pytest.mark.parametrize("grid", GRIDS)
def test_smoothmix_weights_the_donor_by_a_bell(grid: Grid) -> None:
    decisions, mask = drawn_masks(method_of("smoothmix"), grid)
    for (words, _), (of_base, of_donor) in zip(rows_of(decisions, 3), mask, strict=True):
        spread = 0.25 + 0.25 * uniform(words[0])
        centre_y, centre_x = below(words[1], grid.height), below(words[2], grid.width)
        for y in range(grid.height):
            for x in range(grid.width):
                square = ((y - centre_y) / (spread * grid.height)) ** 2 + ((x - centre_x) / (spread * grid.width)) ** 2
                assert abs(of_donor[y, x] - math.exp(-square / 2) * 65536) <= 0.5 + 1e-6
        assert of_donor[centre_y, centre_x] == 65536, "the donor alone at the centre"
        assert (of_base + of_donor == 65536).all()


def test_smoothmix_shares_are_those_of_the_law() -> None:
    """5 %, median and 95 % of the donor's share, measured elsewhere: 0.22, 0.42, 0.64, of a range from 0.12 to 0.73."""
    grid, method = Grid(32, 32), method_of("smoothmix")
    donor = shares(method.weights(decided_by(method, grid, 2000), grid), grid)[:, 1]
    np.testing.assert_allclose(np.quantile(donor, [0.05, 0.5, 0.95]), [0.22, 0.42, 0.64], atol=0.02)
    assert donor.min() == pytest.approx(0.12, abs=0.03)
    assert donor.max() == pytest.approx(0.73, abs=0.03)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("n", [2, 4, 5])
def test_jigsaw_makes_patches_of_one_parent(grid: Grid, n: int) -> None:
    decisions, mask = drawn_masks(method_of("jigsaw", n=n), grid)
    lines, columns = min(n, grid.height), min(n, grid.width)
    for (words, donor), (of_base, of_donor) in zip(rows_of(decisions, lines * columns), mask, strict=True):
        wanted = round(donor / 65536 * lines * columns)
        donors = sorted(range(lines * columns), key=lambda patch, drawn=words: drawn[patch])[:wanted]  # type: ignore[misc]  # mypy does not know defaults of lambdas
        for y in range(grid.height):
            for x in range(grid.width):
                patch = y * lines // grid.height * columns + x * columns // grid.width
                assert (of_base[y, x], of_donor[y, x]) == ((0, 65536) if patch in donors else (65536, 0))


@pytest.mark.parametrize("side", [4, 7, 30, 31, 224])
@pytest.mark.parametrize("n", [2, 3, 4])
def test_patches_differ_by_a_pixel_at_most(side: int, n: int) -> None:
    from mixup_cli.methods.jigsaw import _patches

    sizes = np.bincount(_patches(side, n))
    assert len(sizes) == n
    assert sizes.max() - sizes.min() <= 1


def test_every_patch_is_the_donors_as_often_as_any_other() -> None:
    method = method_of("jigsaw")
    _, mask = drawn_masks(method, Grid(4, 4), 4000)
    assert stats.chisquare((mask[:, 1] > 0).sum(axis=0).ravel()).pvalue > 0.01


def test_jigsaw_counts_patches_as_the_law_of_lam_asks() -> None:
    """alpha = 1: round(u·16) is 1 … 15 with 1/16 each, and 0 and 16 with half of that."""
    _, mask = drawn_masks(method_of("jigsaw"), Grid(4, 4), 8000)
    counts = np.bincount((mask[:, 1] > 0).sum(axis=(1, 2)), minlength=17)
    expected = np.array([0.5, *np.ones(15), 0.5]) * 8000 / 16
    assert stats.chisquare(counts, expected).pvalue > 0.01
