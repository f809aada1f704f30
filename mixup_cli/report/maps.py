"""Index maps as people look at them: each number in a colour of its own, over the picture that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.signal import Signal
from mixup_cli.report.rgb import Pictures

COLOURS = 256


def _colours() -> Pictures:
    """Those of Pascal VOC's masks: the bits of a number, three by three, are the upper bits of red, green and blue."""
    numbers, made = np.arange(COLOURS), np.zeros((COLOURS, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            made[:, channel] |= (((numbers >> (3 * bit + channel)) & 1) << (7 - bit)).astype(np.uint8)
    return made


PALETTE = _colours()


def index_map_of(signals: Iterable[Signal], read: Callable[[str], NDArray[Any]]) -> NDArray[Any] | None:
    """The numbers (m, height, width) of the index map that rows have, of several parents that of the base; None if they
    have none. `read` gives a column by its name."""
    for signal in signals:
        if signal.is_index_map:
            numbers = read(signal.name)
            return numbers[:, 0] if signal.axes == "phw" else numbers
    return None


def tinted(picture: Pictures, numbers: NDArray[Any]) -> Pictures:
    """A picture (height, width, 3) under the colours of its map; where that is 0, as it is."""
    mixed = (picture.astype(np.uint16) + PALETTE[numbers.astype(np.int64) % COLOURS]) // 2
    return np.where(numbers[..., None] == 0, picture, mixed).astype(np.uint8)
