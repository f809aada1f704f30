"""Where pictures lie in the padding around them, for methods that put pictures together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.fit import placed
from mixup_cli.fields.target import Target
from mixup_cli.plan.plan import Rows

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Inner:
    """Where the picture of each sample lies in what is cached: `edges` (n, 4: top, left, bottom, right). `sides` are
    height and width of what is mixed."""

    edges: Floats
    sides: tuple[int, int]

    @classmethod
    def of(cls, extent: NDArray[np.int32], target: Target, sides: tuple[int, int]) -> Self | None:
        """Of pictures of `extent` int32 (n, 2) that are brought to a target; None if no picture has padding."""
        size, (scale, shift) = target.form.size, places_in(extent, target)
        corners = [shift, shift + np.maximum(extent, 1) * scale]
        edges = np.concatenate([np.clip(each, 0, size) for each in corners], axis=1)
        return cls(edges, sides) if (edges != [0, 0, *size]).any() else None

    def seen(self, rows: Rows) -> Rows:
        """The same rows, with where the pictures of their parents lie as they are mixed, through their views."""
        if rows.decisions.inner is not None:
            return rows
        inner = self.edges[rows.parents]
        if rows.views is not None:
            part, sides = rows.views[..., :4].astype(np.float64), np.array(self.sides)
            scale, first = sides / (part[..., 2:] - part[..., :2]), part[..., :2]
            low, high = (np.clip((each - first) * scale, 0, sides) for each in (inner[..., :2], inner[..., 2:]))
            is_mirrored = rows.views[..., 4] == 1
            left = np.where(is_mirrored, sides[1] - high[..., 1], low[..., 1])
            right = np.where(is_mirrored, sides[1] - low[..., 1], high[..., 1])
            inner = np.stack([low[..., 0], left, high[..., 0], right], axis=-1)
        return replace(rows, decisions=replace(rows.decisions, inner=np.rint(inner).astype(np.int32)))


def places_in(extent: NDArray[np.int32], target: Target) -> tuple[Floats, Floats]:
    """Scale and shift, each (n, 2: y, x), that bring each picture of `extent` int32 (n, 2) to a target."""
    extents, which = np.unique(np.maximum(extent, 1), axis=0, return_inverse=True)
    places = np.array([placed((int(h), int(w)), target.form.size, target.resize) for h, w in extents])
    scale, shift = np.moveaxis(places[which.reshape(-1)], 1, 0)
    return scale, shift
