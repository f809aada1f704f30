"""Passes: the order in which samples come.

In a pass every sample is base once. Tables of a whole pass are made when one of its rows is first asked for, in
O(n log n), and nothing before that pass is needed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import Stream, words

Positions = NDArray[np.int64]

ORIGINALS_LANE = 2**63
"""The lane of the order in which unmixed originals come, out of the way of every pass number."""

CHOICE_LANE = 2**63 + 1
"""The lane of the order in which `per_class` takes samples."""

MEMBERS_LANE = 2**63 + 2
"""The lane of the order in which `balance` goes through the members of a class."""

PASSES_KEPT = 64
"""At most this many tables of passes are kept: shards that are made at the same time lie near each other."""

VALUES_KEPT = 1 << 24
"""And at most this many numbers in all (128 MiB), but for two passes, which are always kept."""


@lru_cache(maxsize=4)
def order(seed: int, lane: int, sample_count: int, stream: Stream = Stream.ORDER) -> Positions:
    """The permutation of a pass (`lane` is the pass number): int64 (sample_count,), read-only. Of its windows with the
    stream `WINDOW`.

    It sorts the samples by a random word each, whose low bits are replaced by the sample's index: keys are unique, so
    the result does not depend on the sorting algorithm, and the index is read off the sorted key.
    """
    shift = np.uint64(max(1, (sample_count - 1).bit_length()))
    keys = (words(seed, stream, 0, sample_count, lane) >> shift) << shift
    keys |= np.arange(sample_count, dtype=np.uint64)
    keys.sort()
    permutation = (keys & np.uint64((1 << int(shift)) - 1)).astype(np.int64)
    permutation.flags.writeable = False
    return permutation


def parents(permutation: Positions, start: int, stop: int, parent_count: int) -> Positions:
    """The parents of positions start … stop−1 of a pass, base first: int64 (stop−start, parent_count)."""
    positions = np.arange(start, stop)[:, None] + np.arange(parent_count)
    return np.take(permutation, positions % len(permutation))


def passes(start: int, stop: int, pass_rows: int) -> Iterator[tuple[int, int, int]]:
    """The passes that rows start … stop−1 touch: (number, first position, end of the positions)."""
    while start < stop:
        number, position = divmod(start, pass_rows)
        end = min(position + stop - start, pass_rows)
        yield number, position, end
        start += end - position


class RecentPasses:
    """The tables that `make` makes of the passes asked for last. Several threads may ask; each table is made once."""

    def __init__(self, make: Callable[[int], Positions]) -> None:
        self._make = make
        self._kept: dict[int, Positions] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Self], tuple[Callable[[int], Positions]]]:
        return type(self), (self._make,)  # a lock cannot travel, and the tables are soon made again

    def __getitem__(self, number: int) -> Positions:
        with self._lock:
            made = self._kept.pop(number) if number in self._kept else self._make(number)
            self._kept[number] = made
            if len(self._kept) > max(2, min(PASSES_KEPT, VALUES_KEPT // made.size)):
                del self._kept[next(iter(self._kept))]
            return made


@dataclass(frozen=True)
class Runs:
    """Places sorted by a key: equal keys form a run, in which places keep their order.

    `member` int64 (n): the places, run after run; `number` and `rank` int64 (n): of each place, its run and where it
    stands in it; `start` and `size` int64 (runs): of each run, where it begins in `member`, and its length.
    """

    member: Positions
    number: Positions
    rank: Positions
    start: Positions
    size: Positions

    @classmethod
    def of(cls, keys: NDArray[np.int32] | Positions) -> Self:
        """The runs of keys (n), n ≥ 1, in ascending order of the key."""
        member = sorted_places(keys)
        ordered = keys[member]
        start = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        size = np.diff(start, append=len(keys))
        number, rank = np.empty_like(member), np.empty_like(member)
        number[member] = np.repeat(np.arange(len(start)), size)
        rank[member] = np.arange(len(keys)) - np.repeat(start, size)
        return cls(member, number, rank, start, size)

    def __len__(self) -> int:
        return len(self.size)

    @property
    def size_of_place(self) -> Positions:
        """How long the run of each place is: int64 (n)."""
        return self.size[self.number]


def sorted_places(keys: NDArray[np.int32] | Positions) -> Positions:
    """The places of keys (n), none negative, in ascending order of the key; equal ones keep their order: int64 (n).

    NumPy sorts 16-bit numbers in linear time: five times as fast as larger ones.
    """
    narrow = keys.astype(np.min_scalar_type(int(keys.max(initial=0))))
    return np.argsort(narrow, kind="stable")


def successors(pool: Positions, parent_count: int) -> Positions:
    """Each row and the rows that follow it within its pool, cyclically: int64 (rows, parent_count)
    from the rows' pools int64 (rows)."""
    runs = Runs.of(pool)
    ranks = (runs.rank[:, None] + np.arange(parent_count)) % runs.size_of_place[:, None]
    return runs.member[runs.start[runs.number][:, None] + ranks]
