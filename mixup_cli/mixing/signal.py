"""From rows of the plan to pixels: parents are staged, then blended, or one of them selected."""

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
from mixup_cli.kernels.resample import nearest, resample
from mixup_cli.methods import Decisions, Method
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.mixing.index_map import of_parent, selected
from mixup_cli.mixing.regions import in_time, scaled, weights_at
from mixup_cli.mixing.stage import Stage
from mixup_cli.mixing.surface import surface_of
from mixup_cli.plan.plan import Rows
from mixup_cli.recipe import Recipe


@dataclass(frozen=True)
class Mixer:
    """Mixes rows of one method at a time. `encoded` is how light becomes values again, where it is light that is mixed.
    Of index maps (`selects`) one parent is selected at each position.

    Safe to call from several threads at once.
    """

    methods: MethodSet
    stage: Stage
    kernel: Kernel
    encoded: Surface | None
    selects: bool = False

    @classmethod
    def open(
        cls, recipe: Recipe, methods: MethodSet, forms: tuple[Form, Form], device: Device, void: int | None = None
    ) -> Self:
        """The mixer of a recipe, for samples that are cached in the first of two forms and mixed in the second. Of an
        index map, `void` is the number around a picture."""
        cached, form = forms
        surface = surface_of(form, recipe)
        if void is not None:
            surface = replace(surface, fill=np.full_like(surface.fill, void))
            stage = Stage(cached, form, surface.fill, linear_light=False, resample=nearest)
            return cls(methods, stage, open_kernel(device, surface), None, selects=True)
        stage = Stage(cached, form, surface.fill, recipe.linear_light, resample)
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
        `weights` are on the grid of the methods. Of an index map, `out` may have one map for each parent."""
        method, decisions, weights = self._here(rows, weights)
        slots = slice(method.parent_count)
        views = None if rows.views is None else rows.views[:, slots]
        parents = rows.parents[:, slots]
        samples, parents = self.stage.set(samples, parents, views, method, decisions)
        if self.selects:
            self._select(samples, parents, weights, out, places)
            return
        if (frames := self.stage.form.frames) > 1:
            samples, parents, out, places = _frame_by_frame(samples, parents, out, places, frames)
        if self.encoded is None:
            self.kernel.blend(samples, parents, weights, out, places)
            if decisions.scale is not None:
                out[places] *= decisions.scale.reshape(-1, *[1] * (out.ndim - 1))
            return
        light = np.empty((len(rows), *out.shape[1:]), np.uint16)
        self.kernel.blend(samples, parents, weights, light, np.arange(len(rows)))
        values = np.empty(light.shape, out.dtype)
        encode(light, self.encoded, values)
        out[places] = values

    def _here(self, rows: Rows, weights: Weights) -> tuple[Method, Decisions, Weights]:
        """The method of rows, and their decisions and weights, on the grid of this signal."""
        number = int(rows.method[0])
        method, decisions = self.methods.methods[number], self.methods.own(number, rows.decisions)
        grid = self.stage.form.grid
        if grid is not None and grid != self.methods.grid:
            decisions = scaled(decisions, self.methods.grid, grid)
            weights = weights_at(method, decisions, weights, grid)
        if self.selects and grid is not None and (other := method.of_index_maps) != method:
            method, weights = other, other.weights(decisions, grid)
        return method, decisions, in_time(weights, self.stage.form)

    def _select(
        self,
        samples: NDArray[Any],
        parents: NDArray[np.int64],
        weights: Weights,
        out: NDArray[Any],
        places: NDArray[np.int64],
    ) -> None:
        if out.ndim == samples.ndim:
            self.kernel.blend(samples, parents, selected(weights), out, places)
            return
        maps = np.empty((len(places), *samples.shape[1:]), out.dtype)
        out[places] = self.stage.fill
        for slot in range(parents.shape[1]):
            alone = np.ascontiguousarray(parents[:, slot : slot + 1])
            self.kernel.blend(samples, alone, of_parent(weights, slot), maps, np.arange(len(places)))
            out[places, slot] = maps

    def slots(self, rows: Rows, weights: Weights) -> NDArray[Any]:
        """The parent that is selected at each position, by its slot: (m, height, width); any where none is."""
        _, _, weights = self._here(rows, weights)
        count = weights.parts.shape[1]
        numbers = np.empty((count, *self.stage.form.shape), self.stage.form.dtype)
        numbers[...] = np.arange(count)[:, None, None]
        out = np.empty((len(rows), *self.stage.form.shape), numbers.dtype)
        parents = np.tile(np.arange(count), (len(rows), 1))
        self.kernel.blend(numbers, parents, selected(weights), out, np.arange(len(rows)))
        return out


def _frame_by_frame(
    samples: NDArray[Any], parents: NDArray[np.int64], out: NDArray[Any], places: NDArray[np.int64], count: int
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[Any], NDArray[np.int64]]:
    """Samples, parents, output and its places with each of `count` frames as a sample of its own."""
    number = np.arange(count)
    frames = (parents[:, None, :] * count + number[:, None]).reshape(-1, parents.shape[1])
    room = (places[:, None] * count + number).ravel()
    return samples.reshape(-1, *samples.shape[2:]), frames, out.reshape(-1, *out.shape[2:]), room
