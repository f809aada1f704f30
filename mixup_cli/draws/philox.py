"""Philox4x64-10 for many keys at once. NumPy's has one key for each generator, and making one takes as long as drawing
a thousand words.

Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, table 2 and figure 4. Word i of a key is as in
`rng.words`: output i mod 4 of counter (i div 4 + 1, 0, 0, 0).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.compiled import compiled

ROUNDS = 10
MULTIPLIERS = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
WEYL = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
HALF = np.uint64(32)
LOWER = np.uint64(0xFFFFFFFF)


@compiled
def _high(a: Any, b: Any) -> Any:
    """The upper 64 bits of a · b."""
    a_low, a_high, b_low, b_high = a & LOWER, a >> HALF, b & LOWER, b >> HALF
    middle = a_high * b_low + ((a_low * b_low) >> HALF)
    other = a_low * b_high + (middle & LOWER)
    return a_high * b_high + (middle >> HALF) + (other >> HALF)


@compiled
def _fill(first: Any, second: Any, out: Any) -> None:
    zero = np.uint64(0)
    for row in range(out.shape[0]):
        for block in range((out.shape[1] + 3) // 4):
            c0, c1, c2, c3 = np.uint64(block + 1), zero, zero, zero
            k0, k1 = first[row], second
            for _ in range(ROUNDS):
                high0, high1 = _high(MULTIPLIERS[0], c0), _high(MULTIPLIERS[1], c2)
                c0, c1, c2, c3 = high1 ^ c1 ^ k0, MULTIPLIERS[1] * c2, high0 ^ c3 ^ k1, MULTIPLIERS[0] * c0
                k0, k1 = k0 + WEYL[0], k1 + WEYL[1]
            begin = 4 * block
            for i, word in enumerate((c0, c1, c2, c3)):
                if begin + i < out.shape[1]:
                    out[row, begin + i] = word


def words_of_keys(first: NDArray[np.uint64], second: int, count: int) -> NDArray[np.uint64]:
    """The first `count` words of each key (first[r], second): uint64 (m, count)."""
    drawn = np.empty((len(first), count), np.uint64)
    _fill(np.ascontiguousarray(first), np.uint64(second), drawn)
    return drawn
