"""From the working form and the recipe to what the kernels need: how a sample lies in memory, and how output ends."""

from __future__ import annotations

import numpy as np

from mixup_cli.kernels import Surface
from mixup_cli.methods import Grid
from mixup_cli.recipe import Normalize, Recipe
from mixup_cli.sources.base import Form

FULL_SCALE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
"""What 1.0 is in samples of a dtype."""


def grid_of(form: Form) -> Grid | None:
    """The positions of a picture, or None for samples that have no height and width."""
    return Grid(*form.extent[:2]) if form.axes else None


def surface_of(form: Form, recipe: Recipe) -> Surface:
    """The surface of a form.

    Float output is (float32(I) − mean′) · scale′, which no compiler can contract:

    from uint8, I is in 65536ths of grey levels, so mean′ = 65536·255·mean and scale′ = 1/(65536·255·std);
    from uint16 and float32 the kernels have divided by 65536 before.
    """
    outer, height, width, inner = planes_of(form)
    channels = (outer, inner)
    full = FULL_SCALE[form.dtype]
    unit = full * (65536.0 if form.dtype == "uint8" else 1.0)
    normalize = recipe.normalize or Normalize((0.0,), (1.0,))

    def per_channel(values: tuple[float, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        return np.resize(np.array(values, np.float64), channels)

    return Surface(
        outer,
        height,
        width,
        inner,
        fill=(per_channel(tuple(float(value) for value in recipe.fill)) * (full / 255.0)).astype(form.dtype),
        mean=(per_channel(normalize.mean) * unit).astype(np.float32),
        scale=(1.0 / (per_channel(normalize.std) * unit)).astype(np.float32),
    )


def planes_of(form: Form) -> tuple[int, int, int, int]:
    """How a sample of a form lies in memory: outer × height × width × inner (see `kernels.Surface`)."""
    height, width, channels = form.extent
    if form.axes in ("hwc", "hw"):
        return 1, height, width, channels
    if form.axes == "chw":
        return channels, height, width, 1
    return 1, 1, int(np.prod(form.shape, dtype=np.int64)), 1
