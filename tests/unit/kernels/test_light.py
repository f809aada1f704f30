"""Linear light: amounts of light are mixed, not the values that encode them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.choices import Dtype
from mixup_cli.kernels.light import encoded_levels, linear_levels
from mixup_cli.recipe import MethodChoice, Normalize, Recipe
from tests.unit.methods.making import form_of, make

NONE = (MethodChoice("none"),)
HALF = (MethodChoice("zetamix", options={"gamma": 0.0, "k": 2.0}),)  # one half each, in every row
GREY = form_of("hw", (16, 16), 1)
EVERY = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)


def mixed(samples: NDArray[Any], dtype: Dtype = "uint8", **options: Any) -> NDArray[Any]:
    recipe = Recipe(linear_light=True, dtype=dtype, **options)
    image: NDArray[Any] = make(recipe, samples, (GREY, GREY), (0, 1), dtype=dtype).images[0]
    return image


def light_of(value: float) -> float:
    """IEC 61966-2-1, from 0 … 1 to 0 … 1."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def value_of(light: float) -> float:
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("uint8", EVERY[0]), ("uint16", 257 * EVERY[0].astype(np.uint16)), ("float32", np.float32(EVERY[0] / 255))],
)
def test_what_is_not_mixed_comes_out_as_it_went_in(dtype: Dtype, expected: NDArray[Any]) -> None:
    assert (mixed(EVERY, dtype, methods=NONE) == expected).all()


def test_half_black_and_half_white_is_half_the_light() -> None:
    black_and_white = np.stack([np.zeros((16, 16), np.uint8), np.full((16, 16), 255, np.uint8)])
    assert (mixed(black_and_white, methods=HALF) == 188).all()
    assert mixed(black_and_white, "uint16", methods=HALF)[0, 0] == pytest.approx(65535 * value_of(0.5), abs=2)
    assert mixed(black_and_white, "float32", methods=HALF)[0, 0] == pytest.approx(value_of(0.5), abs=2e-5)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_mixtures_are_those_of_the_standard(dtype: Dtype) -> None:
    samples = np.stack([EVERY[0], EVERY[0].T.copy()])
    made = make(
        Recipe(linear_light=True, methods=(MethodChoice("mixup", options={"alpha": 1.0}),)),
        samples,
        (GREY, GREY),
        dtype=dtype,
    )
    full = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    for image, parents, parts in zip(made.images, made.rows.parents, made.rows.decisions.parts / 65536, strict=True):
        lights = np.vectorize(light_of)(samples[parents] / 255)
        expected = np.vectorize(value_of)(parts[0] * lights[0] + parts[1] * lights[1])
        # a level of light is 65536ths: 13 of them are one of 65535 values where it is darkest
        np.testing.assert_allclose(image / full, expected, rtol=0, atol=13 / 65535 + (0.5 / 255 if full == 255 else 0))


def test_floats_are_normalised_as_others_are() -> None:
    plain = mixed(EVERY, "float32", methods=NONE)
    normalised = mixed(EVERY, "float32", methods=NONE, normalize=Normalize((0.5,), (0.25,)))
    np.testing.assert_allclose(normalised, (plain - 0.5) / 0.25, rtol=0, atol=1e-6)


def test_channels_are_normalised_each_by_its_own() -> None:
    form = form_of("chw", (3, 4), 3)
    recipe = Recipe(
        methods=NONE, dtype="float32", linear_light=True, normalize=Normalize((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    )
    samples = np.random.default_rng(0).integers(0, 256, (1, *form.shape), np.uint8)
    image = make(recipe, samples, (form, form), (0, 1), dtype="float32").images[0]
    for channel, (mean, std) in enumerate(((0.1, 0.4), (0.2, 0.5), (0.3, 0.6))):
        np.testing.assert_allclose(image[channel], (samples[0, channel] / 255 - mean) / std, rtol=0, atol=1e-6)


def test_what_is_hidden_has_the_fill_colour_itself() -> None:
    recipe = Recipe(methods=(MethodChoice("cutout", options={"side": 3.0}),), fill=(77,), linear_light=True)
    assert (make(recipe, EVERY, (GREY, GREY), (0, 1)).images == 77).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_more_light_is_never_a_lower_value(dtype: str) -> None:
    levels = encoded_levels(dtype).astype(np.float64)
    assert (np.diff(levels) >= 0).all()
    assert (levels[0], levels[-1]) == (0, {"uint8": 255, "uint16": 65535, "float32": 1}[dtype])
    assert (np.diff(linear_levels().astype(np.int64)) > 0).all(), "no two values have the same light"
