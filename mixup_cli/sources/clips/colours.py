"""From a video's luma and chroma to RGB, in integers: the same on every machine.

ITU-R BT.601, BT.709 and BT.2020 define R = Y + 2(1 − Kr)·V, B = Y + 2(1 − Kb)·U and G from Y = Kr·R + Kg·G + Kb·B, with
Y in 16 … 235 and U, V in 16 … 240 around 128, or all three in 0 … 255 ("full range", as JPEG has it)."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

LUMA_WEIGHTS = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
"""Kr and Kb by the number that FFmpeg, as ITU-T H.273, gives a colour space."""

OTHERWISE = (0.299, 0.114)
"""Those of BT.601, also where a video says nothing: as FFmpeg does."""

BITS = 16


@cache
def _factors(space: int, is_full: bool) -> tuple[int, int, int, int, int]:
    """What Y, V in R, U in G, V in G, and U in B are multiplied by, in 65536ths."""
    red, blue = LUMA_WEIGHTS.get(space, OTHERWISE)
    luma, chroma = (1.0, 1.0) if is_full else (255 / 219, 255 / 224)
    green = 1 - red - blue
    of_v, of_u = 2 * (1 - red) * chroma, 2 * (1 - blue) * chroma
    exact = (luma, of_v, -of_u * blue / green, -of_v * red / green, of_u)
    first, second, third, fourth, fifth = (round(each * (1 << BITS)) for each in exact)
    return first, second, third, fourth, fifth


def write_rgb(
    luma: NDArray[np.uint8],
    chroma: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    space: tuple[int, bool],
    out: NDArray[np.uint8],
) -> None:
    """Write Y, and U and V, uint8 (height, width) each, as RGB into `out` (height, width, 3). `space` is the number
    that FFmpeg gives the colour space, and whether the values have the full range."""
    of_y, v_in_red, u_in_green, v_in_green, u_in_blue = _factors(*space)
    bright = luma.astype(np.int32)
    bright -= 0 if space[1] else 16
    bright *= of_y
    bright += 1 << (BITS - 1)
    u, v = (each.astype(np.int32) - 128 for each in chroma)
    for channel, value in enumerate((v * v_in_red, u * u_in_green + v * v_in_green, u * u_in_blue)):
        value += bright
        value >>= BITS
        np.clip(value, 0, 255, out=value)
        out[:, :, channel] = value
