"""The law of lam: Beta(a, b), discretised to 65537 levels (whole 65536ths), drawn by inverting its exact CDF.

Level k stands for k/65536 and takes the mass that Beta(a, b) has nearer to it than to any other level, so that
P(level ≤ k) = I((k + ½)/65536; a, b), the regularised incomplete beta function. alpha = 0 is the limit in which a row
is not mixed at all: every draw is 65536.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mixup_cli import backend
from mixup_cli.draws.rng import Words, uniforms

UNIT = 65536
"""Whole 65536ths: the weight of a parent that is alone."""


@lru_cache(maxsize=32)  # a row of 16 parents needs 15
def cumulative(a: float, b: float) -> NDArray[np.float64]:
    """P(level ≤ k) for k = 0 … 65535: float64 (65536,), non-decreasing. `a` and `b` are above 0."""
    from mixup_cli.draws.incomplete_beta import betainc  # alpha = 0 needs none of it

    middles = (np.arange(UNIT) + 0.5) / UNIT
    if a == b:
        # Half of the table decides the other half: F(x) = 1 − F(1 − x).
        lower = betainc(a, b, middles[: UNIT // 2])
        table = np.concatenate([lower, 1.0 - lower[::-1]])
    else:
        table = betainc(a, b, middles)
    table = np.maximum.accumulate(table)
    table.flags.writeable = False  # it is shared by all who ask
    return table


@lru_cache(maxsize=32)
def _guide(a: float, b: float) -> NDArray[np.int32]:
    from mixup_cli.draws.search import guide_of

    return guide_of(cumulative(a, b))


def start_numba() -> None:
    """Make a first compiled call: it sets numba up, and takes as long as numba's import."""
    import mixup_cli.compiled  # noqa: F401

    levels(np.zeros(1, np.uint64), 1.0, 1.0)


def levels(drawn: Words, a: float, b: float) -> NDArray[np.int32]:
    """Draws from the discretised Beta(a, b), one a word: int32 (n,) in 0 … 65536. a = 0 or b = 0 gives 65536."""
    if a == 0.0 or b == 0.0:
        return np.full(drawn.shape, UNIT, np.int32)
    if not backend.draws_compiled(drawn.size):
        return np.searchsorted(cumulative(a, b), uniforms(drawn), side="right").astype(np.int32)
    from mixup_cli.draws.search import counts_below  # the same, ten times as fast

    return counts_below(drawn, cumulative(a, b), _guide(a, b))
