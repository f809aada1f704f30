"""Copies of samples through views: cropped, padded and mirrored, in numba. It runs on the CPU for every device,
since it decides row by row what to copy, and a device would be sent as much."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.compiled import compiled


@compiled
def _take(samples: Any, parents: Any, views: Any, fill: Any, out: Any, rows: Any) -> None:
    planes, height, width, inner = out.shape[1:]
    for r in range(parents.shape[0]):
        source, (top, left, mirrored) = samples[parents[r]], (views[r, 0], views[r, 1], views[r, 4])
        for plane in range(planes):
            for y in range(height):
                line = top + y
                within = 0 <= line < source.shape[1]
                for x in range(width):
                    column = left + (width - 1 - x if mirrored else x)
                    if within and 0 <= column < source.shape[2]:
                        for i in range(inner):
                            out[rows[r], plane, y, x, i] = source[plane, line, column, i]
                    else:
                        for i in range(inner):
                            out[rows[r], plane, y, x, i] = fill[plane, i]


def take(
    samples: NDArray[Any],
    parents: NDArray[np.int64],
    views: NDArray[np.int32],
    fill: NDArray[Any],
    out: NDArray[Any],
    rows: NDArray[np.int64],
) -> None:
    """Write `samples[parents[r]]` as `views[r]` (m, 5) shows it into `out[rows[r]]`, for views of the output's size.

    `samples` (n, outer, h, w, inner) and `out` (·, outer, height, width, inner) are C-contiguous and of one dtype, as
    `fill` (outer, inner) is, which is seen outside the sample.
    """
    _take(samples, np.ascontiguousarray(parents), np.ascontiguousarray(views), fill, out, rows)
