"""Who meets whom: one cycle through all samples per pass.

`order` is a random permutation of the samples; at position i of a pass the base is order[i], the donor order[i+1], the
k-th parent order[i+k], all modulo n. So every sample is base once and donor once a pass, and never its own donor.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mixup_cli.rng import Stream, words

ORIGINALS_LANE = 2**63
"""The lane of the order in which unmixed originals come, out of the way of every pass number."""


@lru_cache(maxsize=4)
def order(seed: int, lane: int, sample_count: int) -> NDArray[np.int64]:
    """The permutation of a pass (`lane` is the pass number): int64 (sample_count,), read-only.

    It sorts the samples by a random word each, whose low bits are replaced by the sample's index: keys are unique, so
    the result does not depend on the sorting algorithm, and the index is read off the sorted key.
    """
    shift = np.uint64(max(1, (sample_count - 1).bit_length()))
    keys = (words(seed, Stream.ORDER, 0, sample_count, lane) >> shift) << shift
    keys |= np.arange(sample_count, dtype=np.uint64)
    keys.sort()
    permutation = (keys & np.uint64((1 << int(shift)) - 1)).astype(np.int64)
    permutation.flags.writeable = False
    return permutation


def parents(permutation: NDArray[np.int64], start: int, stop: int, parent_count: int) -> NDArray[np.int64]:
    """The parents of positions start … stop−1 of a pass, base first: int64 (stop−start, parent_count)."""
    positions = np.arange(start, stop)[:, None] + np.arange(parent_count)
    return np.take(permutation, positions % len(permutation))
