"""Index maps as people look at them, over their pictures: classes in colours, instances with outlines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from mixup_cli.fields.colours import VOC_COLOURS
from mixup_cli.fields.signal import INSTANCES, Signal
from mixup_cli.report.marks import COLOURS
from mixup_cli.report.rgb import Pictures

OF_PARENTS = np.array([ImageColor.getrgb(colour) for colour in COLOURS], np.uint8)
"""The colours of instances, by the slot of their parent: those of its boxes."""

QUARTERS_OF_CLASS, QUARTERS_INSIDE, QUARTERS_AT_EDGE = 2, 1, 4
"""How much of a colour is laid over a picture, in quarters: of a class; of an instance, and of its outermost pixels."""


@dataclass(frozen=True)
class IndexMaps:
    """The index maps of m tiles: `numbers` (m, height, width); of instances also `slots` (m, O), the slot of the parent
    that the object in each place comes from, which may stand once for all."""

    numbers: NDArray[Any]
    slots: NDArray[Any] | None = None

    @classmethod
    def of(cls, signals: Iterable[Signal], read: Callable[[str], NDArray[Any]]) -> Self | None:
        """Those of rows, of several parents that of the one with the largest share; None if they have none. `read`
        gives a column by its name."""
        for signal in signals:
            if signal.is_index_map:
                numbers = read(signal.name)
                if signal.axes == "phw":
                    numbers = numbers[np.arange(len(numbers)), read("share").argmax(axis=1)]
                return cls(numbers, read("object_parent") if signal.name == INSTANCES else None)
        return None

    def over(self, tile: int, picture: Pictures) -> Pictures:
        """A picture (height, width, 3) under its map; where that is 0, as it is."""
        numbers = self.numbers[tile].astype(np.int64)
        if not numbers.any():
            return picture
        if self.slots is None:
            colours = VOC_COLOURS[np.where(numbers > 0, (numbers - 1) % (len(VOC_COLOURS) - 1) + 1, 0)]
            quarters = np.where(numbers > 0, QUARTERS_OF_CLASS, 0)
        else:
            known = self.slots[tile]
            slots = known[np.clip(numbers - 1, 0, len(known) - 1)]
            colours = OF_PARENTS[slots % len(OF_PARENTS)]
            quarters = np.where(_edges(numbers), QUARTERS_AT_EDGE, QUARTERS_INSIDE) * (numbers > 0)
        part = quarters[..., None]
        shown: Pictures = ((picture * (4 - part) + colours * part) // 4).astype(np.uint8)
        return shown


def _edges(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where a pixel has another number than one of the four beside it; beyond the picture lies no object."""
    around = np.pad(numbers, 1)
    beside = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:])
    found: NDArray[np.bool_] = np.any([numbers != each for each in beside], axis=0)
    return found
