"""Random words as a function of (seed, stream, index): no state, no order, nothing before an index is needed.

Word i of a stream is `Philox4x64-10(key = (seed, stream), counter = (i // 4 + 1, lane, 0, 0))[i % 4]`: Salmon et al.,
"Parallel random numbers: as easy as 1, 2, 3", SC 2011. The 1 is NumPy's: its generator steps before it draws.
Which word decides what is the table in `docs/format.md`.
"""

from __future__ import annotations

from enum import IntEnum

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


class RowWord(IntEnum):
    """Which of a row's words decides what."""

    METHOD = 0
    LAM = 1
    CENTRE_Y = 2
    CENTRE_X = 3
    MASK_SEED = 4


def words(seed: int, stream: Stream, start: int, count: int, lane: int = 0) -> Words:
    """Words `start` … `start + count − 1` of a stream: uint64 (count,). `seed` and `lane` are in 0 … 2⁶⁴−1."""
    first_block, skipped = divmod(start, BLOCK)
    generator = np.random.Philox(
        key=np.array([seed, stream], np.uint64), counter=np.array([first_block, lane, 0, 0], np.uint64)
    )
    drawn: Words = generator.random_raw(skipped + count)
    return drawn[skipped:]


def row_words(seed: int, start: int, stop: int) -> Words:
    """The words of rows start … stop−1 of the plan: uint64 (stop−start, ROW_WORDS)."""
    return words(seed, Stream.ROW, start * ROW_WORDS, (stop - start) * ROW_WORDS).reshape(-1, ROW_WORDS)


def uniforms(drawn: Words) -> NDArray[np.float64]:
    """Words as float64 in [0, 1): the upper 53 bits, in steps of 2⁻⁵³."""
    return (drawn >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(drawn: Words, bound: int) -> NDArray[np.int64]:
    """Words as integers in 0 … bound−1 (bound ≤ 2³²): the upper 32 bits times `bound`, over 2³². The bias is at most
    bound/2³²."""
    return (((drawn >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32)).astype(np.int64)
