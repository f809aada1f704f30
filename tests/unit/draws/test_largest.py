from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixup_cli.draws.largest import largest_of_each

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
