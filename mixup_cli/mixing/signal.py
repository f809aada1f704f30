"""From rows of the plan to pixels: parents are staged, then blended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import Device
from mixup_cli.fields.form import Form
from mixup_cli.kernels import Kernel, Surface, Weights
from mixup_cli.kernels.device import open_kernel
from mixup_cli.kernels.light import encode, linear_levels
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.mixing.regions import scaled, weights_at
from mixup_cli.mixing.stage import Stage
from mixup_cli.mixing.surface import surface_of
from mixup_cli.plan.plan import Rows
from mixup_cli.recipe import Recipe


@dataclass(frozen=True)
class Mixer:
    """Mixes rows of one method at a time. `encoded` is how light becomes values again, where it is light that is mixed.

    Safe to call from several threads at once.
    """

    methods: MethodSet
    stage: Stage
    kernel: Kernel
    encoded: Surface | None

    @classmethod
    def open(cls, recipe: Recipe, methods: MethodSet, cached: Form, form: Form, device: Device) -> Self:
        """The mixer of a recipe, for samples that are cached in one form and mixed in another."""
        surface = surface_of(form, recipe)
        stage = Stage(cached, form, surface.fill, recipe.linear_light)
        if not recipe.linear_light:
            return cls(methods, stage, open_kernel(device, surface), None)
        light = replace(surface_of(replace(form, dtype="uint16"), recipe), fill=linear_levels()[surface.fill])
        encoded = surface_of(replace(form, dtype="float32"), recipe)
        return cls(methods, stage, open_kernel(device, light), encoded)

    def mix(
        self,
        samples: NDArray[Any],
        rows: Rows,
        weights: Weights,
        out: NDArray[Any],
        places: NDArray[np.int64],
    ) -> None:
        """Mix rows that are all of one method into `out[places]`. `samples` (n, *cached shape) by source index;
        `weights` are on the grid of the methods."""
        number = int(rows.method[0])
        method, decisions = self.methods.methods[number], self.methods.own(number, rows.decisions)
        grid = self.stage.form.grid
        if grid is not None and grid != self.methods.grid:
            decisions = scaled(decisions, self.methods.grid, grid)
            weights = weights_at(method, decisions, weights, grid)
        slots = slice(method.parent_count)
        views = None if rows.views is None else rows.views[:, slots]
        parents = rows.parents[:, slots]
        samples, parents = self.stage.set(samples, parents, views, method, decisions)
        if self.encoded is None:
            self.kernel.blend(samples, parents, weights, out, places)
            return
        light = np.empty((len(rows), *out.shape[1:]), np.uint16)
        self.kernel.blend(samples, parents, weights, light, np.arange(len(rows)))
        values = np.empty(light.shape, out.dtype)
        encode(light, self.encoded, values)
        out[places] = values
