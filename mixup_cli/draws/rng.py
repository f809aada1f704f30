"""Random words as a function of (seed, stream, index): no state, no order, nothing before an index is needed.

Word i of a stream is `Philox4x64-10(key = (seed, stream), counter = (i // 4 + 1, lane, 0, 0))[i % 4]`: Salmon et al.,
"Parallel random numbers: as easy as 1, 2, 3", SC 2011. The 1 is NumPy's: its generator steps before it draws.
Which word decides what is the table in `docs/format.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

BLOCK = 4
"""Words per Philox counter."""

ROW_WORDS = 8
"""Words that belong to one row of the plan (a whole number of blocks)."""


class Stream(IntEnum):
    """The second half of the Philox key. A number, once given, keeps its meaning for ever."""

    ORDER = 1
    ROW = 2
    DONOR = 3
    MORE = 4
    VIEW = 5
    MASK = 6
    WINDOW = 7
    START = 8
    DONORS = 9


class RowWord(IntEnum):
    """Which of a row's words decides what."""

    METHOD = 0
    LAM = 1
    CENTRE_Y = 2
    CENTRE_X = 3
    MASK_SEED = 4
    SPARE = 5
    CENTRE_T = 6
    SPARE_T = 7


def words(seed: int, stream: Stream, start: int, count: int, lane: int = 0) -> Words:
    """Words `start` … `start + count − 1` of a stream: uint64 (count,). `seed` and `lane` are in 0 … 2⁶⁴−1."""
    first_block, skipped = divmod(start, BLOCK)
    generator = np.random.Philox(
        key=np.array([seed, stream], np.uint64), counter=np.array([first_block, lane, 0, 0], np.uint64)
    )
    drawn: Words = generator.random_raw(skipped + count)
    return drawn[skipped:]


@dataclass(frozen=True)
class Draws:
    """The random words of m rows of the plan: `words` uint64 (m, ROW_WORDS), and as many more as a method asks for."""

    seed: int
    start: int
    stop: int
    positions: NDArray[np.int64]
    words: Words

    @classmethod
    def of_rows(cls, seed: int, start: int, stop: int) -> Self:
        """The words of mixed rows start … stop−1."""
        drawn = words(seed, Stream.ROW, start * ROW_WORDS, (stop - start) * ROW_WORDS).reshape(-1, ROW_WORDS)
        return cls(seed, start, stop, np.arange(stop - start), drawn)

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, positions: NDArray[np.int64]) -> Self:
        return type(self)(self.seed, self.start, self.stop, self.positions[positions], self.words[positions])

    def more(self, lane: int) -> Words:
        """Further words of each row: uint64 (m, ROW_WORDS), others for every lane from 0."""
        first, count = self.start * ROW_WORDS, (self.stop - self.start) * ROW_WORDS
        return words(self.seed, Stream.MORE, first, count, lane).reshape(-1, ROW_WORDS)[self.positions]


def mask_words(seeds: Words, count: int) -> Words:
    """`count` words for each mask seed: uint64 (m, count). A mask is a function of its seed alone."""
    from mixup_cli.draws.philox import words_of_keys  # numba takes half a second to import

    return words_of_keys(seeds, Stream.MASK, count)


def uniforms(drawn: Words) -> NDArray[np.float64]:
    """Words as float64 in [0, 1): the upper 53 bits, in steps of 2⁻⁵³."""
    return (drawn >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(drawn: Words, bound: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """Words as integers in 0 … bound−1 (bound ≤ 2³², one for all or one each): the upper 32 bits times `bound`, over
    2³². The bias is at most bound/2³²."""
    return (((drawn >> np.uint64(32)) * np.asarray(bound, np.uint64)) >> np.uint64(32)).astype(np.int64)
