"""What holds of every plan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mixup_cli.methods import Grid, Peaks, build, shares
from mixup_cli.methods.shares import SHARE_UNIT
from mixup_cli.pairing import Population
from mixup_cli.plan.plan import Plan, Rows
from mixup_cli.plan.views import ViewRules
from mixup_cli.recipe import MAX_SEED, MethodChoice, Recipe
from tests.plain_methods import PLAIN

unhurried = settings(deadline=None)  # the first Beta table takes its time
either = st.booleans()
MOST_PARENTS = max(build(MethodChoice(name)).parent_count for name in PLAIN)
counts = st.integers(2, 40)
counts_for_any = st.integers(MOST_PARENTS, 40)
seeds = st.integers(0, MAX_SEED)
sides = st.integers(1, 50)
anywhere = st.one_of(st.integers(0, 200), st.integers(10**12, 10**12 + 10**6))
grids = st.builds(Grid, sides, sides)


@st.composite
def recipes(draw: st.DrawFn, keep_originals: st.SearchStrategy[bool] = either) -> Recipe:
    """Any methods in any proportion, with or without originals."""
    names = draw(st.lists(st.sampled_from(sorted(PLAIN)), min_size=1, unique=True))
    choices = tuple(MethodChoice(name, draw(st.floats(0.01, 10))) for name in names)
    crop_pad = draw(st.integers(0, 5))
    return Recipe(
        methods=choices,
        seed=draw(seeds),
        keep_originals=draw(keep_originals),
        flip=draw(st.sampled_from([0.0, 0.5])),
        crop_pad=crop_pad,
        crop_area=None if crop_pad else draw(st.sampled_from([None, (0.08, 1.0)])),
    )


@dataclass(frozen=True)
class AnywhereElse:
    """Peaks of samples of which only the number is known."""

    grid: Grid

    def of(self, samples: NDArray[np.int64], starts: NDArray[np.int64] | None = None) -> Peaks:
        return np.stack([samples * 7 % self.grid.height, samples * 5 % self.grid.width], axis=1).astype(np.int32)


def plan_of(recipe: Recipe, count: int, grid: Grid) -> Plan:
    return Plan(recipe, Population(np.arange(count)), grid, ViewRules.of(recipe, grid, grid), AnywhereElse(grid))


def as_lists(rows: Rows) -> list[object]:
    decisions = rows.decisions
    fields = (rows.index, rows.parents, rows.method, decisions.parts, decisions.box, decisions.mask_seed)
    return [*(each.tolist() for each in fields), None if rows.views is None else rows.views.tolist()]


@given(recipes(), counts_for_any, grids, anywhere, st.integers(0, 100), st.integers(0, 100), st.integers(0, 100))
@unhurried
def test_any_range_is_a_slice_of_a_larger_one(
    recipe: Recipe, count: int, grid: Grid, start: int, before: int, inside: int, after: int
) -> None:
    plan = plan_of(recipe, count, grid)
    larger = plan.rows(start, start + before + inside + after)
    smaller = plan.rows(start + before, start + before + inside)
    assert as_lists(smaller) == as_lists(larger[slice(before, before + inside)])


@given(recipes(), counts_for_any, grids, anywhere, st.integers(0, 100))
@unhurried
def test_parents_are_those_of_the_rows_and_need_no_peaks(
    recipe: Recipe, count: int, grid: Grid, start: int, inside: int
) -> None:
    blind = Plan(recipe, Population(np.arange(count)), grid, ViewRules.of(recipe, grid, grid))
    rows = blind.asking(AnywhereElse(grid)).rows(start, start + inside)
    assert blind.parents(start, start + inside).tolist() == rows.parents.tolist()


@given(seeds, counts, st.one_of(st.integers(0, 5), st.just(10**12)))
@unhurried
def test_every_sample_is_base_once_and_donor_once_a_pass(seed: int, count: int, number: int) -> None:
    rows = Plan(Recipe(seed=seed), Population(np.arange(count)), None).rows(number * count, (number + 1) * count)
    base, donor = rows.parents.T
    assert sorted(base.tolist()) == sorted(donor.tolist()) == list(range(count))
    assert (base != donor).all()


@given(seeds, st.integers(3, 40))
@unhurried
def test_no_pair_meets_twice_in_a_pass(seed: int, count: int) -> None:
    pairs = Plan(Recipe(seed=seed), Population(np.arange(count)), None).rows(0, count).parents
    assert len({frozenset(pair) for pair in pairs.tolist()}) == count


@given(recipes(), counts_for_any, grids)
@unhurried
def test_shares_are_whole_and_sum_to_one(recipe: Recipe, count: int, grid: Grid) -> None:
    plan = plan_of(recipe, count, grid)
    rows = plan.rows(0, 100)
    for number, positions in plan.methods.groups(rows.method):
        share = shares(plan.methods.weights(number, rows[positions].decisions), grid)
        assert share.dtype == np.float32
        assert (share.sum(axis=1) == 1).all()
        assert (share.astype(np.float64) * SHARE_UNIT % 1 == 0).all()
        assert (share >= 0).all()


@given(recipes(keep_originals=st.just(True)), counts_for_any, grids)
@unhurried
def test_originals_come_first_and_change_nothing_after_them(recipe: Recipe, count: int, grid: Grid) -> None:
    kept = plan_of(recipe, count, grid)
    originals, mixed = kept.rows(0, count), kept.rows(count, 4 * count)
    without = plan_of(recipe.with_(keep_originals=False), count, grid).rows(0, 3 * count)
    assert sorted(originals.parents[:, 0].tolist()) == list(range(count))
    assert {kept.methods.names[number] for number in originals.method.tolist()} == {"none"}
    assert (originals.decisions.parts[:, 0] == 65536).all()
    assert mixed.method.tolist() == without.method.tolist()
    assert mixed.parents[:, : without.parents.shape[1]].tolist() == without.parents.tolist()
    assert as_lists(mixed)[3:] == as_lists(without)[3:]


@given(seeds)
@unhurried
def test_class_sorted_sources_give_shuffled_rows(seed: int) -> None:
    classes = np.repeat(np.arange(4), 250)
    first_shard = classes[Plan(Recipe(seed=seed), Population(np.arange(1000)), None).rows(0, 100).parents[:, 0]]
    assert np.bincount(first_shard, minlength=4).min() >= 5  # 25 expected: less than 5 is a chance of 1 in 10⁷
