"""FMix, against the paper's formula written out frequency by frequency."""

from __future__ import annotations

import cmath
import math
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from mixup_cli.draws.largest import largest_of_each
from mixup_cli.draws.normals import scaled_normals
from mixup_cli.draws.rng import mask_words
from mixup_cli.methods import Grid, fmix, shares
from mixup_cli.methods.fmix import FMix, largest_noise, low_frequency_noise, word_count
from tests.unit.methods.making import decided_by, mask_of, method_of

NORMAL = NormalDist()


def words_of(seed: int, grid: Grid) -> NDArray[np.uint64]:
    return mask_words(np.array([seed], np.uint64), word_count(grid))


def noise_of(seed: int, grid: Grid, decay: float) -> NDArray[np.float64]:
    noise: NDArray[np.float64] = low_frequency_noise(np.array([seed], np.uint64), grid, decay)[0]
    return noise


def wave(number: int, side: int) -> float:
    """The frequency of a transform's n-th term: −½ … ½."""
    return (number if number < (side + 1) // 2 else number - side) / side


def noise_by_hand(seed: int, grid: Grid, decay: float) -> list[float]:
    """Section 4 of the paper, as sums of waves: Re Σ normal(f) / max(|f|, 1/longer side)^decay · e^(2πi f·x).

    Half of the waves stand for their opposites too; √2 makes up for those that have none.
    """
    terms = []
    drawn = words_of(seed, grid)[0].tolist()
    for number in range(grid.height * (grid.width // 2 + 1)):
        v, u = divmod(number, grid.width // 2 + 1)
        half = drawn[number // 2] >> (32 * (number % 2))
        real, imaginary = (NORMAL.inv_cdf(((half >> shift & 0xFFFF) + 0.5) / 65536) for shift in (0, 16))
        normal = complex(real, imaginary)
        frequency = max(math.hypot(wave(v, grid.height), wave(u, grid.width)), 1 / max(grid.height, grid.width))
        has_opposite = 0 < 2 * u < grid.width
        terms.append((v, u, normal / frequency**decay * (2 if has_opposite else math.sqrt(2))))
    return [
        sum((term * cmath.exp(2j * math.pi * (v * y / grid.height + u * x / grid.width))).real for v, u, term in terms)
        / grid.position_count
        for y in range(grid.height)
        for x in range(grid.width)
    ]


@pytest.mark.parametrize("grid", [Grid(1, 1), Grid(1, 6), Grid(4, 1), Grid(3, 2), Grid(5, 4), Grid(6, 9)])
@pytest.mark.parametrize("decay", [0.0, 1.5, 3.0])
def test_noise_is_the_papers(grid: Grid, decay: float) -> None:
    ours = noise_of(7, grid, decay)
    np.testing.assert_allclose(ours, noise_by_hand(7, grid, decay), rtol=0, atol=1e-9 * max(1.0, np.abs(ours).max()))


@pytest.mark.parametrize("grid", [Grid(1, 1), Grid(3, 4), Grid(7, 5)])
def test_the_largest_values_are_the_bases(grid: Grid) -> None:
    decisions = decided_by(FMix(), grid, 40)
    mask = mask_of(FMix().weights(decisions, grid))
    wanted = np.rint(decisions.parts[:, 0] / 65536 * grid.position_count)
    for seed, count, (base, donor) in zip(decisions.mask_seed.tolist(), wanted, mask, strict=True):
        noise = noise_of(seed, grid, 3.0)
        is_base = base.ravel() == 65536
        assert (base + donor == 65536).all()
        assert is_base.sum() == count
        assert noise[is_base].min(initial=np.inf) >= noise[~is_base].max(initial=-np.inf)


def test_noise_is_normal() -> None:
    drawn = scaled_normals(words_of(3, Grid(100, 200)), np.ones(100 * 101))[0][0]
    for part in (drawn.real, drawn.imag):
        assert stats.kstest(part, "norm").pvalue > 0.01
    assert abs(np.corrcoef(drawn.real, drawn.imag)[0, 1]) < 0.03


@pytest.mark.parametrize("word", [0, 2**64 - 1, 2**32 - 1, 2**63])
def test_every_word_gives_a_finite_number(word: int) -> None:
    drawn = scaled_normals(np.array([[word]], np.uint64), np.ones(2))[0]
    assert np.isfinite([drawn.real, drawn.imag]).all()
    assert np.abs([drawn.real, drawn.imag]).max() < 4.4  # Φ⁻¹(1 − 2⁻¹⁷) = 4.33


def test_amplitudes_fall_as_the_power_of_the_frequency() -> None:
    """The noise's spectrum, averaged over masks, falls by decay decades a decade, alike in both directions."""
    grid = Grid(32, 32)
    power = np.mean(
        [np.abs(np.fft.fft2(noise_of(seed, grid, 3.0).reshape(32, 32))) ** 2 for seed in range(300)],
        axis=0,
    )
    steps = np.log(np.arange(2, 15))
    for along in (power[2:15, 0], power[0, 2:15], np.diag(power)[2:15]):
        slope = np.polyfit(steps, np.log(along) / 2, 1)[0]
        assert slope == pytest.approx(-3.0, abs=0.15)


def test_noise_is_as_strong_everywhere_as_the_whole_plane_would_give() -> None:
    """The law is that of the paper's whole plane: the variance of each wave, measured over many masks."""
    grid = Grid(6, 8)
    drawn = low_frequency_noise(np.arange(6000, dtype=np.uint64), grid, 1.0)
    power = (np.abs(np.fft.fft2(drawn.reshape(-1, 6, 8))) ** 2).mean(axis=0)
    frequency = np.maximum(np.hypot(np.fft.fftfreq(6)[:, None], np.fft.fftfreq(8)), 1 / 8)
    np.testing.assert_allclose(power * frequency**2, np.mean(power * frequency**2), rtol=0.12)


def test_regions_are_smooth_in_both_directions() -> None:
    """Borders between base and donor are few, and as many downwards as across: the authors' code has them skewed."""
    grid, method = Grid(32, 32), method_of("fmix", alpha=1000.0)  # lam about ½
    mask = mask_of(method.weights(decided_by(method, grid, 300), grid))
    base = mask[:, 0] > 0
    down, across = (float((base != np.roll(base, 1, axis)).mean()) for axis in (1, 2))
    assert down == pytest.approx(across, rel=0.15)
    assert 0.03 < down < 0.08
    assert abs(float(base[:, 0].mean()) - float(base[:, 16].mean())) < 0.1, "regions lie anywhere"


def test_decay_of_zero_is_white_noise() -> None:
    grid, method = Grid(32, 32), method_of("fmix", alpha=1000.0, decay=0.0)
    mask = mask_of(method.weights(decided_by(method, grid, 50), grid))
    base = mask[:, 0] > 0
    assert float((base != np.roll(base, 1, 2)).mean()) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("decay", [0.0, 20.0])
def test_the_steepest_decay_has_no_overflow(decay: float) -> None:
    grid, method = Grid(3000, 1), method_of("fmix", decay=decay)
    share = shares(method.weights(decided_by(method, grid, 2), grid), grid)
    np.testing.assert_allclose(share[:, 0], decided_by(method, grid, 2).parts[:, 0] / 65536, atol=1 / 3000)


GRIDS = [
    Grid(32, 32),
    Grid(28, 28),
    Grid(64, 64),
    Grid(1, 6),
    Grid(4, 1),
    Grid(1, 1),
    Grid(31, 7),
    Grid(4096, 1),
    Grid(1, 4096),
]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("decay", [0.0, 3.0, 20.0])
def test_masks_are_those_of_double_precision(grid: Grid, decay: float) -> None:
    seeds = np.arange(300, dtype=np.uint64)
    wanted = np.random.default_rng(0).integers(0, grid.position_count + 1, 300)
    expected = largest_of_each(low_frequency_noise(seeds, grid, decay), wanted)
    np.testing.assert_array_equal(largest_noise(seeds, wanted, grid, decay), expected)


@pytest.mark.parametrize("grid", [grid for grid in GRIDS if fmix._is_small(grid)], ids=str)
@pytest.mark.parametrize("decay", [0.0, 3.0, 20.0])
def test_single_precision_errs_by_far_less_than_it_may(grid: Grid, decay: float) -> None:
    seeds = np.arange(1000, dtype=np.uint64)
    exact = low_frequency_noise(seeds, grid, decay) / fmix._amplitude(grid, decay, np.dtype(np.float64)).max()
    spectrum, reaches, errors = fmix._single(seeds, grid, decay)
    found = np.abs(fmix._transformed(spectrum, grid) - exact).max(axis=1)
    assert (np.abs(exact).max(axis=1) <= reaches).all()
    assert (found <= errors / 5).all()


def test_most_small_masks_are_made_in_single_precision() -> None:
    seeds, wanted = np.arange(1000, dtype=np.uint64), np.arange(1000)
    marked, certain = fmix._largest_in_single(seeds, wanted, Grid(32, 32), 3.0)
    assert certain.mean() > 0.9
    assert (marked.sum(axis=1)[certain] == wanted[certain]).all()
