from __future__ import annotations

import numpy as np
import pytest

from mixup_cli.draws.beta import UNIT, cumulative, levels

LOWEST, HIGHEST = 0, 2**64 - 1


@pytest.mark.parametrize(("a", "b"), [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0)])
def test_without_alpha_nothing_is_mixed(a: float, b: float) -> None:
    assert levels(np.array([LOWEST, HIGHEST], np.uint64), a, b).tolist() == [UNIT, UNIT]


@pytest.mark.parametrize("alpha", [0.01, 0.2, 1.0, 100.0])
def test_levels_span_zero_to_one(alpha: float) -> None:
    drawn = levels(np.array([LOWEST, 2**63, HIGHEST], np.uint64), alpha, alpha)
    assert (np.diff(drawn) > 0).all()
    assert drawn.min() >= 0
    assert drawn.max() <= UNIT


def test_a_word_means_the_first_level_whose_share_of_the_mass_exceeds_it() -> None:
    table = cumulative(1.0, 1.0)  # level k has mass 1/65536, the first and the last half of that
    edge = int(table[10] * 2**64)
    assert levels(np.array([edge - 2**11, edge], np.uint64), 1.0, 1.0).tolist() == [10, 11]


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_the_law_is_symmetric(alpha: float) -> None:
    table = cumulative(alpha, alpha)
    np.testing.assert_array_equal(table[UNIT // 2 :], 1.0 - table[: UNIT // 2][::-1])


@pytest.mark.parametrize(("a", "b"), [(0.01, 0.01), (0.2, 1.0), (100.0, 100.0)])
def test_the_table_never_falls_and_cannot_be_changed(a: float, b: float) -> None:
    table = cumulative(a, b)
    assert (np.diff(table) >= 0).all()
    assert not table.flags.writeable
