"""Mixes samples as `generate` does, plan to pixels, without files: what the tests of methods share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import Device
from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import Draws
from mixup_cli.fields.axes import Axes, as_pictures
from mixup_cli.fields.form import Form, SampleDtype
from mixup_cli.kernels import Weights
from mixup_cli.methods import Decisions, Grid, Known, Method, build, shares
from mixup_cli.mixing.signal import Mixer
from mixup_cli.pairing import Population
from mixup_cli.plan.plan import Plan, Rows
from mixup_cli.plan.saliency import PeakFinder
from mixup_cli.plan.views import ViewRules
from mixup_cli.recipe import MethodChoice, Recipe
from tests.plain_methods import PLAIN

Options = Mapping[str, float | str]

VARIANTS: dict[str, MethodChoice] = {
    **{name: MethodChoice(name) for name in PLAIN},
    "mixup lively": MethodChoice("mixup", options={"alpha": 1.0}),
    "mixup balanced": MethodChoice("mixup", options={"base": 1.0}),
    "cutmix inside": MethodChoice("cutmix", options={"box": "inside"}),
    "cutmix minmax": MethodChoice("cutmix", options={"box": "minmax"}),
    "erase mean": MethodChoice("erase", options={"fill": "mean"}),
    "erase noise": MethodChoice("erase", options={"fill": "noise"}),
    "dirichlet of 5": MethodChoice("dirichlet", options={"k": 5.0, "alpha": 1.0}),
    "jigsaw of 3": MethodChoice("jigsaw", options={"n": 3.0}),
}
"""Every method that mixes any images, and those that an option makes another one."""


@dataclass(frozen=True)
class Made:
    """Rows, what parents really have of them (m, P), and what they look like (m, *sample)."""

    rows: Rows
    share: NDArray[np.float32]
    images: NDArray[Any]


def make(
    recipe: Recipe,
    samples: NDArray[Any],
    forms: tuple[Form, Form],
    rows: tuple[int, int] = (0, 8),
    device: Device = "cpu",
    dtype: str | None = None,
    void: int | None = None,
) -> Made:
    """Rows start … stop−1 over `samples` (n, *cached shape), cached in one form and mixed in another, as `dtype`; with
    `void`, of index maps."""
    form = forms[1]
    plan = plan_of(recipe, samples, forms)
    mixer = Mixer.open(recipe, plan.methods, forms, device, void)
    made = plan.rows(*rows)
    share = np.zeros((len(made), plan.methods.parent_count), np.float32)
    images = np.empty((len(made), *form.shape), dtype or form.dtype)
    for number, positions in plan.methods.groups(made.method):
        weights = plan.methods.weights(number, made.decisions[positions])
        share[positions, : weights.parts.shape[1]] = shares(weights, plan.methods.grid)
        mixer.mix(samples, made[positions], weights, images, positions)
    return Made(made, share, images)


def plan_of(recipe: Recipe, samples: NDArray[Any], forms: tuple[Form, Form]) -> Plan:
    """The plan of a recipe over samples that are pictures."""
    cached, form = forms
    cached_grid, grid = cached.grid, form.grid
    rules = ViewRules.of(recipe, cached_grid, grid) if cached_grid and grid else None
    return Plan(recipe, Population(np.arange(len(samples))), grid, rules, PeakFinder(as_pictures(samples, cached.axes)))


def form_of(axes: Axes, size: tuple[int, int], channels: int, dtype: SampleDtype = "uint8") -> Form:
    """The form of pictures."""
    shapes = {"hwc": (*size, channels), "chw": (channels, *size), "hw": size}
    return Form(shapes[axes], dtype, axes)


def in_form(pictures: NDArray[Any], form: Form) -> NDArray[Any]:
    """Pictures (n, height, width, channels) as samples (n, *shape) of a form."""
    if form.axes == "chw":
        return np.ascontiguousarray(np.moveaxis(pictures, 3, 1))
    return pictures[..., 0] if form.axes == "hw" else pictures


def pictures_of(made: Made, form: Form) -> NDArray[Any]:
    """What was made, as pictures (m, height, width, channels)."""
    return as_pictures(made.images, form.axes)


def noise(count: int, form: Form, seed: int = 0) -> NDArray[Any]:
    """Samples of noise, of the dtype's full range; float32 around 0."""
    rng = np.random.default_rng(seed)
    if form.dtype == "float32":
        return rng.normal(size=(count, *form.shape)).astype(np.float32)
    return rng.integers(0, np.iinfo(form.dtype).max, (count, *form.shape), form.dtype, endpoint=True)


def decided_by(method: Method, grid: Grid, rows: int, seed: int = 0) -> Decisions:
    """What a method decides of the first rows; the donors' peaks, if it needs them, lie anywhere."""
    rng = np.random.default_rng(seed)
    peaks = np.stack([rng.integers(0, side, rows) for side in (grid.height, grid.width)], axis=1).astype(np.int32)
    return method.decide(Draws.of_rows(seed, 0, rows), grid, Known(peaks))


def mask_of(weights: Weights) -> NDArray[np.int32]:
    """Weights that differ at every position: int32 (m, P, H, W)."""
    if weights.choice is None:
        assert weights.mask is not None
        return weights.mask
    parents = np.arange(weights.parts.shape[1])[:, None, None]
    return np.where(weights.choice[:, None] == parents, UNIT, 0).astype(np.int32)


def method_of(name: str, **options: float | str) -> Method:
    """A method with options."""
    return build(MethodChoice(name, options=options))


def drawn_as(draws: Draws, **words: NDArray[np.uint64]) -> Draws:
    """The draws with some of their words replaced, by the names of `RowWord`."""
    from mixup_cli.draws.rng import RowWord

    changed = draws.words.copy()
    for name, values in words.items():
        changed[:, RowWord[name]] = values
    return replace(draws, words=changed)
