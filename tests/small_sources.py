"""Writes small sources: constant colours, photographs of many sizes, arrays. The same content every time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}
"""Class to colour: channel 2 − k of a mixture shows the share of class k."""

COLOUR_SIZE = (8, 6)
SIZES = [(40, 30), (25, 31), (64, 20), (33, 33)]


def write_colours(root: Path, per_class: int = 4, sizes: Sequence[tuple[int, int]] = (COLOUR_SIZE,)) -> Path:
    """Class folders in which every picture (width, height in turn from `sizes`) has its class's colour."""
    for name, colour in COLOURS.items():
        (root / name).mkdir(parents=True)
        for number in range(per_class):
            Image.new("RGB", sizes[number % len(sizes)], colour).save(root / name / f"{number}.png")
    return root


def write_photos(root: Path) -> Path:
    """Two classes of four smooth pictures each, all of different content, in four sizes; JPEG, PNG, grey and colour."""
    draw = np.random.default_rng(5)
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for number, size in enumerate(SIZES):
            coarse = Image.fromarray(draw.integers(0, 256, (4, 5, 3), dtype=np.uint8))
            picture = coarse.resize(size, Image.Resampling.BICUBIC).convert("L" if number == 1 else "RGB")
            picture.save(root / name / f"{number}.{'png' if number % 2 else 'jpg'}")
    return root


def write_arrays(path: Path, count: int = 40, shape: tuple[int, ...] = (8, 8, 3), class_count: int = 4) -> Path:
    """An .npz with `x` uint8 (count, *shape) and `y` int64 (count)."""
    draw = np.random.default_rng(7)
    np.savez(path, x=draw.integers(0, 256, (count, *shape), dtype=np.uint8), y=np.arange(count) % class_count)
    return path
