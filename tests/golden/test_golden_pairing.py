"""Who meets whom, pinned: another value here makes resumed and extended runs disagree with what was written before, so
a change needs a new format version (docs/format.md).
"""

from __future__ import annotations

import numpy as np
import pytest

from mixup_cli.choices import Balance, Pair
from mixup_cli.pairing import Population, chosen, open_pairing
from mixup_cli.recipe import Recipe

CLASSES = np.array([0, 0, 1, 1, 1, 2, 2, 2, 2, 2], np.int32)
VALUES = np.arange(10, dtype=np.float32)[:, None]
GROUPS = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1], np.int32)


@pytest.mark.parametrize(
    ("pair", "balance", "grouped", "expected"),
    [
        ("any", "none", False, [[9, 8], [8, 4], [4, 2], [2, 5], [5, 6]]),
        ("any", "classes", False, [[6, 0], [0, 3], [3, 4], [4, 1], [1, 0]]),
        ("any", "none", True, [[9, 8], [8, 6], [4, 2], [2, 5], [5, 1]]),
        ("same-class", "none", False, [[9, 8], [8, 5], [4, 2], [2, 3], [5, 6]]),
        ("same-class", "classes", False, [[6, 5], [0, 1], [3, 4], [4, 3], [1, 0]]),
        ("same-class", "none", True, [[9, 8], [8, 6], [4, 2], [2, 3], [5, 5]]),
        ("cross-class", "none", False, [[9, 4], [8, 2], [4, 8], [2, 5], [5, 3]]),
        ("cross-class", "classes", False, [[6, 4], [0, 7], [3, 0], [4, 1], [1, 6]]),
        ("cross-class", "none", True, [[9, 9], [8, 8], [4, 5], [2, 1], [5, 2]]),
        ("balanced", "none", False, [[9, 2], [8, 6], [4, 0], [2, 1], [5, 8]]),
        ("balanced", "classes", False, [[6, 2], [0, 6], [3, 0], [4, 1], [1, 8]]),
        ("balanced", "none", True, [[9, 7], [8, 6], [4, 0], [2, 1], [5, 1]]),
        ("nearest", "none", False, [[9, 8], [8, 7], [4, 3], [2, 1], [5, 6]]),
        ("nearest", "classes", False, [[6, 5], [0, 1], [3, 2], [4, 3], [1, 2]]),
        ("nearest", "none", True, [[9, 8], [8, 7], [4, 3], [2, 1], [5, 4]]),
    ],
)
def test_who_meets(pair: Pair, balance: Balance, grouped: bool, expected: list[list[int]]) -> None:
    population = Population(np.arange(10), CLASSES, VALUES, GROUPS if grouped else None)
    pairing = open_pairing(Recipe(seed=7, pair=pair, balance=balance), population, 2)
    assert pairing.meet(10**12, 10**12 + 5, 2).parents.tolist() == expected


def test_who_meets_across_classes_in_blocks() -> None:
    population = Population(np.arange(200), (np.arange(200) % 7).astype(np.int32))
    met = open_pairing(Recipe(seed=7, pair="cross-class"), population, 3).meet(203, 208, 3)
    assert met.parents.tolist() == [[121, 138, 47], [17, 158, 179], [81, 56, 42], [115, 179, 4], [126, 121, 128]]


def test_who_is_chosen() -> None:
    assert chosen(Recipe(seed=7, per_class=2), Population(np.arange(10), CLASSES)).samples.tolist() == [
        0,
        1,
        2,
        4,
        5,
        7,
    ]


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ("any", [[2, 1], [1, 0], [0, 3], [3, 2], [4, 5], [5, 6], [6, 7], [7, 4], [9, 8], [8, 9]]),
        ("same-class", [[2, 3], [1, 0], [0, 1], [3, 2], [4, 4], [5, 6], [6, 7], [7, 5], [9, 8], [8, 9]]),
        ("cross-class", [[2, 1], [1, 3], [0, 2], [3, 0], [4, 6], [5, 4], [6, 4], [7, 4], [9, 9], [8, 8]]),
    ],
)
def test_who_meets_within_windows(pair: Pair, expected: list[list[int]]) -> None:
    pairing = open_pairing(Recipe(seed=7, pair=pair, window=4), Population(np.arange(10), CLASSES), 2)
    assert pairing.meet(10**12, 10**12 + 10, 2).parents.tolist() == expected


@pytest.mark.parametrize(
    ("parent_count", "balance", "expected"),
    [
        (2, "none", [[9, 13], [8, 12], [4, 10], [2, 11], [5, 13], [6, 12]]),
        (3, "none", [[9, 13, 12], [8, 12, 10], [4, 10, 11], [2, 11, 13], [5, 13, 12], [6, 12, 10]]),
        (2, "classes", [[6, 13], [0, 12], [3, 10], [4, 11], [1, 13], [1, 12]]),
    ],
)
def test_which_donors_of_their_own_stand_behind_whom(
    parent_count: int, balance: Balance, expected: list[list[int]]
) -> None:
    population = Population(np.arange(10), CLASSES, donors=np.arange(10, 14))
    pairing = open_pairing(Recipe(seed=7, balance=balance, separate_donors=True), population, parent_count)
    assert pairing.meet(10**12, 10**12 + 6, parent_count).parents.tolist() == expected
