"""Which combinations of parameters `make test` tries, where all of them repeat one behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest


def covering(*axes: Sequence[Any]) -> list[Any]:
    """All combinations, for `pytest.mark.parametrize`. As many are quick as the longest axis has values: the first with
    the first, the second with the second … of each axis (from its beginning again where it ends), so that every value
    is in one of them. The others are slow."""
    longest = max(map(len, axes))
    quick = {tuple(number % len(axis) for axis in axes) for number in range(longest)}
    return [
        pytest.param(
            *(axis[place] for axis, place in zip(axes, places, strict=True)),
            marks=[] if places in quick else pytest.mark.slow,
        )
        for places in product(*(range(len(axis)) for axis in axes))
    ]
