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

PARTS = 256
OF_CLASS, INSIDE, AT_EDGE = 128, 64, 256
"""How much of a colour is laid over a picture, in 256ths: of a class; of an instance, and of its outermost pixels."""


@dataclass(frozen=True)
class IndexMaps:
    """The index maps of m tiles: `numbers` (m, layers, height, width). Of instances later layers lie on top, and
    `slots` (m, O) is the slot of the parent that the object in each place comes from, which may stand once for all. The
    colours of classes are mixed: `share` (m, layers) is the part of each layer, None where there is one."""

    numbers: NDArray[Any]
    slots: NDArray[Any] | None = None
    share: NDArray[Any] | None = None

    @classmethod
    def of(cls, signals: Iterable[Signal], read: Callable[[str], NDArray[Any]]) -> Self | None:
        """Those of rows, None if they have none: the first that they have. Of several parents all are shown. `read`
        gives a column by its name."""
        for signal in signals:
            if not signal.is_index_map:
                continue
            numbers = read(signal.name)
            if signal.axes != "phw":
                numbers = numbers[:, None]
            if signal.name == INSTANCES:
                return cls(numbers, read("object_parent"))
            return cls(numbers, None, read("share") if signal.axes == "phw" else None)
        return None

    def over(self, tile: int, picture: Pictures) -> Pictures:
        """A picture (height, width, 3) under its map; where that is 0, as it is."""
        layers = self.numbers[tile].astype(np.int64)
        if not layers.any():
            return picture
        if self.slots is None:
            return self._tinted(tile, layers, picture)
        for numbers in layers:
            slots = self.slots[tile][np.clip(numbers - 1, 0, self.slots.shape[1] - 1)]
            parts = np.where(_edges(numbers), AT_EDGE, INSIDE) * (numbers > 0)
            picture = _laid(picture, OF_PARENTS[slots % len(OF_PARENTS)].astype(np.int64) * parts[..., None], parts)
        return picture

    def _tinted(self, tile: int, layers: NDArray[np.int64], picture: Pictures) -> Pictures:
        """A picture under the colours of its classes, each by the share of its layer."""
        share = np.ones(len(layers)) if self.share is None else np.nan_to_num(self.share[tile])
        parts = np.rint(OF_CLASS * np.clip(share, 0, 1)).astype(np.int64)[:, None, None] * (layers > 0)
        colours = VOC_COLOURS[np.where(layers > 0, (layers - 1) % (len(VOC_COLOURS) - 1) + 1, 0)]
        return _laid(picture, (colours * parts[..., None]).sum(axis=0), parts.sum(axis=0))


def _laid(picture: Pictures, colours: NDArray[np.int64], parts: NDArray[np.int64]) -> Pictures:
    """Colours (height, width, 3), times their parts (height, width) in 256ths, over a picture."""
    parts = np.minimum(parts, PARTS)
    laid: Pictures = np.minimum((picture * (PARTS - parts[..., None]) + colours) // PARTS, 255).astype(np.uint8)
    return laid


def _edges(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where a pixel has another number than one of the four beside it; beyond the picture lies no object."""
    around = np.pad(numbers, 1)
    beside = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:])
    found: NDArray[np.bool_] = np.any([numbers != each for each in beside], axis=0)
    return found
