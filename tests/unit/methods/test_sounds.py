"""The methods for sounds: their gains, their shares, and full scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import Draws
from mixup_cli.methods import Decisions, Grid, Known, build
from mixup_cli.methods.gains import parts_in_ratio
from mixup_cli.recipe import MethodChoice

LINE = Grid(1, 1, 8000)
ROWS = 500


@given(st.lists(st.floats(-80, 80), min_size=1, max_size=20))
def test_weights_keep_their_ratio(decibels: list[float]) -> None:
    ratio = 10 ** (np.array(decibels) / 20)
    parts = parts_in_ratio(ratio)
    assert parts.dtype == np.int32
    assert (parts.sum(axis=1) <= UNIT).all()
    assert (parts >= 1).all()
    np.testing.assert_allclose(parts[:, 1] / parts[:, 0], ratio, rtol=2e-5)


def test_weights_at_the_ends() -> None:
    parts = parts_in_ratio(np.array([0.0, np.inf, 1.0, 1e-9]))
    assert parts.tolist() == [[UNIT, 0], [0, UNIT], [UNIT // 2, UNIT // 2], [UNIT, 0]]


def decided(name: str, levels: NDArray[np.float64], **options: Any) -> Decisions:
    """What a method decides of rows whose parents have these levels (m, 2, 3)."""
    draws = Draws.of_rows(1, 0, len(levels))
    return build(MethodChoice(name, options=options)).decide(draws, LINE, Known(levels=levels))


def random_levels(low: float = -60, high: float = 20) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    drawn = rng.uniform(low, high, (ROWS, 2, 3))
    drawn[..., 2] = rng.uniform(0.05, 1, (ROWS, 2))
    return drawn


def gains_of(made: Decisions) -> NDArray[np.float64]:
    """By what each parent is multiplied, float64 (m, 2)."""
    assert made.scale is not None
    return made.parts / UNIT * made.scale.astype(np.float64)[:, None]


def test_bc_mixes_what_is_heard_in_the_ratio_of_the_label() -> None:
    levels = random_levels()
    made = decided("bc", levels)
    assert made.share is not None
    share, gains = made.share.astype(np.float64), gains_of(made)
    both = (share > 0).all(axis=1)
    assert both.mean() > 0.99
    heard = levels[both, :, 0] + 20 * np.log10(gains[both])
    ratio = 20 * np.log10(share[both, 0] / share[both, 1])
    np.testing.assert_allclose(heard[:, 0] - heard[:, 1], ratio, atol=0.005)
    assert (share.sum(axis=1) == 1).all()
    assert np.abs(np.sort(share[:, 0]) - (np.arange(ROWS) + 0.5) / ROWS).max() < 0.08  # uniform


def test_bc_is_the_formula_of_the_paper() -> None:
    levels = random_levels(-20, 0)
    levels[..., 2] = 0.1  # far from full scale
    made = decided("bc", levels)
    assert made.share is not None
    r = made.share[:, 0].astype(np.float64)
    g1, g2 = levels[..., 0].T
    p = 1 / (1 + 10 ** ((g1 - g2) / 20) * (1 - r) / r)
    expected = np.stack([p, 1 - p], axis=1) / np.sqrt(p**2 + (1 - p) ** 2)[:, None]
    np.testing.assert_allclose(gains_of(made), expected, rtol=1e-3)


@pytest.mark.parametrize("name", ["bc", "snr"])
def test_parents_never_add_up_to_more_than_full_scale(name: str) -> None:
    levels = random_levels()
    levels[: ROWS // 2, :, 2] = 1
    highest = (gains_of(decided(name, levels)) * levels[..., 2]).sum(axis=1)
    assert highest.max() <= 1
    assert (highest > 0.999).sum() > ROWS // 4


def test_bc_without_alpha_is_the_base() -> None:
    made = decided("bc", random_levels(), alpha=0.0)
    assert made.share is not None
    assert (made.share == [1, 0]).all()
    np.testing.assert_allclose(gains_of(made), np.tile([1.0, 0.0], (ROWS, 1)), atol=1e-6)


def test_snr_is_drawn_between_its_bounds() -> None:
    levels = random_levels()
    levels[..., 2] = 0.01
    made = decided("snr", levels, low=-5.0, high=10.0)
    gains = gains_of(made)
    ratio = (levels[:, 0, 1] + 20 * np.log10(gains[:, 0])) - (levels[:, 1, 1] + 20 * np.log10(gains[:, 1]))
    assert (ratio >= -5.01).all()
    assert (ratio <= 10.01).all()
    assert np.ptp(ratio) > 14
    unlimited = (gains * levels[..., 2]).sum(axis=1) < 0.999
    np.testing.assert_allclose(gains[unlimited, 0], 1, rtol=1e-5)
    assert made.share is not None
    assert (made.share == [1, 0]).all()


@pytest.mark.parametrize("silent", [0, 1])
def test_beside_silence_the_base_stays_alone(silent: int) -> None:
    levels = random_levels()
    levels[:, silent] = (-80, -400, 0)
    made = decided("snr", levels)
    assert (made.parts == [UNIT, 0]).all()


@pytest.mark.parametrize("name", ["bc", "snr"])
def test_levels_are_needed(name: str) -> None:
    with pytest.raises(ValueError, match="how loud its parents are"):
        build(MethodChoice(name)).decide(Draws.of_rows(0, 0, 3), LINE)
