"""Shares: what part of a sample each parent really has, after clipping and rounding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mixup_cli.kernels import Weights
from mixup_cli.methods.decisions import Grid


def shares(weights: Weights, grid: Grid) -> NDArray[np.float32]:
    """The part of each output that each parent really has: float32 (m, P), whole 2⁻²⁴ths, rows summing to exactly 1.

    Sums the weights over all positions in integers, divides by what all parents have together (fill has no owner), and
    rounds by largest remainder. A row that is all fill belongs to the base.
    """
    totals = _summed(weights, grid)
    whole = totals.sum(axis=1, keepdims=True)
    totals[:, :1] += whole == 0
    whole += whole == 0
    return (_largest_remainder(totals, whole) / np.float64(SHARE_UNIT)).astype(np.float32)


def _summed(weights: Weights, grid: Grid) -> NDArray[np.int64]:
    """Each parent's weight summed over the positions: int64 (m, P)."""
    totals: NDArray[np.int64] = weights.parts.astype(np.int64)
    if weights.choice is not None:
        chosen = weights.choice.reshape(len(totals), -1)
        for k in range(1, totals.shape[1]):
            totals[:, k] = (chosen == k).sum(axis=1, dtype=np.uint32)
        totals[:, 0] = grid.position_count - totals[:, 1:].sum(axis=1)
    elif weights.mask is not None:
        totals = weights.mask.sum(axis=(2, 3), dtype=np.int64)
    elif weights.inside is not None:
        whole, part = np.array(grid.position_count, np.int64), np.array(grid.position_count, np.int64)
        if weights.box is not None:
            top, left, bottom, right = weights.box.astype(np.int64).T
            part = (bottom - top) * (right - left)
        if weights.span is not None:
            whole = whole * (grid.length if weights.content is None else weights.content)
            part = part * (weights.span[:, 1] - weights.span[:, 0]).astype(np.int64)
        totals = totals * np.reshape(whole - part, (-1, 1)) + weights.inside * np.reshape(part, (-1, 1))
    return totals


def _largest_remainder(totals: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.int64]:
    """SHARE_UNIT · totals / whole in integers that sum to SHARE_UNIT, ties to the earlier parent: int64 (m, P)."""
    # Long division in two steps of 12 bits: totals reach 2⁴⁰ for 4000×4000 pictures, and 2⁶⁴ would overflow.
    upper, rest = np.divmod(totals << 12, whole)
    lower, rest = np.divmod(rest << 12, whole)
    floors = (upper << 12) + lower
    missing = SHARE_UNIT - floors.sum(axis=1)
    rank = np.argsort(np.argsort(-rest, axis=1, kind="stable"), axis=1)
    rounded: NDArray[np.int64] = floors + (rank < missing[:, None])
    return rounded


SHARE_UNIT = 1 << 24
"""Shares are whole multiples of 1/SHARE_UNIT: every one of them is exact in float32."""
