"""From the working form and the recipe to what the kernels need: how a sample lies in memory, and how output ends."""

from __future__ import annotations

import numpy as np

from mixup_cli.errors import UsageError
from mixup_cli.fields.decide import finish_of
from mixup_cli.fields.form import Form
from mixup_cli.fields.scaling import FULL_SCALE, Finish
from mixup_cli.kernels import Surface
from mixup_cli.methods import build
from mixup_cli.recipe import Normalize, Recipe
from mixup_cli.wording import setting


def surface_of(form: Form, recipe: Recipe) -> Surface:
    """The surface of a form. What makes floats of sums is `fields.scaling.Finish`."""
    outer, lines, columns, inner = form.planes
    constants = (outer, inner)
    normalize = recipe.normalize or Normalize((0.0,), (1.0,))
    mean, scale = Finish(form.dtype, "float32", normalize.mean, normalize.std).constants
    fill = np.resize(np.array(recipe.fill, np.float64), constants) * (FULL_SCALE[form.dtype] / 255.0)
    return Surface(
        outer,
        lines,
        columns,
        inner,
        fill=fill.astype(form.dtype),
        mean=np.resize(mean, constants),
        scale=np.resize(scale, constants),
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
