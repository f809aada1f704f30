"""Functions that numba compiles: without the GIL, and kept on disk where there is a place for that."""

from __future__ import annotations

from numba import njit
from numba.extending import is_jitted

from mixup_cli.errors import UsageError

NO_COMPILING = "NUMBA_DISABLE_JIT"
"""With this variable numba compiles nothing. Our functions only work compiled."""


def _cached() -> bool:
    """Whether numba finds a place to keep compiled code; on read-only installs `cache=True` raises."""
    try:
        probe = njit(cache=True)(_cached)
    except RuntimeError:
        return False
    if not is_jitted(probe):
        raise UsageError(f"{NO_COMPILING}: is set, and mixing needs compiled functions. Unset it, and start over.")
    return True


CACHED = _cached()
compiled = njit(nogil=True, cache=CACHED)
