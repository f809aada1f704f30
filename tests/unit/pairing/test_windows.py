"""Windows of the source: who is in which, in which order they come, and where rows find them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mixup_cli.draws.rng import Stream, words
from mixup_cli.errors import DataError, UsageError
from mixup_cli.pairing import ORIGINALS_LANE, Population, Windows, WindowSchedule, open_pairing, order
from mixup_cli.plan.plan import Plan
from mixup_cli.recipe import Recipe

FAR = 10**12


@pytest.mark.parametrize(
    ("count", "size", "parent_count", "starts"),
    [
        (9, 3, 2, [0, 3, 6, 9]),
        (10, 3, 2, [0, 3, 6, 10]),
        (11, 3, 2, [0, 3, 6, 9, 11]),
        (11, 4, 4, [0, 4, 11]),
        (10, 3, 1, [0, 3, 6, 9, 10]),
        (3, 4, 2, [0, 3]),
        (1, 4, 2, [0, 1]),
        (5, 5, 2, [0, 5]),
    ],
)
def test_what_is_left_over_is_a_window_if_a_row_can_be_made_of_it(
    count: int, size: int, parent_count: int, starts: list[int]
) -> None:
    assert Windows.cut(count, size, parent_count).start.tolist() == starts


def test_a_pass_is_what_the_format_says() -> None:
    """docs/format.md, section 9, in plain Python."""
    count, size, lane, seed = 11, 3, FAR, 5

    def sorted_by_words(n: int, stream: Stream) -> list[int]:
        bits = max(1, (n - 1).bit_length())
        keys = [(int(word) >> bits << bits) + j for j, word in enumerate(words(seed, stream, 0, n, lane))]
        return [key % 2**bits for key in sorted(keys)]

    of_all, of_windows = sorted_by_words(count, Stream.ORDER), sorted_by_words(4, Stream.WINDOW)
    expected = [sample for window in of_windows for sample in of_all if sample // size == window]
    assert Windows.cut(count, size, 2).order(seed, lane).tolist() == expected
    met = open_pairing(Recipe(seed=seed, window=size), Population(np.arange(count)), 2).meet(
        lane * count, (lane + 1) * count, 2
    )
    for row, (base, donor) in enumerate(met.parents.tolist()):
        members = [sample for sample in expected if sample // size == base // size]
        assert base == expected[row]
        assert donor == members[(members.index(base) + 1) % len(members)]


def test_one_window_is_as_none() -> None:
    population = Population(np.arange(10))
    met = [
        open_pairing(Recipe(seed=2, window=window), population, 3).meet(7, 44, 3).parents for window in (10, 99, None)
    ]
    assert met[0].tolist() == met[1].tolist() == met[2].tolist()


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("start", [0, 17, FAR])
def test_a_schedule_says_which_samples_rows_are_made_of(keeps: bool, start: int) -> None:
    recipe = Recipe(seed=4, window=4, keep_originals=keeps)
    samples = 3 * np.arange(22) + 1
    plan = Plan(recipe, Population(samples), None)
    assert plan.schedule is not None
    visits = [*plan.schedule.visits(start, start + 100)]
    assert visits[0].start <= start < visits[0].stop
    assert visits[-1].start < start + 100 <= visits[-1].stop
    for visit, following in pairwise(visits):
        assert (following.number, following.start) == (visit.number + 1, visit.stop)
    for visit in visits:
        rows = plan.rows(visit.start, visit.stop)
        assert sorted(rows.parents[:, 0].tolist()) == visit.samples.tolist()
        assert sorted(rows.parents[:, 1].tolist()) == visit.samples.tolist()


def test_a_pass_is_visited_window_by_window_and_passes_differ() -> None:
    windows = Windows.cut(1000, 10, 2)
    schedule = WindowSchedule(0, windows, np.arange(1000), has_originals=True)
    ways = [
        [int(visit.samples[0]) for visit in schedule.visits(1000 * number, 1000 * (number + 1))] for number in (0, 1, 2)
    ]
    assert all(sorted(way) == list(range(0, 1000, 10)) for way in ways)
    assert ways[0] != ways[1] != ways[2] != ways[0]
    lanes = [(10 * order(0, lane, 100, Stream.WINDOW)).tolist() for lane in (ORIGINALS_LANE, 0, 1)]
    assert ways == lanes


def test_originals_go_through_the_windows_too() -> None:
    plan = Plan(Recipe(window=5, keep_originals=True), Population(np.arange(20)), None)
    bases = plan.rows(0, 20).parents[:, 0].reshape(4, 5)
    assert sorted(set(row.tolist()).pop() for row in bases // 5) == [0, 1, 2, 3]
    assert all(len(set(row.tolist())) == 1 for row in bases // 5)
    assert sorted(bases.ravel().tolist()) == list(range(20))


def sorted_classes(per_class: int, kinds: int) -> Population:
    classes = np.repeat(np.arange(kinds, dtype=np.int32), per_class)
    return Population(np.arange(len(classes)), classes, class_names=("ant", "bee", "cat", "dog"))


def test_a_window_of_few_classes_is_told() -> None:
    told = open_pairing(Recipe(window=5), sorted_classes(10, 4), 2).notices
    assert told == (
        "window=5: a window holds 1.0 of the 4 classes on average, and others are never paired. A larger one mixes "
        "more of them.",
    )
    assert open_pairing(Recipe(window=30), sorted_classes(10, 4), 2).notices == ()
    assert open_pairing(Recipe(window=40), sorted_classes(10, 4), 2).notices == ()
    mixed = sorted_classes(10, 4)[np.arange(40).reshape(4, 10).T.ravel()]
    assert open_pairing(Recipe(window=8), mixed, 2).notices == ()


def test_who_has_nobody_in_the_window_stays_alone() -> None:
    alone = open_pairing(Recipe(pair="same-class", window=4), sorted_classes(5, 3), 2)
    paired = alone.meet(0, 15, 2)
    assert sorted(paired.parents[paired.alone, 0].tolist()) == [4]
    assert alone.notices == ("1 sample will stay unmixed: their class ('ant') has fewer than 2 in a window.",)
    with pytest.raises(DataError, match="no window has samples of two classes"):
        open_pairing(Recipe(pair="cross-class", window=5), sorted_classes(5, 3), 2)
    grouped = Population(np.arange(4), groups=np.array([0, 1, 0, 1], np.int32))
    with pytest.raises(DataError, match="no window's group has 2 samples"):
        open_pairing(Recipe(window=2), grouped, 2)


@pytest.mark.parametrize("changes", [{"pair": "balanced"}, {"pair": "nearest"}, {"balance": "classes"}])
def test_ways_of_pairing_that_draw_from_all_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"^window: it goes with pair=any, same-class, cross-class"):
        Recipe.from_dict({**Recipe().to_dict(), "window": 9, **changes})
    with pytest.raises(UsageError, match=r"^window: 0 is less than one"):
        Recipe(window=0)
