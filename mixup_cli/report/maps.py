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
    """The index maps of m tiles: `numbers` (m, layers, height, width), of which later layers lie on top; of instances
    also `slots` (m, O), the slot of the parent that the object in each place comes from, which may stand once for
    all."""

    numbers: NDArray[Any]
    slots: NDArray[Any] | None = None

    @classmethod
    def of(cls, signals: Iterable[Signal], read: Callable[[str], NDArray[Any]]) -> Self | None:
        """Those of rows, None if they have none. Of several parents' instances all are shown, and of their masks that
        of the parent with the largest share. `read` gives a column by its name."""
        for signal in signals:
            if not signal.is_index_map:
                continue
            numbers = read(signal.name)
            if signal.axes != "phw":
                numbers = numbers[:, None]
            if signal.name == INSTANCES:
                return cls(numbers, read("object_parent"))
            heaviest = read("share").argmax(axis=1) if signal.axes == "phw" else np.zeros(len(numbers), np.int64)
            return cls(numbers[np.arange(len(numbers)), heaviest][:, None])
        return None

    def over(self, tile: int, picture: Pictures) -> Pictures:
        """A picture (height, width, 3) under its map; where that is 0, as it is."""
        for layer in self.numbers[tile]:
            numbers = layer.astype(np.int64)
            if numbers.any():
                colours, quarters = self._laid(tile, numbers)
                part = quarters[..., None]
                picture = ((picture * (4 - part) + colours * part) // 4).astype(np.uint8)
        return picture

    def _laid(self, tile: int, numbers: NDArray[np.int64]) -> tuple[Pictures, NDArray[np.int64]]:
        """The colours (height, width, 3) that a map lays over a picture, and how much of each (height, width), in
        quarters."""
        if self.slots is None:
            of_class = np.where(numbers > 0, (numbers - 1) % (len(VOC_COLOURS) - 1) + 1, 0)
            return VOC_COLOURS[of_class], QUARTERS_OF_CLASS * (numbers > 0)
        slots = self.slots[tile][np.clip(numbers - 1, 0, self.slots.shape[1] - 1)]
        quarters = np.where(_edges(numbers), QUARTERS_AT_EDGE, QUARTERS_INSIDE) * (numbers > 0)
        return OF_PARENTS[slots % len(OF_PARENTS)], quarters


def _edges(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where a pixel has another number than one of the four beside it; beyond the picture lies no object."""
    around = np.pad(numbers, 1)
    beside = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:])
    found: NDArray[np.bool_] = np.any([numbers != each for each in beside], axis=0)
    return found
