"""The stage: parents as views show them, before they are mixed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mixup_cli.fields.axes import Axes, as_pictures
from mixup_cli.fields.form import Form, SampleDtype
from mixup_cli.kernels.resample import resample
from mixup_cli.methods import Method
from mixup_cli.methods.base import pure
from mixup_cli.methods.decisions import decided
from mixup_cli.mixing.stage import Stage
from mixup_cli.mixing.surface import surface_of
from mixup_cli.recipe import Recipe
from tests.unit.methods.making import form_of, method_of, noise

MIXUP = method_of("mixup")
NOTHING = decided(pure(1, 0, 2))
LAYOUTS: list[tuple[Axes, int]] = [("hwc", 1), ("hwc", 3), ("chw", 3), ("hw", 1)]


def stage_of(cached: Form, form: Form, **options: Any) -> Stage:
    recipe = Recipe(**options)
    return Stage(cached, form, surface_of(form, recipe).fill, recipe.linear_light, resample)


def seen(stage: Stage, samples: NDArray[Any], view: list[int], method: Method = MIXUP) -> NDArray[Any]:
    """One parent through a view, as a picture."""
    views = np.array([[view, view]], np.int32)
    copies, parents = stage.set(samples, np.array([[1, 0]]), views, method, NOTHING)
    assert parents.tolist() == [[0, 1]]
    picture: NDArray[Any] = as_pictures(copies, stage.form.axes)[0]
    return picture


def by_hand(picture: NDArray[Any], view: list[int], fill: NDArray[Any]) -> NDArray[Any]:
    """A view of the output's size, pixel by pixel."""
    top, left, bottom, right, mirrored = view
    out = np.empty((bottom - top, right - left, picture.shape[2]), picture.dtype)
    for y in range(bottom - top):
        for x in range(right - left):
            line, column = top + y, left + (right - left - 1 - x if mirrored else x)
            inside = 0 <= line < picture.shape[0] and 0 <= column < picture.shape[1]
            out[y, x] = picture[line, column] if inside else fill.ravel()
    return out


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(("axes", "channels"), LAYOUTS)
@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 1))
@settings(deadline=None, max_examples=25)
def test_a_padded_view_shows_the_fill_around_the_picture(
    dtype: SampleDtype, axes: Axes, channels: int, top: int, left: int, mirrored: int
) -> None:
    form = form_of(axes, (5, 7), channels, dtype)
    stage, samples = stage_of(form, form, fill=(10, 20, 30)[:channels]), noise(2, form)
    view = [top, left, top + 5, left + 7, mirrored]
    expected = by_hand(as_pictures(samples, axes)[1], view, stage.fill)
    assert (seen(stage, samples, view) == expected).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(("axes", "channels"), LAYOUTS)
@pytest.mark.parametrize("mirrored", [0, 1])
def test_a_part_of_another_size_is_resized(dtype: SampleDtype, axes: Axes, channels: int, mirrored: int) -> None:
    cached, form = form_of(axes, (12, 20), channels, dtype), form_of(axes, (5, 7), channels, dtype)
    samples = noise(2, cached)
    part = as_pictures(samples, axes)[1][2:11, 3:17]
    expected = resample(part, (5, 7))
    shown = seen(stage_of(cached, form), samples, [2, 3, 11, 17, mirrored])
    assert (shown == (expected[:, ::-1] if mirrored else expected)).all()


def test_a_tile_may_hold_both_kinds_of_views() -> None:
    cached, form = form_of("chw", (12, 20), 3), form_of("chw", (5, 7), 3)
    samples, stage = noise(4, cached), stage_of(cached, form)
    views = np.array([[[2, 3, 11, 17, 0], [1, 1, 6, 8, 1]], [[0, 0, 5, 7, 0], [0, 0, 12, 20, 1]]], np.int32)
    parents = np.array([[3, 0], [1, 3]])
    copies, _ = stage.set(samples, parents, views, MIXUP, NOTHING)
    for number, (parent, view) in enumerate(zip(parents.ravel(), views.reshape(-1, 5).tolist(), strict=True)):
        alone, _ = stage.set(samples, np.array([[parent]]), np.array([[view]], np.int32), MIXUP, NOTHING)
        assert (copies[number] == alone[0]).all()


def test_whole_pictures_are_mixed_from_the_cache_itself() -> None:
    form = form_of("hwc", (4, 4), 3)
    samples, parents = noise(2, form), np.array([[1, 0]])
    there, same = stage_of(form, form).set(samples, parents, None, MIXUP, NOTHING)
    assert there is samples
    assert same is parents


def test_the_cache_may_be_a_read_only_file(tmp_path: Path) -> None:
    form = form_of("hwc", (5, 7), 3)
    samples = noise(3, form)
    samples.tofile(tmp_path / "cache")
    mapped = np.memmap(tmp_path / "cache", np.uint8, "r", shape=samples.shape)
    for view in ([-1, 2, 4, 9, 1], [0, 0, 3, 3, 0]):
        assert (seen(stage_of(form, form), mapped, view) == seen(stage_of(form, form), samples, view)).all()


@pytest.mark.parametrize("axes", ["hwc", "chw", "hw"])
def test_pictures_are_views_of_samples(axes: Axes) -> None:
    form = form_of(axes, (4, 5), 1 if axes == "hw" else 3)
    samples = np.zeros((2, *form.shape), np.uint8)
    pictures = as_pictures(samples, axes)
    assert pictures.shape == (2, *form.size, form.channels)
    pictures[1, 3, 4] = 9
    assert samples.any()


def test_light_is_made_after_resizing_and_filling() -> None:
    from mixup_cli.kernels.light import linear_levels

    cached, form = form_of("hwc", (12, 20), 3), form_of("hwc", (5, 7), 3)
    samples = noise(2, cached)
    for view in ([2, 3, 11, 17, 1], [-2, 0, 3, 7, 0]):
        plain = seen(stage_of(cached, form, fill=(200,)), samples, view)
        light = seen(stage_of(cached, form, fill=(200,), linear_light=True), samples, view)
        assert (light == linear_levels()[plain]).all()
