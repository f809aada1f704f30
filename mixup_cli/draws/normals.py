"""Normal numbers from random words, by a table of 65536 quantiles."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.compiled import compiled
from mixup_cli.draws.rng import Words

LEVELS = 1 << 16
LOWEST = np.uint64(LEVELS - 1)
ONE, NEXT, HALF = np.uint64(1), np.uint64(16), np.uint64(32)


@compiled
def _fill(words: Any, quantiles: Any, scale: Any, out: Any, sums: Any) -> None:
    for row in range(words.shape[0]):
        total = sums[row]
        for i in range(scale.shape[0]):
            half = words[row, i >> 1] >> (HALF * (np.uint64(i) & ONE))
            real, imaginary = quantiles[half & LOWEST] * scale[i], quantiles[(half >> NEXT) & LOWEST] * scale[i]
            out[row, i, 0], out[row, i, 1] = real, imaginary
            total += abs(real) + abs(imaginary)
        sums[row] = total


def scaled_normals(words: Words, scale: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Complex numbers (m, n) whose real and imaginary parts are standard normal times scale (n,), two from each of the
    words (m, at least n / 2); and for each row the sum of all parts' magnitudes (m,). They have the precision of
    `scale`, float32 or float64. Each 16 bits h of a word, the lowest first, are the part Φ⁻¹((h + ½) / 65536)."""
    parts = np.empty((len(words), len(scale), 2), scale.dtype)
    sums = np.zeros(len(words), scale.dtype)
    _fill(words, _quantiles(scale.dtype), scale, parts, sums)
    return parts.view(np.result_type(scale.dtype, np.complex64))[:, :, 0], sums


@lru_cache(maxsize=2)
def _quantiles(dtype: np.dtype[Any]) -> NDArray[Any]:
    from scipy.special import ndtri  # slow to import, and most recipes need none of it

    quantiles: NDArray[Any] = ndtri((np.arange(LEVELS) + 0.5) / LEVELS).astype(dtype)
    return quantiles
