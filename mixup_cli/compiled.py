"""Functions that numba compiles: without the GIL, and kept on disk where there is a place for that."""

from __future__ import annotations

from numba import njit


def _cached() -> bool:
    """Whether numba finds a place to keep compiled code; on read-only installs `cache=True` raises."""
    try:
        njit(cache=True)(_cached)
    except RuntimeError:
        return False
    return True


CACHED = _cached()
compiled = njit(nogil=True, cache=CACHED)
