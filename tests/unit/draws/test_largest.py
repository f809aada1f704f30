from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixup_cli.draws.largest import largest_of_each, largest_with_errors

few_values = st.sampled_from([-1.0, -0.0, 0.0, 0.5, 2.0])
any_values = st.floats(-1e9, 1e9)


@given(st.lists(few_values, min_size=1, max_size=9) | st.lists(any_values, min_size=1, max_size=60), st.data())
@settings(deadline=None)  # the first example may compile
def test_the_largest_are_taken_and_of_equals_the_earlier(values: list[float], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(values)))
    expected = np.zeros(len(values), bool)
    expected[sorted(range(len(values)), key=lambda place: -values[place])[:count]] = True
    assert largest_of_each(np.array([values]), np.array([count]))[0].tolist() == expected.tolist()


@pytest.mark.parametrize("spread", [1e-300, 1.0, 1e300])
def test_each_row_has_its_own_count(spread: float) -> None:
    values = np.random.default_rng(1).normal(size=(50, 3000)) * spread
    counts = np.arange(50) * 61
    marked = largest_of_each(values, counts)
    assert marked.sum(axis=1).tolist() == counts.tolist()
    for row, taken in zip(values, marked, strict=True):
        assert row[taken].min(initial=np.inf) >= row[~taken].max(initial=-np.inf)


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=40), st.integers(0, 3), st.data())
@settings(deadline=None)
def test_what_is_certain_holds_for_every_error(values: list[int], error: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(values)))
    wrong = [value + data.draw(st.integers(-error, error)) for value in values]
    found, certain = largest_with_errors(
        np.array([wrong], np.float32), np.array([count]), np.array([25], np.float32), np.array([error], np.float32)
    )
    if certain[0]:
        assert found[0].tolist() == largest_of_each(np.array([values], np.float64), np.array([count]))[0].tolist()


def test_a_wide_gap_is_certain_and_a_narrow_one_is_not() -> None:
    values = np.array([[1, 3, 2, 5], [1, 3, 2, 5], [2, 2, 2, 5], [-4, -2, -3, 4]], np.float32)
    counts, reaches = np.array([2, 2, 2, 1]), np.full(4, 6, np.float32)
    found, certain = largest_with_errors(values, counts, reaches, np.array([0.01, 0.6, 0, 0.4], np.float32))
    assert certain.tolist() == [True, False, False, True]
    assert found[certain].tolist() == [[False, True, False, True], [False, False, False, True]]
