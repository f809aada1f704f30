"""Linear light: samples mixed as amounts of light, not as the sRGB values that encode them.

sRGB's transfer function is that of IEC 61966-2-1:1999. An 8-bit value becomes a whole 65535th of full light, one to
one; mixtures are rounded to that, and encoded again. An unmixed sample comes out as it went in.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.kernels import Surface

FULL = 65535


@lru_cache(maxsize=1)
def linear_levels() -> NDArray[np.uint16]:
    """The light of every 8-bit value: uint16 (256,)."""
    encoded = np.arange(256) / 255
    light = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    levels: NDArray[np.uint16] = np.rint(light * FULL).astype(np.uint16)
    return levels


@lru_cache(maxsize=4)
def encoded_levels(dtype: str) -> NDArray[Any]:
    """The sRGB value of every level of light, (65536,): full range for integers, 0 … 1 for float32."""
    light = np.arange(FULL + 1) / FULL
    encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    encoded[linear_levels()] = np.arange(256) / 255  # exactly, so that unmixed samples come out as they went in
    if dtype == "float32":
        return np.asarray(encoded, np.float32)
    return np.asarray(np.rint(encoded * np.iinfo(dtype).max), dtype)


def encode(light: NDArray[np.uint16], surface: Surface, out: NDArray[Any]) -> None:
    """Turn light into sRGB values in `out` (both (m, *sample)); floats are normalised as `surface` says, whose mean and
    scale are for values in 0 … 1."""
    np.take(encoded_levels(out.dtype.name), light, out=out, mode="clip")
    if out.dtype == np.float32:
        lines = out.reshape(-1, surface.outer, surface.lines * surface.columns, surface.inner)
        lines -= surface.mean[:, None]
        lines *= surface.scale[:, None]
