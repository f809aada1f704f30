"""Where boxes lie: around a centre and clipped, or wholly inside the image."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import RowWord, Words, below
from mixup_cli.methods.decisions import Grid


def clipped_box(
    centre_y: NDArray[np.int64],
    centre_x: NDArray[np.int64],
    half_height: NDArray[np.int64],
    half_width: NDArray[np.int64],
    grid: Grid,
) -> NDArray[np.int32]:
    """Boxes around centres, clipped to the grid: int32 (m, 4: top, left, bottom, right)."""
    box = np.stack(
        [centre_y - half_height, centre_x - half_width, centre_y + half_height, centre_x + half_width], axis=1
    )
    return np.clip(box, 0, [grid.height, grid.width, grid.height, grid.width]).astype(np.int32)


def cube_roots(part: NDArray[np.int32], side: int, step: int) -> NDArray[np.int64]:
    """trunc(side·∛(part / 65536) / step) of parts int (m) in 0 … 65536, exactly: int64 (m). No machine's cube root is
    asked, since these differ in the last bit."""
    return np.searchsorted(_least_parts(side, step), part, side="right") - 1


@cache
def _least_parts(side: int, step: int) -> NDArray[np.int64]:
    """The smallest part for which the root reaches 0, step, 2·step … up to `side`."""
    return np.array([-(-((count * step) ** 3 * UNIT) // side**3) for count in range(side // step + 1)])


def centred_box(
    words: Words, half_height: NDArray[np.int64], half_width: NDArray[np.int64], grid: Grid
) -> NDArray[np.int32]:
    """Boxes around uniform centres, clipped to the grid: int32 (m, 4)."""
    centre_y, centre_x = below(words[:, RowWord.CENTRE_Y], grid.height), below(words[:, RowWord.CENTRE_X], grid.width)
    return clipped_box(centre_y, centre_x, half_height, half_width, grid)


def inside_box(words: Words, height: NDArray[np.int64], width: NDArray[np.int64], grid: Grid) -> NDArray[np.int32]:
    """Boxes of these sizes, anywhere wholly inside the grid with equal chance: int32 (m, 4)."""
    top = below(words[:, RowWord.CENTRE_Y], grid.height - height + 1)
    left = below(words[:, RowWord.CENTRE_X], grid.width - width + 1)
    return np.stack([top, left, top + height, left + width], axis=1).astype(np.int32)
