"""That random choices follow their laws. Seeds are fixed: each test passes always, or the law has changed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from mixup_cli.draws.beta import UNIT, levels
from mixup_cli.draws.rng import Stream, words
from mixup_cli.methods import Grid
from mixup_cli.pairing import Population, order
from mixup_cli.plan.plan import Plan
from mixup_cli.recipe import MethodChoice, Recipe

ALPHAS = [0.1, 0.2, 1.0, 8.0]
DRAWS = 200_000


def lam(alpha: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return levels(words(11, Stream.ROW, 0, DRAWS), alpha, alpha) / UNIT


@pytest.mark.parametrize("alpha", ALPHAS)
def test_lam_has_the_mean_and_variance_of_beta(alpha: float) -> None:
    drawn, law = lam(alpha), stats.beta(alpha, alpha)
    spread = law.std() / DRAWS**0.5
    assert drawn.mean() == pytest.approx(0.5, abs=4 * spread)
    fourth = law.stats(moments="k") + 3
    assert drawn.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), abs=4 * law.var() * ((fourth - 1) / DRAWS) ** 0.5)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_lam_follows_beta_where_it_is_not_rounded_to_0_or_1(alpha: float) -> None:
    drawn, law = lam(alpha), stats.beta(alpha, alpha)
    inner = drawn[(drawn > 0.001) & (drawn < 0.999)]
    low, high = law.cdf([0.001, 0.999])
    assert stats.kstest(inner, lambda x: (law.cdf(x) - low) / (high - low)).pvalue > 0.01


def test_every_donor_is_as_likely_as_any_other() -> None:
    count, passes = 7, 4200
    rows = [
        Plan(Recipe(seed=3), Population(np.arange(count)), None).rows(n * count, n * count + 1) for n in range(passes)
    ]
    met = np.zeros((count, count))
    np.add.at(met, tuple(np.concatenate([each.parents for each in rows]).T), 1)
    assert np.trace(met) == 0
    assert stats.chisquare(met[~np.eye(count, dtype=bool)]).pvalue > 0.01


def test_every_order_is_as_likely_as_any_other() -> None:
    seen = [tuple(order(3, lane, 4).tolist()) for lane in range(4800)]
    assert stats.chisquare([seen.count(each) for each in itertools.permutations(range(4))]).pvalue > 0.01


def test_box_centres_are_uniform() -> None:
    cutout = Recipe(methods=(MethodChoice("cutout", options={"side": 0.4}),))  # of 5 × 9: one to each side
    box = Plan(cutout, Population(np.arange(3)), Grid(5, 9)).rows(0, 45_000).decisions.box
    met = np.zeros((5, 9))
    np.add.at(met, (box[:, 2] - 1, box[:, 3] - 1), 1)
    assert stats.chisquare(met.ravel()).pvalue > 0.01
