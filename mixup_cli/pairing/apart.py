"""Cycles that never pair two rows of the same kind: cross-class, and copies of one sample under `balance`.

The rows of a pass, pool by pool, are cut into blocks of consecutive rows, and each block is arranged by kind, the
most frequent one first. Let m be how often that one occurs among the block's s rows. As long as 2m < s, a step of m
leaves every kind, and is a permutation without any pair in both directions. Blocks are small, and the order of kinds
in them is random, so every kind is paired with many others within a pass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixup_cli.pairing.passes import Positions, Runs

SMALLEST_BLOCK = 64


def apart(pool: Positions, kind: Positions, parent_count: int) -> Positions:
    """Each row and its partners, of the same pool and another kind: int64 (rows, parent_count).

    `pool` and `kind` int64 (rows) are numbered from 0. In a pool of which no kind has more than half, each row is
    the k-th parent of one row. Otherwise the rarer rows are taken in turn. In a pool of one kind, any row is a partner.
    """
    block = _blocks(pool, kind)
    arranged = _Arranged.of(block, kind)
    size, most = arranged.size[block], arranged.most[block]
    rank, others = arranged.place - arranged.start[block], size - most
    rows = np.empty((len(pool), parent_count), np.int64)
    rows[:, 0] = np.arange(len(pool))
    for step in range(parent_count - 1):
        through = rank + most + step % np.maximum(1, others - most + 1)
        across = np.where(rank < most, most + (rank + step) % np.maximum(1, others), (rank - most + 1 + step) % most)
        partner = np.where(most < others, through, across) % size
        rows[:, step + 1] = arranged.member[arranged.start[block] + partner]
    return rows


@dataclass(frozen=True)
class _Arranged:
    """The rows of each block, kind by kind: `member` (rows) lists them block after block, `place` (rows) is where a
    row stands in it; `start`, `size` and `most` (blocks): where a block begins, its rows, and how many of them are of
    the most frequent kind."""

    member: Positions
    place: Positions
    start: Positions
    size: Positions
    most: Positions

    @classmethod
    def of(cls, block: Positions, kind: Positions) -> _Arranged:
        """The most frequent kind comes first (of equals, the one that occurs first), then kinds as they first occur;
        the rows of a kind keep their order."""
        runs = Runs.of(block * (kind.max() + 1) + kind)
        first = runs.member[runs.start]
        of_block = block[first]  # ascending: keys begin with the block
        by_count = np.lexsort((first, -runs.size, of_block))
        leading = by_count[np.flatnonzero(np.diff(of_block, prepend=-1))]
        follows = np.ones(len(runs), bool)
        follows[leading] = False
        sequence = np.lexsort((first, follows, of_block))
        begin = np.empty_like(sequence)
        begin[sequence] = np.cumsum(runs.size[sequence]) - runs.size[sequence]
        place = begin[runs.number] + runs.rank
        member = np.empty_like(place)
        member[place] = np.arange(len(place))
        size = np.bincount(block)
        return cls(member, place, np.cumsum(size) - size, size, runs.size[leading])


def _blocks(pool: Positions, kind: Positions) -> Positions:
    """The block of each row, numbered from 0: int64 (rows). The blocks of a pool have 64 rows, or the next power of
    two with which no kind has more than half of a block; what is left over belongs to the last one."""
    pools = Runs.of(pool)
    width = np.full(len(pools), SMALLEST_BLOCK)
    while True:
        count = np.maximum(1, pools.size // width)
        before = np.cumsum(count) - count
        within = np.minimum(pools.rank // width[pools.number], count[pools.number] - 1)
        block: Positions = before[pools.number] + within
        uneven = np.unique(np.repeat(np.arange(len(pools)), count)[_crowded(block, kind)])
        uneven = uneven[count[uneven] > 1]
        if not len(uneven):
            return block
        width[uneven] *= 2


def _crowded(block: Positions, kind: Positions) -> Positions:
    """The blocks of which one kind has more than half."""
    kinds = kind.max() + 1
    keys = np.sort(block * kinds + kind)
    start = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    occurs, of_block = np.diff(start, append=len(keys)), keys[start] // kinds
    crowded: Positions = np.unique(of_block[2 * occurs > np.bincount(block)[of_block]])
    return crowded
