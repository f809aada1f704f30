"""The window of short-time Fourier transforms."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@lru_cache(maxsize=4)
def hann(length: int) -> NDArray[np.float64]:
    """The periodic Hann window, float64 (length): computed once, and not for each sound."""
    window: NDArray[np.float64] = np.hanning(length + 1)[:-1]
    window.flags.writeable = False
    return window
