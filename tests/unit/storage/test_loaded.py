"""A LoadedColumn gives back what was put in, whatever the order."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from mixup_cli.storage.loaded import Loaded, LoadedColumn

HASHES = st.one_of(st.just(""), st.binary(max_size=4).map(lambda data: hashlib.sha256(data).hexdigest()))
STATES = st.builds(Loaded, st.integers(-1, 2**62), HASHES, st.one_of(st.none(), st.text()))


@given(st.lists(STATES, max_size=12), st.integers(1, 5))
def test_round_trip(states: list[Loaded], chunk: int) -> None:
    column = LoadedColumn(len(states))
    for start in reversed(range(0, len(states), chunk)):
        column.put(start, states[start : start + chunk])
    assert list(column) == column[:] == states
    assert [*map(Loaded, *column.columns(0, len(states)))] == states
    assert column.problems == {i: state.problem for i, state in enumerate(states) if state.problem is not None}
    if states:
        assert column[-1] == states[-1]
