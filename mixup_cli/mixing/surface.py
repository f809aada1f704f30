"""From the working form and the recipe to what the kernels need: how a sample lies in memory, and how output ends."""

from __future__ import annotations

import numpy as np

from mixup_cli.errors import UsageError
from mixup_cli.fields.form import Form
from mixup_cli.kernels import Surface
from mixup_cli.methods import Grid, build
from mixup_cli.recipe import Normalize, Recipe
from mixup_cli.scan.decide import finish_of
from mixup_cli.sources.reading.scaling import FULL_SCALE, Finish
from mixup_cli.wording import setting


def grid_of(form: Form) -> Grid | None:
    """The positions of a picture, or None for samples that have no height and width."""
    return Grid(*form.extent[:2]) if form.axes else None


def surface_of(form: Form, recipe: Recipe) -> Surface:
    """The surface of a form. What makes floats of sums is `sources.scaling.Finish`."""
    outer, height, width, inner = planes_of(form)
    channels = (outer, inner)
    normalize = recipe.normalize or Normalize((0.0,), (1.0,))
    mean, scale = Finish(form.dtype, "float32", normalize.mean, normalize.std).constants
    fill = np.resize(np.array(recipe.fill, np.float64), channels) * (FULL_SCALE[form.dtype] / 255.0)
    return Surface(
        outer,
        height,
        width,
        inner,
        fill=fill.astype(form.dtype),
        mean=np.resize(mean, channels),
        scale=np.resize(scale, channels),
    )


def check_fill(form: Form, recipe: Recipe) -> None:
    """Raises UsageError where normalisation makes infinities of the fill colour or of noise, where methods and crops
    show them. The samples are not looked at here: the scan looks at each.
    """
    finish = finish_of(form, recipe)
    if finish is None or recipe.normalize is None:
        return
    methods = [build(choice) for choice in recipe.methods]
    shown = [np.zeros(1), np.ones(1)] if any(method.makes_noise for method in methods) else []
    if recipe.has_views or any(method.fills for method in methods):
        shown.append(np.array(recipe.fill) / 255.0)
    if not all(np.isfinite(finish.ended(each * FULL_SCALE[form.dtype])).all() for each in shown):
        found = f"{recipe.dtype} cannot hold what it makes of the fill colour or noise."
        remedy = f"Give a larger standard deviation, or another {setting('fill')}."
        raise UsageError(found, remedy, field="normalize")


def planes_of(form: Form) -> tuple[int, int, int, int]:
    """How a sample of a form lies in memory: outer × height × width × inner (see `kernels.Surface`)."""
    height, width, channels = form.extent
    if form.axes in ("hwc", "hw"):
        return 1, height, width, channels
    if form.axes == "chw":
        return channels, height, width, 1
    return 1, 1, int(np.prod(form.shape, dtype=np.int64)), 1
