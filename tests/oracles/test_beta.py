"""The table of lam's law against forty digits, and against the closed form that Beta(alpha, 1) has."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from mixup_cli.draws.beta import UNIT, cumulative

CLAIMED_ERROR = 4e-16


@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.2, 0.5, 1.0, 2.0, 8.0, 100.0])
def test_the_table_is_exact_to_the_claimed_error(alpha: float) -> None:
    mpmath = pytest.importorskip("mpmath")
    table = cumulative(alpha, alpha)
    picked = {0, 1, 2, 30, 400, UNIT // 2 - 1, UNIT // 2, UNIT - 2, UNIT - 1, *range(1000, UNIT, 4001)}
    with mpmath.workdps(40):
        for level in picked:
            middle = mpmath.mpf(2 * level + 1) / (2 * UNIT)
            exact = mpmath.betainc(mpmath.mpf(alpha), mpmath.mpf(alpha), 0, middle, regularized=True)
            assert abs(exact - mpmath.mpf(float(table[level]))) <= CLAIMED_ERROR


def test_alpha_one_is_uniform() -> None:
    exact = [float(Fraction(2 * level + 1, 2 * UNIT)) for level in range(UNIT)]
    np.testing.assert_array_equal(cumulative(1.0, 1.0), exact)


@pytest.mark.parametrize("alpha", [0.2, 3.0])
def test_beta_with_one_is_a_power(alpha: float) -> None:
    middles = (np.arange(UNIT) + 0.5) / UNIT
    np.testing.assert_allclose(cumulative(alpha, 1.0), middles**alpha, rtol=0, atol=CLAIMED_ERROR)


@pytest.mark.parametrize(("limit", "fraction"), [(0.999, 0.264), (0.99, 0.420)])
def test_what_the_docs_say_of_alpha_one_fifth(limit: float, fraction: float) -> None:
    table = cumulative(0.2, 0.2)
    below = int((1 - limit) * UNIT)  # the levels that are less than 1 − limit, and as many at the other end
    assert 2 * table[below] == pytest.approx(fraction, abs=5e-4)
    assert 2 * table[0] == pytest.approx(0.0997, abs=5e-5)  # rounded to 0 or 1
