"""How loud parents of waves become: weights in a ratio, and a scale with which no value leaves full scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.methods.decisions import Decisions, decided
from mixup_cli.methods.shares import SHARE_UNIT

A_WEIGHTED, RMS, PEAK = 0, 1, 2
"""Which of a parent's levels is which (see `decisions.Known`)."""

_FULL_SCALE = 1 - 2.0**-22
"""A little less than 1, so that rounding to float32 does not lead beyond it."""


def parts_in_ratio(ratio: NDArray[np.float64]) -> NDArray[np.int32]:
    """Weights of base and donor with donor = ratio · base, ratio from 0 to infinity: int32 (m, 2), in 65536ths that sum
    to 65536 at most. The smaller of the two is rounded down and the larger fits it, so that their ratio is right to 8
    parts in a million, however small it is."""
    with np.errstate(divide="ignore"):
        inverse = 1 / ratio
    small = np.minimum(ratio, inverse)
    lesser = np.floor(UNIT * (small / (1 + small)))
    greater = np.full(len(ratio), float(UNIT))
    np.divide(lesser, small, out=greater, where=lesser > 0)
    pair: NDArray[np.int32] = np.rint(np.stack([greater, lesser], axis=1)).astype(np.int32)
    pair[ratio > inverse] = pair[ratio > inverse, ::-1]
    return pair


def loud(
    parts: NDArray[np.int32], scale: NDArray[np.float64], peaks: NDArray[np.float64], share: NDArray[np.float64]
) -> Decisions:
    """Decisions for waves: weights int32 (m, 2), and what the blend is multiplied by, less where parents with these
    peaks (m, 2) could add up to more than 1. `share` (m) is the base's."""
    highest = (parts / UNIT * peaks).sum(axis=1)
    limit = np.full(len(parts), np.inf)
    np.divide(_FULL_SCALE, highest, out=limit, where=highest > 0)
    base = np.rint(share * SHARE_UNIT) / SHARE_UNIT
    return replace(
        decided(parts),
        scale=np.minimum(scale, limit).astype(np.float32),
        share=np.stack([base, 1 - base], axis=1).astype(np.float32),
    )
