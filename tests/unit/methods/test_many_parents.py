"""Dirichlet and ζ-mixup: weights of more than two."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import Draws
from mixup_cli.methods import Grid
from tests.unit.methods.making import decided_by, method_of

NOWHERE = Grid(1, 1)
DRAWS = 40_000


@pytest.mark.parametrize("alpha", [0.0, 0.2, 1.0, 7.0])
def test_dirichlet_of_two_is_mixup(alpha: float) -> None:
    draws = Draws.of_rows(4, 10**12, 10**12 + 300)
    two, mixup = (method_of(name, alpha=alpha, **k) for name, k in (("dirichlet", {"k": 2.0}), ("mixup", {})))
    assert (two.decide(draws, NOWHERE).parts == mixup.decide(draws, NOWHERE).parts).all()


@pytest.mark.parametrize("k", [2, 3, 9, 16])
@pytest.mark.parametrize("alpha", [0.0, 0.05, 1.0, 1000.0])
def test_dirichlet_divides_everything(k: int, alpha: float) -> None:
    parts = decided_by(method_of("dirichlet", k=k, alpha=alpha), NOWHERE, 200).parts
    assert (parts.sum(axis=1) == UNIT).all()
    assert parts.min() >= 0
    if alpha == 0:
        assert (parts[:, 0] == UNIT).all()


@pytest.mark.parametrize("k", [3, 4, 11])
@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_dirichlet_has_the_moments_of_the_law(k: int, alpha: float) -> None:
    parts = decided_by(method_of("dirichlet", k=k, alpha=alpha), NOWHERE, DRAWS).parts / UNIT
    law = stats.dirichlet([alpha] * k)
    spread = (law.var() / DRAWS) ** 0.5
    np.testing.assert_allclose(parts.mean(axis=0), law.mean(), atol=4.5 * spread.max())
    np.testing.assert_allclose(parts.var(axis=0), law.var(), rtol=0.08)
    between = np.cov(parts.T)[~np.eye(k, dtype=bool)]
    np.testing.assert_allclose(between, -law.var()[0] / (k - 1), rtol=0.35, atol=0.03 * law.var()[0])


def test_every_part_follows_its_beta() -> None:
    parts = decided_by(method_of("dirichlet", k=4, alpha=1.5), NOWHERE, DRAWS).parts / UNIT
    for part in parts.T:
        assert stats.kstest(part, stats.beta(1.5, 4.5).cdf).pvalue > 0.01


def test_dirichlet_of_three_is_even_over_the_triangle() -> None:
    """alpha = 1 is uniform: all six orders of the parts are equally likely, and so are sixteen equal triangles."""
    parts = decided_by(method_of("dirichlet", k=3, alpha=1.0), NOWHERE, DRAWS).parts
    orders = np.argsort(parts, axis=1).tolist()
    assert stats.chisquare([orders.count(list(each)) for each in itertools.permutations(range(3))]).pvalue > 0.01
    whole = np.minimum(parts * 4 // UNIT, 3)
    triangles = whole @ [100, 10, 1]  # parts in quarters: ten triangles upright (sum 3) and six upside down (sum 2)
    seen = np.unique(triangles[whole.sum(axis=1) < 4], return_counts=True)
    assert len(seen[0]) == 16
    assert stats.chisquare(seen[1]).pvalue > 0.01


@pytest.mark.parametrize("k", [2, 4, 16])
@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.8, 100.0])
def test_zetamix_weights_by_rank(k: int, gamma: float) -> None:
    parts = decided_by(method_of("zetamix", k=k, gamma=gamma), NOWHERE, 3).parts
    terms = [rank**-gamma for rank in range(1, k + 1)]
    exact = [term / sum(terms) * UNIT for term in terms]
    assert (parts.sum(axis=1) == UNIT).all()
    assert np.abs(parts - exact).max() < 1
    assert (np.diff(parts, axis=1) <= 0).all()
    assert (parts == parts[0]).all()


@given(st.floats(1.72865, 100), st.integers(2, 16))
@settings(deadline=None, max_examples=30)
def test_the_base_prevails_from_the_papers_gamma_on(gamma: float, k: int) -> None:
    assert decided_by(method_of("zetamix", k=k, gamma=gamma), NOWHERE, 1).parts[0, 0] >= UNIT // 2
