from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from mixup_cli.choices import Balance, Pair
from mixup_cli.errors import DataError, MixupGenError, UsageError
from mixup_cli.pairing import ORIGINALS_LANE, Population, choice_notices, chosen, open_pairing, order, parents
from mixup_cli.pairing.apart import apart
from mixup_cli.pairing.passes import PASSES_KEPT, RecentPasses, Runs
from mixup_cli.recipe import Recipe

NAMES = ("ant", "bee", "cat", "dog", "elk")


def samples(
    classes: list[int] | None, groups: list[int] | None = None, values: list[float] | None = None
) -> Population:
    count = len(classes or values or [])
    return Population(
        np.arange(count),
        None if classes is None else np.array(classes, np.int32),
        None if values is None else np.array(values, np.float32)[:, None],
        None if groups is None else np.array(groups, np.int32),
        NAMES,
    )


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 63, 64, 65, 1000])
def test_an_order_holds_every_sample_once(count: int) -> None:
    assert sorted(order(5, 0, count).tolist()) == list(range(count))


def test_seeds_and_passes_have_orders_of_their_own() -> None:
    orders = [order(seed, lane, 100).tolist() for seed, lane in [(0, 0), (1, 0), (0, 1), (0, ORIGINALS_LANE)]]
    assert all(orders.count(each) == 1 for each in orders)


def test_an_order_is_shared_and_cannot_be_changed() -> None:
    assert not order(0, 0, 10).flags.writeable


def test_parents_follow_each_other_round_the_cycle() -> None:
    assert parents(np.array([4, 0, 3, 1, 2]), 3, 5, 3).tolist() == [[1, 2, 4], [2, 4, 0]]


def test_any_is_the_cycle_of_the_order() -> None:
    met = open_pairing(Recipe(seed=9), samples([0] * 10), 3).meet(35, 40, 3).parents
    assert met.tolist() == parents(order(9, 3, 10), 5, 10, 3).tolist()


def test_same_class_follows_the_next_of_the_class_in_the_order() -> None:
    classes = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    pass_order = order(9, 2, 10).tolist()
    met = open_pairing(Recipe(seed=9, pair="same-class"), samples(classes), 3).meet(20, 30, 3).parents.tolist()
    for row, base in enumerate(pass_order):
        following = [each for each in pass_order[row:] + pass_order[:row] if classes[each] == classes[base]]
        assert met[row] == following[:3]


def test_groups_stay_apart() -> None:
    groups = [0, 0, 0, 1, 1, 1, 7]
    pairing = open_pairing(Recipe(), samples([0] * 7, groups), 2)
    paired = pairing.meet(0, 7, 2)
    assert {tuple(np.array(groups)[row]) for row in paired.parents} == {(0, 0), (1, 1), (7, 7)}
    assert paired.parents[paired.alone].tolist() == [[6, 6]]
    assert pairing.notices == ("1 sample will stay unmixed: their group has fewer than 2.",)


def test_apart_steps_by_as_many_as_the_most_frequent_kind_has() -> None:
    kinds = np.array([2, 0, 1, 1, 0, 1, 2])  # 1 is the most frequent, then 2 and 0 as they occur: 2 3 5 | 0 6 | 1 4
    rows = apart(np.zeros(7, np.int64), kinds, 4)
    arranged = [2, 3, 5, 0, 6, 1, 4]
    for place, row in enumerate(arranged):
        steps = (3, 4, 3)
        assert rows[row].tolist() == [row, *(arranged[(place + step) % 7] for step in steps)]


def test_apart_crosses_over_where_one_kind_has_half() -> None:
    rows = apart(np.zeros(6, np.int64), np.array([1, 0, 1, 2, 1, 0]), 3)
    assert rows.tolist() == [[0, 1, 5], [1, 2, 4], [2, 5, 3], [3, 0, 2], [4, 3, 1], [5, 4, 0]]


def test_apart_takes_the_rarer_in_turn_where_one_kind_has_more() -> None:
    rows = apart(np.zeros(5, np.int64), np.array([0, 0, 1, 0, 2]), 2)
    assert rows.tolist() == [[0, 2], [1, 4], [2, 1], [3, 2], [4, 3]]


