"""Pictures with class masks that tests make: bands and blocks of classes, of which each has a colour of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZES = [(60, 44), (48, 64), (52, 52), (33, 40)]
COLOURS = np.array([(20, 30, 40), (200, 40, 40), (40, 200, 40), (40, 40, 220), (220, 220, 60)], np.uint8)
VOID = 255
"""Of no class: a border of two pixels around each block."""


def masks(count: int, sizes: Sequence[tuple[int, int]] = SIZES) -> list[NDArray[np.uint8]]:
    """Masks (height, width) of `count` pictures, of sizes (width, height) in turn. The second is all of one class."""
    draw, made = np.random.default_rng(3), []
    for number in range(count):
        width, height = sizes[number % len(sizes)]
        mask = np.zeros((height, width), np.uint8)
        for _ in range(0 if number == 1 else 3):
            top, left = (int(draw.integers(0, side - 12)) for side in (height, width))
            bottom, right = top + int(draw.integers(8, 20)), left + int(draw.integers(8, 20))
            mask[max(0, top - 2) : bottom + 2, max(0, left - 2) : right + 2] = VOID
            mask[top:bottom, left:right] = draw.integers(1, len(COLOURS))
        made.append(mask)
    return made


def write_pairs(root: Path, count: int = 12, sizes: Sequence[tuple[int, int]] = SIZES) -> Path:
    """`root/images` and `root/masks`: PNG pictures, and their masks under the same names. A pixel shows its class by
    its colour, black where it has none."""
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    for number, mask in enumerate(masks(count, sizes)):
        pixels = np.where(mask[..., None] == VOID, 0, COLOURS[np.minimum(mask, len(COLOURS) - 1)]).astype(np.uint8)
        Image.fromarray(pixels).save(root / "images" / f"{number:03}.png")
        Image.fromarray(mask).save(root / "masks" / f"{number:03}.png")
    return root
