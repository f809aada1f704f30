"""Which values of an array can be samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

EXACT_IN_FLOAT32 = 1 << 24  # every integer up to this size is a float32
_CHECKED_INTEGERS = frozenset(["uint32", "uint64", "int32", "int64"])


def problems(block: NDArray[Any]) -> list[str | None]:
    """Why each sample cannot be used (None: it can): floats that are not finite or too large for float32, or integers
    that float32 would round. The texts are sealed into sources.csv."""
    flat = block.reshape(len(block), -1)
    found: list[str | None] = [None] * len(block)
    if block.dtype.kind == "f":
        with np.errstate(over="ignore"):  # float64 beyond float32's range becomes infinite
            bad = (~np.isfinite(flat.astype(np.float32, copy=False))).any(axis=1)
        for row in np.flatnonzero(bad).tolist():
            found[row] = _not_finite(flat[row])
    if block.dtype.name in _CHECKED_INTEGERS:
        beyond = ((flat > EXACT_IN_FLOAT32) | (flat < -EXACT_IN_FLOAT32)).any(axis=1)
        for row in np.flatnonzero(beyond).tolist():
            found[row] = f"holds an integer beyond {EXACT_IN_FLOAT32}, which float32 would round"
    return found


def _not_finite(values: NDArray[Any]) -> str:
    """What is wrong with floats if one is not finite in float32."""
    if not np.isfinite(values).all():
        return "holds NaN or infinity"
    return f"holds {values[np.argmax(np.abs(values))]:g}, which is more than float32 can be"
