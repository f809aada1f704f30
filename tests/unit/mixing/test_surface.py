from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mixup_cli.fields.axes import Axes
from mixup_cli.fields.form import Form, SampleDtype
from mixup_cli.fields.scaling import FULL_SCALE
from mixup_cli.methods import Grid
from mixup_cli.mixing.surface import surface_of
from mixup_cli.recipe import Normalize, Recipe


@pytest.mark.parametrize(
    ("shape", "axes", "extent", "grid"),
    [
        ((4, 6, 3), "hwc", (1, 4, 6, 3), Grid(4, 6)),
        ((3, 4, 6), "chw", (3, 4, 6, 1), Grid(4, 6)),
        ((4, 6), "hw", (1, 4, 6, 1), Grid(4, 6)),
        ((4, 6, 3, 2), "", (1, 1, 144, 1), None),
        ((), "", (1, 1, 1, 1), None),
    ],
)
def test_how_samples_lie_in_memory(
    shape: tuple[int, ...], axes: Axes, extent: tuple[int, ...], grid: Grid | None
) -> None:
    form = Form(shape, "uint8", axes)
    assert surface_of(form, Recipe()).shape == extent
    assert form.grid == grid


@pytest.mark.parametrize("axes", ["hwc", "chw"])
def test_channels_have_their_own_fill_mean_and_scale(axes: Axes) -> None:
    normalize = Normalize((0.1, 0.2, 0.3), (1.0, 2.0, 4.0))
    recipe = Recipe(fill=(1, 2, 3), dtype="float32", normalize=normalize)
    surface = surface_of(Form((2, 2, 3) if axes == "hwc" else (3, 2, 2), "float32", axes), recipe)
    expected: list[tuple[Any, list[float]]] = [
        (surface.fill, [1 / 255, 2 / 255, 3 / 255]),
        (surface.mean, [0.1, 0.2, 0.3]),
        (surface.scale, [1.0, 0.5, 0.25]),
    ]
    for actual, values in expected:
        np.testing.assert_allclose(actual.ravel(), values, rtol=1e-6)


@pytest.mark.parametrize("dtype", FULL_SCALE)
def test_floats_are_scaled_to_one_and_normalized(dtype: SampleDtype) -> None:
    recipe = Recipe(dtype="float32", normalize=Normalize((0.5,), (0.25,)))
    surface = surface_of(Form((1, 1, 1), dtype, "hwc"), recipe)
    weighted = FULL_SCALE[dtype] * (65536 if dtype == "uint8" else 1)  # what the kernels finish for white
    assert ((np.float32(weighted) - surface.mean) * surface.scale).item() == pytest.approx((1.0 - 0.5) / 0.25)


@pytest.mark.parametrize(("dtype", "white"), [("uint8", 255), ("uint16", 65535), ("float32", 1.0)])
def test_the_fill_is_given_in_8_bits_and_reaches_white(dtype: SampleDtype, white: float) -> None:
    surface = surface_of(Form((1, 1, 3), dtype, "hwc"), Recipe(fill=(255,)))
    assert surface.fill.dtype == dtype
    assert surface.fill.tolist() == [[white] * 3]
