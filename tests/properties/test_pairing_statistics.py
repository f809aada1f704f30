"""That pairing follows its laws. Seeds are fixed: each test passes always, or the law has changed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from mixup_cli.choices import Balance, Pair
from mixup_cli.pairing import Pairing, Population, chosen, open_pairing
from mixup_cli.pairing import nearest as nearest_module
from mixup_cli.recipe import Recipe

FAR = 10**12
EVEN = np.repeat(np.arange(10, dtype=np.int32), 50)
LONG_TAILED = np.repeat(np.arange(6, dtype=np.int32), [200, 90, 40, 15, 4, 1])
MODES: list[tuple[Pair, Balance]] = [
    (pair, balance)
    for pair in ("any", "same-class", "cross-class", "balanced", "nearest")
    for balance in ("none", "classes")
]


def sorted_source(classes: NDArray[np.int32]) -> Population:
    """Samples that lie class by class, with a label that grows along."""
    values = np.linspace(0, 1, len(classes), dtype=np.float32)[:, None]
    return Population(np.arange(len(classes)), classes, values)


def partners(pairing: Pairing, pass_count: int, first: int = 0) -> NDArray[np.int64]:
    """How often each base met each donor."""
    rows = pairing.pass_rows
    met = pairing.meet(first * rows, (first + pass_count) * rows, 2).parents
    counted = np.zeros((met.max() + 1, met.max() + 1), np.int64)
    np.add.at(counted, tuple(met.T), 1)
    return counted


@pytest.mark.parametrize("pass_count", [600])
@pytest.mark.parametrize(
    ("pair", "classes"),
    [
        ("any", [0, 0, 0, 0, 0, 0, 0]),
        ("same-class", [0, 0, 0, 0, 0, 0, 0]),
        ("same-class", [0, 1, 2, 0, 1, 2, 1, 1, 0, 2]),
        ("cross-class", [0, 1, 2, 0, 1, 2, 0, 1, 2]),
        ("cross-class", [0, 0, 0, 1, 1, 1]),
        ("cross-class", [0, 0, 0, 0, 0, 1, 1]),
        ("cross-class", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_every_partner_allowed_is_as_likely_as_any_other(pair: Pair, classes: list[int], pass_count: int) -> None:
    kinds = np.array(classes, np.int32)
    counted = partners(open_pairing(Recipe(seed=3, pair=pair), sorted_source(kinds), 2), pass_count)
    same = kinds[:, None] == kinds
    allowed = (~same if pair == "cross-class" else same) & ~np.eye(len(kinds), dtype=bool)
    assert counted[~allowed].sum() == 0
    expected = allowed / allowed.sum(axis=1, keepdims=True) * pass_count
    assert stats.chisquare(counted[allowed], expected[allowed]).pvalue > 0.01


@pytest.mark.parametrize("size", [3, 5, 12])
def test_every_partner_in_a_window_is_as_likely_as_any_other(size: int) -> None:
    count, pass_count = 12, 1000
    pairing = open_pairing(Recipe(seed=3, window=size), sorted_source(np.zeros(count, np.int32)), 2)
    counted = partners(pairing, pass_count, first=FAR)
    window = np.arange(count) // size
    allowed = (window[:, None] == window) & ~np.eye(count, dtype=bool)
    assert counted[~allowed].sum() == 0
    expected = allowed / allowed.sum(axis=1, keepdims=True) * pass_count
    assert stats.chisquare(counted[allowed], expected[allowed]).pvalue > 0.01


def test_every_window_is_as_likely_at_every_turn() -> None:
    count, size, pass_count = 12, 3, 1000
    pairing = open_pairing(Recipe(seed=3, window=size), sorted_source(np.zeros(count, np.int32)), 2)
    bases = pairing.meet(0, pass_count * count, 2).parents[:, 0].reshape(pass_count, count // size, size)
    counted = np.array([np.bincount(turn, minlength=4) for turn in (bases[:, :, 0] // size).T])
    assert stats.chisquare(counted.ravel()).pvalue > 0.01
    in_first = np.bincount(bases[:, 0, 0] % size)
    assert stats.chisquare(in_first).pvalue > 0.01, "and within it, every sample at every place"


def test_classes_meet_evenly_within_one_pass() -> None:
    classes = np.repeat(np.arange(10), 500).astype(np.int32)
    met = open_pairing(Recipe(pair="cross-class"), sorted_source(classes), 2).meet(0, 5000, 2).parents
    counted = np.zeros((10, 10), int)
    np.add.at(counted, tuple(classes[met].T), 1)
    assert np.trace(counted) == 0
    others = counted[~np.eye(10, dtype=bool)] / (5000 / 90)
    assert 0.3 < others.min() < others.max() < 2
    assert others.std() < 0.3


def test_the_rarer_classes_donors_take_turns_where_one_class_has_more_than_half() -> None:
    classes = np.repeat([0, 1, 2], [700, 200, 100]).astype(np.int32)
    met = open_pairing(Recipe(pair="cross-class"), sorted_source(classes), 2).meet(0, 1000, 2).parents
    donors = np.bincount(met[:, 1], minlength=1000)
    assert set(donors[:700].tolist()) == {0, 1}
    assert set(donors[700:].tolist()) == {2, 3}


@pytest.mark.parametrize("group_count", [1, 2])
def test_balanced_donors_are_uniform_over_classes_and_then_over_members(group_count: int) -> None:
    classes, groups = LONG_TAILED[:-1], np.arange(349, dtype=np.int32) % group_count
    population = Population(np.arange(349), classes, groups=groups)
    met = open_pairing(Recipe(seed=2, pair="balanced"), population, 2).meet(0, 100_000, 2).parents
    donor = met[groups[met[:, 0]] == 0, 1]
    assert (groups[donor] == 0).all()
    assert stats.chisquare(np.bincount(classes[donor])).pvalue > 0.01
    for kind in range(5):
        members = np.bincount(donor, minlength=349)[(classes == kind) & (groups == 0)]
        assert stats.chisquare(members).pvalue > 0.01


def test_a_base_alone_in_its_class_meets_the_next_class() -> None:
    population = sorted_source(np.array([0, 0, 1, 2, 2], np.int32))
    counted = partners(open_pairing(Recipe(seed=1, pair="balanced"), population, 2), 6000)
    expected = np.array([1, 1, 0, 2, 2]) * 1000  # class 1 itself is drawn in a third of its rows
    assert stats.chisquare(counted[2][expected > 0], expected[expected > 0]).pvalue > 0.01


def law(values: NDArray[np.float32], bandwidth: float) -> NDArray[np.float64]:
    """The probabilities of C-Mixup, straight from the formula."""
    spread = values.std(axis=0, dtype=np.float64)
    labels = values / np.where(spread > 0, spread, 1)
    squared = ((labels[:, None].astype(np.float64) - labels) ** 2).sum(axis=2)
    weights = np.exp(-squared / (2 * bandwidth**2)) * (1 - np.eye(len(values)))
    found: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return found


@pytest.mark.parametrize(
    ("columns", "bandwidth", "attempts"),
    [
        (1, 0.1, 0),
        (1, 1.0, 1),
        (3, 0.5, 64),
        pytest.param(1, 0.1, 64, marks=pytest.mark.slow),
        pytest.param(3, 0.5, 0, marks=pytest.mark.slow),
    ],
)
def test_nearest_follows_its_law(
    columns: int, bandwidth: float, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest_module, "ATTEMPTS", attempts)  # all by rejection, all by one draw, some by each
    count, pass_count = 12, 1500
    values = np.random.default_rng(5).normal(size=(count, columns)).astype(np.float32)
    values = np.concatenate([values, np.full((count, 1), 0.1, np.float32)], axis=1)  # one that is constant
    population = Population(np.arange(count), values=values)
    counted = partners(open_pairing(Recipe(pair="nearest", bandwidth=bandwidth), population, 2), pass_count)
    expected = law(values, bandwidth) * pass_count
    rare = expected < 5
    assert counted[rare].sum() == pytest.approx(expected[rare].sum(), abs=4 * expected[rare].sum() ** 0.5 + 1)
    kept, wanted = counted[~rare], expected[~rare]
    assert ((kept - wanted) ** 2 / wanted).sum() < stats.chi2(len(kept)).ppf(0.99)


def test_nearest_has_a_default_bandwidth() -> None:
    population = sorted_source(EVEN)
    given = Recipe(pair="nearest", bandwidth=nearest_module.DEFAULT_BANDWIDTH)
    met = [open_pairing(recipe, population, 2).meet(0, 500, 2).parents for recipe in (Recipe(pair="nearest"), given)]
    assert met[0].tolist() == met[1].tolist()


@pytest.mark.parametrize("bandwidth", [1e-300, 1e-9, 1e300])
def test_nearest_takes_any_bandwidth(bandwidth: float) -> None:
    values = np.array([[0], [1], [3], [3.5], [9]], np.float32)
    population = Population(np.arange(5), values=values)
    base, donor = open_pairing(Recipe(pair="nearest", bandwidth=bandwidth), population, 2).meet(0, 100, 2).parents.T
    assert (base != donor).all()
    if bandwidth < 1:
        assert np.array([1, 0, 3, 2, 3])[base].tolist() == donor.tolist()
    else:
        assert len(set(zip(base.tolist(), donor.tolist(), strict=True))) == 20


@pytest.mark.parametrize("pair", ["any", "cross-class", "balanced"])
def test_balanced_bases_have_equal_mass_in_the_labels(pair: Pair) -> None:
    classes = LONG_TAILED[:-1]
    pairing = open_pairing(Recipe(seed=2, pair=pair, balance="classes"), sorted_source(classes), 2)
    rows = 20 * pairing.pass_rows
    base, donor = classes[pairing.meet(0, rows, 2).parents].T
    assert np.bincount(base).tolist() == [rows / 5] * 5
    mass = np.bincount(base) + np.bincount(donor)
    assert mass / mass.mean() == pytest.approx(np.ones(5), abs=0.03)


def test_balanced_bases_let_no_member_get_ahead() -> None:
    pairing = open_pairing(Recipe(balance="classes"), sorted_source(LONG_TAILED), 2)
    base = pairing.meet(0, 7 * pairing.pass_rows, 2).parents[:, 0]
    for kind in range(6):
        occurs = np.bincount(base[LONG_TAILED[base] == kind], minlength=350)[kind == LONG_TAILED]
        assert occurs.max() - occurs.min() <= 1


@pytest.mark.parametrize(("pair", "balance"), MODES)
@pytest.mark.parametrize("first", [0, FAR])
def test_class_sorted_sources_give_shuffled_rows(pair: Pair, balance: Balance, first: int) -> None:
    pairing = open_pairing(Recipe(seed=4, pair=pair, balance=balance), sorted_source(EVEN), 2)
    base = EVEN[pairing.meet(first, first + 2000, 2).parents[:, 0]]
    assert (base[1:] == base[:-1]).mean() == pytest.approx(0.1, abs=0.03)


def test_the_choice_differs_by_seed_and_takes_everyone_equally_often() -> None:
    classes = np.repeat(np.arange(3, dtype=np.int32), [10, 20, 3])
    taken = np.zeros(33, int)
    for seed in range(2000):
        taken[chosen(Recipe(seed=seed, per_class=4), sorted_source(classes)).samples] += 1
    assert stats.chisquare(taken[:10]).pvalue > 0.01
    assert stats.chisquare(taken[10:30]).pvalue > 0.01
    assert (taken[30:] == 2000).all()


def test_the_same_are_chosen_for_every_pass() -> None:
    few = chosen(Recipe(seed=8, per_class=4), sorted_source(EVEN))
    pairing = open_pairing(Recipe(seed=8, per_class=4), few, 2)
    assert set(pairing.meet(FAR, FAR + 400, 2).parents.ravel().tolist()) == set(few.samples.tolist())
