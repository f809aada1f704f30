"""How values change their dtype: one set of rules for image files and arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.fields.form import SampleDtype
from mixup_cli.wording import setting

FULL_SCALE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
"""The value that stands for 1.0 in samples of a dtype."""


DTYPES: Mapping[str, SampleDtype] = {"uint8": "uint8", "uint16": "uint16", "float32": "float32"}
"""The stored dtypes that stay as they are; other numbers become float32."""


def sample_dtype(dtype: np.dtype[Any], location: str) -> SampleDtype:
    """The working dtype for samples stored as `dtype`. Raises DataError for other than real numbers."""
    if dtype.name in DTYPES:
        return DTYPES[dtype.name]
    if dtype.kind in "biu" or dtype.name in ("float16", "float64"):
        return "float32"
    raise DataError(
        f"{location}: samples of dtype {dtype} cannot be mixed, expected integers or real numbers. Write them as such."
    )


@dataclass(frozen=True)
class Finish:
    """How sums I of samples of the dtype `source` become the output's floats, `dtype` (float16 or float32).

    As (float32(I) − mean′) · scale′, which no compiler can contract. From uint8, I is in 65536ths of grey levels, so
    mean′ = 65536·255·mean and scale′ = 1/(65536·255·std); from uint16 and float32 it has been divided by 65536 before.
    `mean` and `std` hold one number, or one for each channel.

    A mixture lies between its parents, and rounding keeps the order of numbers: so no mixture is infinite unless a
    sample is.
    """

    source: str
    dtype: str
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    @property
    def constants(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """mean′ and scale′: float32 (channels) or (1)."""
        unit = FULL_SCALE[self.source] * self._levels
        mean, scale = np.array(self.mean) * unit, 1.0 / (np.array(self.std) * unit)
        return mean.astype(np.float32), scale.astype(np.float32)

    @property
    def is_safe(self) -> bool:
        """Whether no sample of this dtype can become infinite."""
        if self.source == "float32":
            return self.dtype == "float32" and (self.mean, self.std) == ((0.0,), (1.0,))
        ends = np.array([[0.0], [FULL_SCALE[self.source]]])
        return bool(np.isfinite(self.ended(ends)).all())

    def ended(self, values: NDArray[Any]) -> NDArray[Any]:
        """The output of values whose last dimension is the channels; infinite where `dtype` cannot hold it."""
        mean, scale = self.constants
        sums = values.astype(np.float32) * np.float32(self._levels)
        with np.errstate(over="ignore"):
            ended: NDArray[Any] = ((sums - mean) * scale).astype(self.dtype)
        return ended

    def problems(self, samples: NDArray[Any], channel_axis: int | None) -> list[str | None]:
        """Why each of samples (m, …) cannot be used: one of its values would become infinite. None if it can.
        `channel_axis` is that of `samples`; None for one channel."""
        flat = samples.reshape(len(samples), -1)
        extremes = np.stack([flat.min(axis=1), flat.max(axis=1)])[..., None]
        found: list[str | None] = [None] * len(samples)
        for row in np.flatnonzero(~np.isfinite(self.ended(extremes)).all(axis=(0, 2))).tolist():
            shown = samples[row, ..., None] if channel_axis is None else np.moveaxis(samples[row], channel_axis - 1, -1)
            found[row] = self._problem(shown)
        return found

    def _problem(self, sample: NDArray[Any]) -> str | None:
        lost = ~np.isfinite(self.ended(sample))
        if not lost.any():
            return None  # the extremes lie in channels that have room for them
        values = sample[lost]
        largest = values[np.argmax(np.abs(values.astype(np.float64)))]
        becomes = "" if (self.mean, self.std) == ((0.0,), (1.0,)) else ", normalised,"
        wider = " (--dtype float32 has more room)" if self.dtype == "float16" else ""
        return f"holds {largest:g}, which{becomes} is beyond what {self.dtype} can hold{wider}"

    @property
    def _levels(self) -> float:
        return 65536.0 if self.source == "uint8" else 1.0


def write_converted(values: NDArray[Any], out: NDArray[Any], value_range: tuple[float, float] | None) -> None:
    """Write `values` into `out` (same shape; uint8, uint16 or float32).

    Full range goes to full range: uint8 v becomes 257 v in uint16 and v/255 in float32; uint16 becomes v/65535, or
    v/257 to the nearest in uint8. Other numbers keep their value in float32, and become integers only by
    `value_range`, which also replaces the full range of uint16. Raises DataError without it.
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
    """Copy channel by channel if channels lie apart in `values` and together in `out`: NumPy would step through them in
    its innermost loop, which takes four times as long."""
    if values.ndim < 3 or out.shape[-1] > 4 or values.strides[-1] == values.itemsize:
        out[...] = values
        return
    for channel in range(out.shape[-1]):
        out[..., channel] = values[..., channel]


def _write_scaled(values: NDArray[Any], out: NDArray[Any], value_range: tuple[float, float] | None) -> None:
    if value_range is None:
        raise DataError(
            f"samples of dtype {values.dtype.name} become {out.dtype.name} only by a stated rule. Pass "
            f"{setting('dtype', 'float32')} to keep them, or {setting('value_range', 'LOW,HIGH')}."
        )
    low, high = value_range
    full = np.iinfo(out.dtype).max
    scaled = np.rint((values.astype(np.float64) - low) / (high - low) * full)
    out[...] = np.clip(scaled, 0, full)
