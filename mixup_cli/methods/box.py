"""Where boxes lie: around a centre and clipped, or wholly inside the image."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import RowWord, Words, below
from mixup_cli.methods.decisions import Grid

Side: TypeAlias = int | NDArray[np.int64]
"""How long an axis is: of all rows, or of each int64 (m)."""


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


def extents(part: NDArray[np.int32], sides: Sequence[Side], step: int = 1) -> list[NDArray[np.int64]]:
    """The sides of a region in proportion to one with these one to three `sides`, of which it is `part` int (m)
    65536ths: trunc(side·(part / 65536)^(1 / axes) / step), in steps, int64 (m) each.

    No machine's cube root is asked, since these differ in the last bit.
    """
    if len(sides) == 3:
        return [np.searchsorted(_least_parts(int(side), step), part, side="right") - 1 for side in sides]
    share = part / UNIT if len(sides) == 1 else np.sqrt(part / UNIT)
    return [(share * side / step).astype(np.int64) for side in sides]


@cache
def _least_parts(side: int, step: int) -> NDArray[np.int64]:
    """The smallest part for which the cube root reaches 0, step, 2·step … up to `side`."""
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
