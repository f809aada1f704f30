"""Pascal VOC's colours of numbers: those of its masks, by which people and programs know them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COUNT = 256


def _colours() -> NDArray[np.uint8]:
    """The bits of a number, three by three, are the upper bits of red, green and blue: as in the development kit of
    http://host.robots.ox.ac.uk/pascal/VOC/."""
    numbers, made = np.arange(COUNT), np.zeros((COUNT, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            made[:, channel] |= (((numbers >> (3 * bit + channel)) & 1) << (7 - bit)).astype(np.uint8)
    return made


VOC_COLOURS = _colours()
"""uint8 (256, 3)."""
