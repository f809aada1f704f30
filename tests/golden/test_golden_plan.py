"""Values that decide what finished data sets hold. Format 1 promises them for ever: another value here makes resumed
and extended runs disagree with what was written before, so a change needs a new format version (docs/format.md).
"""

from __future__ import annotations

import numpy as np
import pytest

from mixup_cli.draws.beta import levels
from mixup_cli.draws.rng import RowWord, Stream, words
from mixup_cli.methods import Grid
from mixup_cli.pairing import ORIGINALS_LANE, Population, order
from mixup_cli.plan.plan import Plan
from mixup_cli.recipe import MethodChoice, Recipe

RECIPE = Recipe(
    methods=(
        MethodChoice("mixup", 0.5, {"alpha": 0.2}),
        MethodChoice("cutmix", 0.3, {"alpha": 1.0}),
        MethodChoice("cutout", 0.2, {"side": 0.5}),
    ),
    seed=7,
    keep_originals=True,
)


def test_words() -> None:
    assert words(0, Stream.ORDER, 0, 3).tolist() == [0xD037F8C3F9A1D176, 0xC057419B4C210765, 0xABF13115117B0065]
    far = words(2**63 - 1, Stream.ROW, 10**12 + 1, 3, lane=2**63)
    assert far.tolist() == [0x6D57555EE584A2A8, 0x471C1EC2630C3625, 0xF9BFEAEA95C0FF5A]


def test_what_each_word_decides() -> None:
    assert {word.name: word.value for word in RowWord} == {
        "METHOD": 0,
        "LAM": 1,
        "CENTRE_Y": 2,
        "CENTRE_X": 3,
        "MASK_SEED": 4,
        "SPARE": 5,
        "CENTRE_T": 6,
        "SPARE_T": 7,
    }


@pytest.mark.parametrize(
    ("seed", "lane", "expected"),
    [
        (0, 0, [5, 3, 7, 8, 2, 4, 1, 0, 6, 9]),
        (42, 3, [5, 7, 1, 3, 6, 2, 8, 4, 0, 9]),
        (0, ORIGINALS_LANE, [5, 6, 9, 0, 8, 4, 1, 7, 2, 3]),
    ],
)
def test_orders(seed: int, lane: int, expected: list[int]) -> None:
    assert order(seed, lane, 10).tolist() == expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (0.01, 0.01, [65536, 0, 0, 65536, 65536, 65536, 0, 0]),
        (0.2, 0.2, [65180, 20833, 3776, 53045, 65228, 58020, 0, 2940]),
        (1.0, 1.0, [53375, 28815, 19642, 40083, 53720, 42808, 407, 18650]),
        (8.0, 8.0, [40114, 31506, 28417, 35124, 40273, 36038, 13906, 28056]),
        (2.0, 5.0, [28373, 15660, 11907, 20643, 28632, 21991, 1372, 11500]),
    ],
)
def test_levels(a: float, b: float, expected: list[int]) -> None:
    assert levels(words(0, Stream.ROW, 0, 8), a, b).tolist() == expected


@pytest.mark.parametrize(
    ("row", "method", "parents", "parts", "box"),
    [
        (3, "none", [2, 2], [65536, 0], [0, 0, 0, 0]),
        (4, "none", [3, 3], [65536, 0], [0, 0, 0, 0]),
        (5, "mixup", [3, 1], [14162, 51374], [0, 0, 0, 0]),
        (6, "mixup", [1, 2], [65287, 249], [0, 0, 0, 0]),
        (7, "cutout", [2, 2], [65536, 0], [6, 0, 18, 12]),
        (8, "cutout", [4, 4], [65536, 0], [0, 23, 6, 32]),
        (9, "mixup", [0, 3], [611, 64925], [0, 0, 0, 0]),
        (10, "mixup", [2, 4], [0, 65536], [0, 0, 0, 0]),
        (11, "cutmix", [4, 0], [65536, 0], [0, 12, 15, 32]),
        (10**12, "cutout", [4, 4], [65536, 0], [0, 23, 11, 32]),
        (10**12 + 1, "cutmix", [0, 2], [65536, 0], [0, 14, 17, 32]),
    ],
)
def test_rows(row: int, method: str, parents: list[int], parts: list[int], box: list[int]) -> None:
    plan = Plan(RECIPE, Population(np.arange(5)), Grid(24, 32))
    rows = plan.rows(row, row + 1)
    assert plan.methods.names[rows.method[0]] == method
    assert rows.parents[0].tolist() == parents
    assert rows.decisions.parts[0].tolist() == parts
    assert rows.decisions.box[0].tolist() == box
