"""What holds of every way of pairing, whatever the classes and groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mixup_cli.choices import Balance, Pair
from mixup_cli.errors import DataError
from mixup_cli.pairing import Paired, Pairing, Population, chosen, open_pairing
from mixup_cli.recipe import MAX_SEED, Recipe

unhurried = settings(deadline=None)
seeds = st.integers(0, MAX_SEED)
pass_numbers = st.one_of(st.integers(0, 3), st.just(10**12))
parent_counts = st.integers(2, 4)
either = st.booleans()
pairs = st.sampled_from(("any", "same-class", "cross-class", "balanced", "nearest"))
balances = st.sampled_from(("none", "classes"))


@st.composite
def populations(draw: st.DrawFn, grouped: st.SearchStrategy[bool] = either) -> Population:
    """2 to 80 samples of up to 8 classes, even or not, with gaps in source indices and class numbers."""
    count, kinds = draw(st.integers(2, 80)), draw(st.integers(1, 8))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shares = random.dirichlet(np.full(kinds, draw(st.sampled_from((0.3, 1.0, 100.0)))))
    classes = 2 * random.choice(kinds, count, p=shares).astype(np.int32)
    groups = random.integers(0, draw(st.integers(1, 6)), count).astype(np.int32) * 5 if draw(grouped) else None
    values = random.normal(size=(count, draw(st.integers(1, 3)))).astype(np.float32)
    return Population(3 * np.arange(count) + 1, classes, values, groups)


def opened(recipe: Recipe, population: Population, parent_count: int = 2) -> Pairing:
    assume(len(population) >= parent_count)  # the plan sees to it
    try:
        return open_pairing(recipe, population, parent_count)
    except DataError:
        assume(False)
        raise


def one_pass(pairing: Pairing, number: int, parent_count: int = 2) -> Paired:
    return pairing.meet(number * pairing.pass_rows, (number + 1) * pairing.pass_rows, parent_count)


def positions(paired: Paired) -> NDArray[np.int64]:
    return (paired.parents - 1) // 3


def circles_of(population: Population, pair: Pair, window: int | None = None) -> list[tuple[int, int, int]]:
    """Within what each sample may meet others."""
    assert population.classes is not None
    group = np.zeros(len(population), int) if population.groups is None else population.groups
    kind = population.classes if pair == "same-class" else np.zeros(len(population), int)
    windows = np.zeros(len(population), int) if window is None else np.arange(len(population)) // window
    return list(zip(group.tolist(), kind.tolist(), windows.tolist(), strict=True))


@given(seeds, populations(), pairs, balances, pass_numbers, parent_counts)
@unhurried
def test_only_those_meet_who_may(
    seed: int, population: Population, pair: Pair, balance: Balance, number: int, parent_count: int
) -> None:
    assert population.classes is not None
    pairing = opened(Recipe(seed=seed, pair=pair, balance=balance), population, parent_count)
    paired = one_pass(pairing, number, parent_count)
    circle = circles_of(population, pair)
    for alone, (base, *donors) in zip(paired.alone, positions(paired).tolist(), strict=True):
        if alone:
            assert {base} == set(donors)
            continue
        assert base not in donors
        assert {circle[each] for each in donors} == {circle[base]}
        if pair == "cross-class":
            assert population.classes[base] not in population.classes[donors]


def check_slices(pairing: Pairing, parent_count: int, data: st.DataObject) -> None:
    """Any range of rows is what a larger one has there, far out, too."""
    start = data.draw(st.one_of(st.integers(0, 200), st.integers(10**12, 10**12 + 10**6)))
    low, high = sorted(data.draw(st.tuples(st.integers(0, 200), st.integers(0, 200))))
    larger = pairing.meet(start, start + 200, parent_count)
    smaller = pairing.meet(start + low, start + high, parent_count)
    assert smaller.parents.tolist() == larger.parents[low:high].tolist()
    assert smaller.alone.tolist() == larger.alone[low:high].tolist()


@given(seeds, populations(), pairs, balances, st.integers(1, 4), st.data())
@unhurried
def test_any_range_is_a_slice_of_a_larger_one(
    seed: int, population: Population, pair: Pair, balance: Balance, parent_count: int, data: st.DataObject
) -> None:
    pairing = opened(Recipe(seed=seed, pair=pair, balance=balance), population, parent_count)
    check_slices(pairing, parent_count, data)


@given(seeds, populations(), pairs, pass_numbers)
@unhurried
def test_every_sample_is_base_once_a_pass(seed: int, population: Population, pair: Pair, number: int) -> None:
    pairing = opened(Recipe(seed=seed, pair=pair), population)
    assert sorted(one_pass(pairing, number).parents[:, 0].tolist()) == population.samples.tolist()


@given(seeds, populations(), st.sampled_from(("any", "same-class", "cross-class")), pass_numbers, parent_counts)
@unhurried
def test_every_sample_is_each_parent_once_a_pass(
    seed: int, population: Population, pair: Pair, number: int, parent_count: int
) -> None:
    pairing = opened(Recipe(seed=seed, pair=pair), population, parent_count)
    assume(not any("more than half" in notice for notice in pairing.notices))
    for column in one_pass(pairing, number, parent_count).parents.T:
        assert sorted(column.tolist()) == population.samples.tolist()


@given(seeds, populations(), st.sampled_from(("any", "same-class", "cross-class")), pass_numbers)
@unhurried
def test_no_two_meet_both_ways_in_a_pass(seed: int, population: Population, pair: Pair, number: int) -> None:
    pairing = opened(Recipe(seed=seed, pair=pair), population)
    circle = circles_of(population, pair)
    paired = one_pass(pairing, number)
    met = {(base, donor) for base, donor in positions(paired)[~paired.alone].tolist()}
    both_ways = {circle[base] for base, donor in met if (donor, base) in met}
    for each in both_ways:  # only where there is nobody else to meet
        members = [member for member, its in enumerate(circle) if its == each]
        assert population.classes is not None
        most = max(Counter(population.classes[members].tolist()).values())
        assert len(members) == 2 or (pair == "cross-class" and len(members) - most == 1)


@given(seeds, populations(), st.sampled_from(("any", "same-class", "cross-class")), pass_numbers, parent_counts)
@unhurried
def test_balanced_classes_are_bases_and_donors_equally_often(
    seed: int, population: Population, pair: Pair, number: int, parent_count: int
) -> None:
    assert population.classes is not None
    pairing = opened(Recipe(seed=seed, pair=pair, balance="classes"), population, parent_count)
    met = positions(one_pass(pairing, number, parent_count))
    sizes = Counter(population.classes.tolist())
    turns = max(sizes.values())
    for kind, size in sizes.items():
        occurs = Counter(met[population.classes[met[:, 0]] == kind, 0].tolist())
        assert occurs.total() == turns
        assert len(occurs) == size
        assert max(occurs.values()) - min(occurs.values()) <= 1
    if population.groups is None and (pair != "same-class" or min(sizes.values()) >= 3):
        for column in met.T[1:]:
            assert Counter(column.tolist()) == Counter(met[:, 0].tolist())


@given(seeds, populations(), balances)
@unhurried
def test_with_one_parent_nobody_is_met(seed: int, population: Population, balance: Balance) -> None:
    alone = [open_pairing(Recipe(seed=seed, pair=pair, balance=balance), population, 1) for pair in ("any", "nearest")]
    with_others = opened(Recipe(seed=seed, balance=balance), population)
    for pairing in (*alone, with_others):
        paired = one_pass(pairing, 1, 1)
        assert not paired.alone.any()
        assert paired.parents.tolist() == one_pass(with_others, 1).parents[:, :1].tolist()


@given(seeds, populations(), st.integers(1, 30))
@unhurried
def test_so_many_of_each_class_are_chosen(seed: int, population: Population, count: int) -> None:
    few = chosen(Recipe(seed=seed, per_class=count), population)
    assert population.classes is not None
    assert few.classes is not None
    sizes = Counter(population.classes.tolist())
    assert Counter(few.classes.tolist()) == {kind: min(count, size) for kind, size in sizes.items()}
    assert sorted(few.samples.tolist()) == few.samples.tolist()
    places = (few.samples - 1) // 3
    assert population.classes[places].tolist() == few.classes.tolist()


windowed_pairs = st.sampled_from(("any", "same-class", "cross-class"))


@given(seeds, populations(), windowed_pairs, st.integers(2, 90), pass_numbers)
@unhurried
def test_with_windows_only_those_of_one_meet_each_once_a_pass(
    seed: int, population: Population, pair: Pair, window: int, number: int
) -> None:
    assume(len(population) % window != 1)  # or else the last sample belongs to the window before its own
    pairing = opened(Recipe(seed=seed, pair=pair, window=window), population)
    paired = one_pass(pairing, number)
    circle = circles_of(population, pair, window)
    bases, donors = positions(paired).T
    assert sorted(bases.tolist()) == list(range(len(population)))
    turns = bases // window
    assert np.count_nonzero(np.diff(turns)) == len(np.unique(turns)) - 1, "window by window"
    for alone, base, donor in zip(paired.alone.tolist(), bases.tolist(), donors.tolist(), strict=True):
        assert alone == (base == donor)
        assert circle[base] == circle[donor]
        assert alone or pair != "cross-class" or population.classes[base] != population.classes[donor]  # type: ignore[index]
    if not any("more than half" in notice for notice in pairing.notices):
        assert sorted(donors.tolist()) == sorted(bases.tolist())


@given(seeds, populations(), windowed_pairs, st.integers(2, 90), st.integers(1, 4), st.data())
@unhurried
def test_with_windows_any_range_is_a_slice_of_a_larger_one(
    seed: int, population: Population, pair: Pair, window: int, parent_count: int, data: st.DataObject
) -> None:
    pairing = opened(Recipe(seed=seed, pair=pair, window=window), population, parent_count)
    check_slices(pairing, parent_count, data)


@given(seeds, populations(), st.integers(1, 50), balances, st.integers(1, 3), pass_numbers, st.data())
@unhurried
def test_donors_of_their_own_take_turns(
    seed: int, population: Population, count: int, balance: Balance, more: int, number: int, data: st.DataObject
) -> None:
    """In each of their passes every donor is every k-th parent once; bases are those of any other pairing."""
    population = replace(population, groups=None, donors=np.arange(1000, 1000 + count))
    pairing = open_pairing(Recipe(seed=seed, balance=balance), population, 1 + more)
    paired = one_pass(pairing, number, 1 + more)
    alone = open_pairing(Recipe(seed=seed, balance=balance), replace(population, donors=None), 1)
    assert paired.parents[:, 0].tolist() == one_pass(alone, number, 1).parents[:, 0].tolist()
    assert not paired.alone.any()
    of_pass = pairing.meet(number * count, (number + 1) * count, 1 + more).parents[:, 1:]
    for column in of_pass.T:
        assert sorted(column.tolist()) == list(range(1000, 1000 + count))
    if more <= count:
        assert all(len(set(row)) == more for row in of_pass.tolist())
    check_slices(pairing, 1 + more, data)


def test_donors_of_their_own_stand_behind_any_base_equally_often() -> None:
    """As many donors as bases: neither order follows the other."""
    population = Population(np.arange(5), donors=np.arange(5, 10))
    met = open_pairing(Recipe(seed=3), population, 2).meet(0, 5 * 4000, 2).parents
    counts = np.zeros((5, 5))
    np.add.at(counts, (met[:, 0], met[:, 1] - 5), 1)
    assert np.square(counts - 800).sum() / 800 < 39.3  # chi-squared, 16 degrees of freedom, p = 0.001
