"""How values change their dtype: one set of rules for picture files and arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError


def write_converted(values: NDArray[Any], out: NDArray[Any], value_range: tuple[float, float] | None) -> None:
    """Write `values` into `out` (same shape; uint8, uint16 or float32).

    Full range goes to full range: uint8 v becomes 257 v in uint16 and v/255 in float32; uint16 becomes v/65535, or
    v/257 to the nearest in uint8. Other numbers keep their value in float32, and become integers only by
    `value_range`, which is also the range of uint16 where it is given. Raises DataError without it.
    """
    source, wanted = values.dtype.name, out.dtype.name
    with np.errstate(over="ignore", invalid="ignore"):
        if value_range is not None and source != "uint8" and wanted != "float32":
            _write_scaled(values, out, value_range)
        elif source == wanted:
            _copy(values, out)
        elif wanted == "float32" and source in ("uint8", "uint16"):
            np.divide(values, np.float32(np.iinfo(values.dtype).max), out=out, dtype=np.float32)
        elif wanted == "float32":
            out[...] = values
        elif source == "uint8":
            np.multiply(values, np.uint16(257), out=out, dtype=np.uint16)
        elif source == "uint16":
            out[...] = (values.astype(np.uint32) * 255 + 32767) // 65535
        else:
            _write_scaled(values, out, value_range)


def _copy(values: NDArray[Any], out: NDArray[Any]) -> None:
    """Copy, one channel at a time where channels lie apart in `values` and together in `out`: NumPy would step through
    them in its innermost loop, which takes four times as long."""
    if values.ndim < 3 or out.shape[-1] > 4 or values.strides[-1] == values.itemsize:
        out[...] = values
        return
    for channel in range(out.shape[-1]):
        out[..., channel] = values[..., channel]


def _write_scaled(values: NDArray[Any], out: NDArray[Any], value_range: tuple[float, float] | None) -> None:
    if value_range is None:
        raise DataError(
            f"samples of dtype {values.dtype.name} become {out.dtype.name} only by a stated rule. "
            "Pass --dtype float32 to keep them, or --value-range LOW,HIGH."
        )
    low, high = value_range
    full = np.iinfo(out.dtype).max
    scaled = np.rint((values.astype(np.float64) - low) / (high - low) * full)
    out[...] = np.clip(scaled, 0, full)
