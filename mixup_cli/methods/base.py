"""What a mixing method is: it decides weights, and never touches a pixel.

A method turns random words into `Decisions` (what the plan stores) and decisions into `Weights` (what the kernels
take). Both are functions of one row alone, computed in float64 or integers on the CPU.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.beta import UNIT
from mixup_cli.kernels import Weights
from mixup_cli.labels import SHARE_UNIT
from mixup_cli.rng import Words


@dataclass(frozen=True)
class Grid:
    """The positions that a box or a mask may choose from: `height` × `width` of a picture, 1 × 1 of anything else."""

    height: int
    width: int

    @property
    def position_count(self) -> int:
        return self.height * self.width


@dataclass(frozen=True)
class Decisions:
    """What the plan stores of m rows: `parts` int32 (m, P) in 65536ths, `box` int32 (m, 4: top, left, bottom, right,
    half-open; zeros where there is none), `mask_seed` uint64 (m) (zero where there is no mask)."""

    parts: NDArray[np.int32]
    box: NDArray[np.int32]
    mask_seed: NDArray[np.uint64]


def decided(
    parts: NDArray[np.int32], box: NDArray[np.int32] | None = None, mask_seed: NDArray[np.uint64] | None = None
) -> Decisions:
    """Decisions in which what is not given is zero."""
    rows = len(parts)
    return Decisions(
        parts,
        np.zeros((rows, 4), np.int32) if box is None else box,
        np.zeros(rows, np.uint64) if mask_seed is None else mask_seed,
    )


class Method(ABC):
    """A mixing method. Its options, with their defaults, are the fields of the frozen dataclass that it is.

    `parent_count` is how many samples meet in a row; `needs_picture` says that it places something in height and width.
    """

    name: ClassVar[str]
    parent_count: ClassVar[int] = 2
    needs_picture: ClassVar[bool] = False

    @abstractmethod
    def decide(self, words: Words, grid: Grid) -> Decisions:
        """The decisions of m rows from their random words, uint64 (m, ROW_WORDS)."""

    def weights(self, decisions: Decisions, grid: Grid) -> Weights:
        """The weights that the decisions mean: constant over the sample, unless a method says otherwise."""
        return Weights(decisions.parts)


def pure(rows: int, parent: int, parent_count: int) -> NDArray[np.int32]:
    """Weights with which one parent is alone: int32 (rows, parent_count)."""
    parts = np.zeros((rows, parent_count), np.int32)
    parts[:, parent] = UNIT
    return parts


def shares(weights: Weights, grid: Grid) -> NDArray[np.float32]:
    """The part of each output that each parent really has: float32 (m, P), whole 2⁻²⁴ths, rows summing to exactly 1.

    Sums the weights over all positions in integers, divides by what all parents have together (fill counts for
    nobody), and rounds by largest remainder. A row that is all fill counts as the base's.
    """
    totals = _summed(weights, grid)
    whole = totals.sum(axis=1, keepdims=True)
    totals[:, :1] += whole == 0
    whole += whole == 0
    return (_largest_remainder(totals, whole) / np.float64(SHARE_UNIT)).astype(np.float32)


def _summed(weights: Weights, grid: Grid) -> NDArray[np.int64]:
    """Each parent's weight summed over the positions: int64 (m, P)."""
    totals: NDArray[np.int64] = weights.parts.astype(np.int64)
    if weights.mask is not None:
        totals = weights.mask.sum(axis=(2, 3), dtype=np.int64)
    elif weights.box is not None and weights.inside is not None:
        top, left, bottom, right = weights.box.astype(np.int64).T
        area = ((bottom - top) * (right - left))[:, None]
        totals = totals * (grid.position_count - area) + weights.inside * area
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