def test_blocks_are_of_rows_that_lie_together() -> None:
    kinds = np.tile(np.arange(8), 25)  # 200 rows: 64, 64, 72
    donor = apart(np.zeros(200, np.int64), kinds, 2)[:, 1]
    assert (np.minimum(donor // 64, 2) == np.minimum(np.arange(200) // 64, 2)).all()


def test_blocks_grow_until_no_kind_has_more_than_half() -> None:
    kinds = np.repeat([0, 1, 2, 3], 64)
    donor = apart(np.zeros(256, np.int64), kinds, 2)[:, 1]
    assert (donor // 128 == np.arange(256) // 128).all()
    assert (kinds[donor] != kinds).all()


@pytest.mark.parametrize("balance", ["none", "classes"])
@pytest.mark.parametrize("pair", ["any", "same-class", "cross-class", "balanced", "nearest"])
def test_source_indices_are_what_comes_out(pair: Pair, balance: Balance) -> None:
    classes = np.array([0, 1, 0, 1, 1], np.int32)
    population = Population(np.array([3, 10, 11, 20, 50]), classes, np.array([[1], [2], [3], [4], [5]], np.float32))
    pairing = open_pairing(Recipe(pair=pair, balance=balance), population, 2)
    assert pairing.pass_rows == (5 if balance == "none" else 6)
    assert set(pairing.meet(0, 60, 2).parents.ravel().tolist()) == {3, 10, 11, 20, 50}


@pytest.mark.parametrize("pair", ["any", "same-class", "cross-class", "balanced", "nearest"])
def test_no_rows_are_no_rows(pair: Pair) -> None:
    pairing = open_pairing(Recipe(pair=pair), samples([0, 1, 0, 1], values=[1, 2, 3, 4]), 2)
    paired = pairing.meet(7, 7, 2)
    assert paired.parents.shape == (0, 2)
    assert paired.alone.shape == (0,)


@pytest.mark.parametrize(
    ("recipe", "population", "error", "message"),
    [
        (
            Recipe(pair="same-class"),
            samples(None, values=[1, 2]),
            UsageError,
            "pair=same-class: the source has no cl",
        ),
        (Recipe(pair="cross-class"), samples(None, values=[1, 2]), UsageError, "pair=cross-class: the source has no"),
        (Recipe(pair="balanced"), samples(None, values=[1, 2]), UsageError, "pair=balanced: the source has no class"),
        (Recipe(balance="classes"), samples(None, values=[1, 2]), UsageError, "balance=classes: the source has no"),
        (Recipe(pair="nearest"), samples([0, 1]), UsageError, "For classes, pass pair=same-class."),
        (
            Recipe(pair="same-class"),
            samples([0, 1, 2]),
            DataError,
            "no class has 2 samples, and a row mixes 2",
        ),
        (Recipe(pair="same-class"), samples([0, 0], [0, 1]), DataError, "no class has 2 samples in a group, and"),
        (Recipe(pair="cross-class"), samples([4, 4]), DataError, "the only class is 'elk'. Add samples of other"),
        (Recipe(pair="cross-class"), samples([0, 0, 1], [0, 0, 1]), DataError, "no group has samples of two classes"),
        (Recipe(), samples([0, 0], [0, 1]), DataError, "no group has 2 samples, and a row mixes 2 different ones."),
        (Recipe(pair="balanced"), samples([0, 0], [0, 1]), DataError, "pair=balanced: no sample has a partner."),
        (Recipe(pair="nearest"), samples(None, values=[1.0]), DataError, "pair=nearest: no sample has a partner."),
    ],
)
def test_what_cannot_be_paired_is_told(
    recipe: Recipe, population: Population, error: type[MixupGenError], message: str
) -> None:
    with pytest.raises(error) as told:
        open_pairing(recipe, population, 2)
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("pair", "population", "notice"),
    [
        ("any", samples([0, 1]), None),
        (
            "same-class",
            samples([0, 0, 1, 2, 3, 4]),
            "4 samples will stay unmixed: their class ('bee', 'cat', 'dog' and 1 more) has fewer than 2.",
        ),
        (
            "cross-class",
            samples([0, 0, 0, 1]),
            "pair=cross-class: one class ('ant') has more than half of the samples: those of the others are donors "
            "more than once a pass.",
        ),
        (
            "cross-class",
            samples([0, 0, 0, 1, 2, 3], [0, 0, 0, 0, 1, 1]),
            "pair=cross-class: in 1 group one class ('ant') has more than half of the samples: those of the others "
            "are donors more than once a pass.",
        ),
        (
            "cross-class",
            samples([0, 1, 2, 2], [0, 0, 1, 1]),
            "2 samples will stay unmixed: their group has no other class ('cat').",
        ),
        ("cross-class", samples([0, 0, 1, 1]), None),
        ("balanced", samples([0, 0, 1], [0, 0, 1]), "1 sample will stay unmixed: their group has no other sample."),
    ],
)
def test_what_is_special_is_told(pair: Pair, population: Population, notice: str | None) -> None:
    assert open_pairing(Recipe(pair=pair), population, 2).notices == (() if notice is None else (notice,))


def test_a_class_that_is_too_small_is_named_by_its_number_where_it_has_no_name() -> None:
    pairing = open_pairing(Recipe(pair="same-class"), samples([0, 0, 9]), 2)
    assert pairing.notices == ("1 sample will stay unmixed: their class ('9') has fewer than 2.",)
    paired = pairing.meet(0, 3, 2)
    assert paired.parents[paired.alone].tolist() == [[2, 2]]


def test_a_choice_names_smaller_classes() -> None:
    population = samples([0, 0, 0, 1, 2, 2])
    recipe = Recipe(per_class=2)
    assert choice_notices(recipe, population) == ("per_class=2: 'bee' have fewer samples; all of them are taken.",)
    assert choice_notices(Recipe(per_class=1), population) == choice_notices(Recipe(), population) == ()
    assert chosen(recipe, population).samples[2:].tolist() == [3, 4, 5]
    assert chosen(Recipe(), population) is population


def test_a_choice_needs_classes() -> None:
    with pytest.raises(UsageError, match="per_class=3: the source has no classes"):
        chosen(Recipe(per_class=3), samples(None, values=[1, 2]))


def test_a_population_keeps_what_belongs_together() -> None:
    part = samples([0, 1, 2], [5, 6, 7], [0.1, 0.2, 0.3])[np.array([2, 0])]
    kept = (part.samples, part.classes, part.groups, part.values)
    told = [each.ravel().tolist() for each in kept if each is not None]
    assert told == [[2, 0], [2, 0], [7, 5], pytest.approx([0.3, 0.1])]
    assert part.class_names == NAMES


def test_recent_passes_are_made_once_and_the_oldest_go() -> None:
    made = []

    def make(number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        made.append(number)
        return np.array([number])

    recent = RecentPasses(make)
    for number in (0, 1, 0, *range(2, PASSES_KEPT + 1), 0, 1):
        assert recent[number].tolist() == [number]
    assert made == [*range(PASSES_KEPT + 1), 1]


@pytest.mark.parametrize("pair", ["any", "same-class", "cross-class", "balanced", "nearest"])
def test_threads_see_the_same(pair: Pair) -> None:
    recipe, population = (
        Recipe(pair=pair, balance="classes"),
        samples([0, 1, 2, 0, 1] * 20, values=[1, 2, 3, 4, 5] * 20),
    )
    alone = open_pairing(recipe, population, 2)
    shared = open_pairing(recipe, population, 2)
    with ThreadPoolExecutor(8) as pool:
        met = list(pool.map(lambda start: shared.meet(start, start + 30, 2).parents.tolist(), range(0, 1500, 30)))
    assert met == [alone.meet(start, start + 30, 2).parents.tolist() for start in range(0, 1500, 30)]


def test_runs_are_sorted_by_key_and_keep_their_order() -> None:
    runs = Runs.of(np.array([7, 3, 7, 3, 5]))
    assert [runs.member.tolist(), runs.start.tolist(), runs.size.tolist()] == [[1, 3, 4, 0, 2], [0, 2, 3], [2, 1, 2]]
    assert [runs.number.tolist(), runs.rank.tolist()] == [[2, 0, 2, 0, 1], [0, 0, 1, 1, 0]]
    assert runs.size_of_place.tolist() == [2, 2, 2, 2, 1]


def test_a_pass_that_many_threads_ask_for_is_made_once() -> None:
    made = []

    def make(number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        made.append(number)
        time.sleep(0.05)  # others come meanwhile, or find it made
        return np.array([number])

    recent, all_there = RecentPasses(make), Barrier(8)

    def ask(number: int) -> None:
        all_there.wait()
        recent[number]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, [3] * 8))
    assert made == [3]
