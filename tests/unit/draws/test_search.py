from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixup_cli import backend
from mixup_cli.draws.beta import cumulative, levels
from mixup_cli.draws.rng import uniforms
from mixup_cli.draws.search import counts_below, guide_of

SPREAD = np.random.default_rng(3).integers(0, 2**64, 20_000, np.uint64)
EDGES = np.array([0, 1, 2**11 - 1, 2**11, 2**53, 2**63, 2**64 - 1], np.uint64)


@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.2, 1.0, 7.0, 900.0])
def test_draws_are_those_of_a_plain_search(alpha: float) -> None:
    table = cumulative(alpha, alpha)
    near = (table[:: 1 << 6] * 2.0**53).astype(np.uint64) << np.uint64(11)  # at entries of the table, where it matters
    drawn = np.concatenate([SPREAD, EDGES, near, near + np.uint64(1 << 11)])
    expected = np.searchsorted(table, uniforms(drawn), side="right")
    assert counts_below(drawn, table, guide_of(table)).tolist() == expected.tolist()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.lists(st.integers(0, 2**64 - 1), max_size=20))
@settings(deadline=None)  # the first example may compile
def test_any_table_will_do(entries: list[float], words: list[int]) -> None:
    table, drawn = np.sort(np.array(entries)), np.array(words, np.uint64)
    expected = np.searchsorted(table, uniforms(drawn), side="right")
    assert counts_below(drawn, table, guide_of(table)).tolist() == expected.tolist()


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.2), (1.0, 1.0), (0.5, 2.0)])
def test_levels_are_the_same_with_and_without_numba(a: float, b: float, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for compiles in (True, False):
        monkeypatch.setattr(backend, "draws_compiled", lambda count, answer=compiles: answer)
        found.append(levels(SPREAD, a, b))
    assert found[0].dtype == found[1].dtype
    assert found[0].tolist() == found[1].tolist()
