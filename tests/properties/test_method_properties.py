"""What holds of every method, on pictures of any size, from the plan to the pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mixup_cli.choices import Dtype
from mixup_cli.fields.axes import Axes
from mixup_cli.fields.form import Form, SampleDtype
from mixup_cli.fields.labels import dense_from_classes
from mixup_cli.recipe import Recipe
from tests.plain_methods import PLAIN
from tests.unit.methods.making import VARIANTS, Made, form_of, in_form, make, noise, pictures_of

COLOURS = {
    1: np.array([[255], [0]], np.uint8),
    3: 255 * np.eye(3, dtype=np.uint8),
    4: 255 * np.eye(4, dtype=np.uint8),
}
"""By channels, the colour of each class: a mixture's mean over channel k tells the share of class k."""

SAMPLE_COUNT = 6
ROW_COUNT = 8
ROUNDING = 0.5 / 255
HIDES = ("cutout", "erase")
"""Where the fill colour takes a part that counts for nobody."""

sides = st.integers(1, 40)
shapes: st.SearchStrategy[tuple[Axes, int]] = st.sampled_from(
    [("hwc", 1), ("hwc", 3), ("hwc", 4), ("chw", 1), ("chw", 3), ("hw", 1)]
)
few = settings(deadline=None, max_examples=12)


def coloured(form: Form) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Samples that are each of their class's colour, and the classes."""
    (height, width), channels = form.size, form.channels
    colours = COLOURS[channels]
    classes = (np.arange(SAMPLE_COUNT) % len(colours)).astype(np.int32)
    pictures = np.broadcast_to(colours[classes][:, None, None], (SAMPLE_COUNT, height, width, channels))
    return in_form(np.ascontiguousarray(pictures), form), classes


def labels_of(made: Made, classes: NDArray[np.int32], class_count: int) -> NDArray[np.float32]:
    return dense_from_classes(classes[made.rows.parents], made.share, class_count)


@pytest.mark.parametrize("variant", VARIANTS)
@given(shapes, sides, sides, st.integers(0, 10**6), st.booleans())
@few
def test_label_is_the_share_of_the_pixels(
    variant: str, shape: tuple[Axes, int], height: int, width: int, seed: int, seen_anew: bool
) -> None:
    form = form_of(shape[0], (height, width), shape[1])
    recipe = Recipe(methods=(VARIANTS[variant],), seed=seed, flip=0.5, crop_area=(0.1, 1.0) if seen_anew else None)
    samples, classes = coloured(form)
    made = make(recipe, samples, (form, form), (0, ROW_COUNT))
    label = labels_of(made, classes, len(COLOURS[shape[1]]))
    assert (label.sum(axis=1, dtype=np.float64) == 1).all()
    if variant == "erase noise":
        return
    shown = pictures_of(made, form).mean(axis=(1, 2), dtype=np.float64) / 255
    label = label[:, : shape[1]]  # with one channel, the first class is white and the other is black
    if variant in HIDES:
        top, left, bottom, right = made.rows.decisions.box.T
        label = label * (1 - (bottom - top) * (right - left) / (height * width))[:, None]
    assert np.abs(shown - label).max() <= ROUNDING + 2.0**-24


@pytest.mark.parametrize("variant", ["cutmix", "resizemix", "fmix", "gridmix", "saliencymix", "mosaic", "jigsaw"])
@given(shapes, sides, sides, st.integers(0, 10**6))
@few
def test_whole_pixels_give_exact_labels(
    variant: str, shape: tuple[Axes, int], height: int, width: int, seed: int
) -> None:
    form = form_of(shape[0], (height, width), shape[1])
    samples, classes = coloured(form)
    made = make(Recipe(methods=(VARIANTS[variant],), seed=seed), samples, (form, form), (0, ROW_COUNT))
    shown = pictures_of(made, form).mean(axis=(1, 2), dtype=np.float64) / 255
    label = labels_of(made, classes, len(COLOURS[shape[1]]))[:, : shape[1]]
    np.testing.assert_allclose(shown, label, rtol=0, atol=2.0**-23)


@pytest.mark.parametrize("variant", HIDES)
@given(sides, sides, st.integers(0, 10**6))
@few
def test_what_is_hidden_shows_the_fill_and_counts_for_nobody(variant: str, height: int, width: int, seed: int) -> None:
    form = form_of("hwc", (height, width), 3)
    recipe = Recipe(methods=(VARIANTS[variant],), seed=seed, fill=(9, 8, 7))
    samples = np.full((SAMPLE_COUNT, height, width, 3), 200, np.uint8)
    made = make(recipe, samples, (form, form), (0, ROW_COUNT))
    assert (made.share == 1).all()
    for picture, (top, left, bottom, right) in zip(made.images, made.rows.decisions.box, strict=True):
        expected = samples[0].copy()
        expected[top:bottom, left:right] = (9, 8, 7)
        assert (picture == expected).all()


RECIPES: dict[str, Recipe] = {
    "plain": Recipe(seed=3),
    "padded views": Recipe(seed=3, flip=0.5, crop_pad=3, fill=(40,)),
    "resized views": Recipe(seed=3, flip=0.5, crop_area=(0.2, 1.0)),
}
DTYPES: list[SampleDtype] = ["uint8", "uint16", "float32"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_both_backends_give_the_same_bits(variant: str, dtype: SampleDtype) -> None:
    for recipe in RECIPES.values():
        for axes, channels in (("hwc", 3), ("chw", 3), ("hw", 1)):
            form = form_of(axes, (7, 9), channels, dtype)  # type: ignore[arg-type]  # a tuple's words are wider
            check_same_bits(recipe.with_(methods=(VARIANTS[variant],)), noise(SAMPLE_COUNT, form), form)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_both_backends_give_the_same_bits_in_linear_light(variant: str, dtype: Dtype) -> None:
    form = form_of("hwc", (7, 9), 3)
    recipe = Recipe(methods=(VARIANTS[variant],), seed=4, flip=0.5, crop_pad=2, linear_light=True, fill=(90,))
    check_same_bits(recipe, noise(SAMPLE_COUNT, form), form, dtype)


def check_same_bits(recipe: Recipe, samples: NDArray[Any], form: Form, dtype: str | None = None) -> None:
    numba, torch = (make(recipe, samples, (form, form), device=device, dtype=dtype) for device in ("cpu", "cpu-torch"))
    assert numba.images.tobytes() == torch.images.tobytes()
    assert (numba.share == torch.share).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_tile_is_what_its_rows_are_alone(variant: str) -> None:
    form = form_of("hwc", (6, 9), 3)
    recipe = Recipe(methods=(VARIANTS[variant],), seed=5, flip=0.5, crop_area=(0.2, 1.0))
    samples = noise(SAMPLE_COUNT, form)
    together = make(recipe, samples, (form, form), (10**12, 10**12 + 5))
    for number in range(5):
        alone = make(recipe, samples, (form, form), (10**12 + number, 10**12 + number + 1))
        assert (alone.images[0] == together.images[number]).all()
        assert (alone.share[0] == together.share[number]).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_samples_are_left_as_they_are(variant: str) -> None:
    form = form_of("chw", (6, 9), 3)
    samples = noise(SAMPLE_COUNT, form)
    before = samples.copy()
    samples.flags.writeable = False
    make(Recipe(methods=(VARIANTS[variant],)), samples, (form, form))
    make(Recipe(methods=(VARIANTS[variant],), flip=0.5, crop_pad=2, linear_light=True), samples, (form, form))
    assert (samples == before).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_layout_changes_no_pixel(variant: str) -> None:
    pictures = noise(SAMPLE_COUNT, form_of("hwc", (8, 5), 3))
    recipe = Recipe(methods=(VARIANTS[variant],), seed=6, flip=0.5, crop_area=(0.2, 1.0))
    last, first = (
        pictures_of(make(recipe, in_form(pictures, form), (form, form)), form)
        for form in (form_of("hwc", (8, 5), 3), form_of("chw", (8, 5), 3))
    )
    assert (last == first).all()


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 3)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_smallest_pictures_are_mixed_too(variant: str, size: tuple[int, int], dtype: SampleDtype) -> None:
    for axes, channels in (("hwc", 1), ("hwc", 3), ("hw", 1)):
        form = form_of(axes, size, channels, dtype)  # type: ignore[arg-type]  # a tuple's words are wider
        recipe = Recipe(methods=(VARIANTS[variant],), flip=0.5, crop_pad=1)
        made = make(recipe, noise(SAMPLE_COUNT, form), (form, form), (0, 20), dtype="float32")
        assert np.isfinite(made.images).all()
        assert (made.share.sum(axis=1, dtype=np.float64) == 1).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_used_parents_are_read(variant: str) -> None:
    """Rows of another method in the same data set leave the slots beyond their own parents alone."""
    form = form_of("hwc", (6, 6), 1, "float32")
    both = Recipe(methods=(VARIANTS[variant], VARIANTS["dirichlet of 5"]))
    mixed = make(both, noise(SAMPLE_COUNT, form), (form, form), (0, 40))
    chosen = np.flatnonzero(mixed.rows.method == 0)
    assert len(chosen)
    only = make(replace(both, methods=(VARIANTS[variant],)), noise(SAMPLE_COUNT, form), (form, form), (0, 40))
    assert (mixed.images[chosen] == only.images[chosen]).all()


LARGE = form_of("hw", (4000, 4000), 1)
SLOW_WHERE_LARGE = {"fmix"}
"""Four seconds and a gigabyte for sixteen million positions; the others take a tenth of a second."""


@pytest.fixture(scope="module")
def large() -> NDArray[Any]:
    return noise(4, LARGE)


@pytest.mark.parametrize(
    "variant", [pytest.param(each, marks=[pytest.mark.slow] * (each in SLOW_WHERE_LARGE)) for each in PLAIN]
)
def test_the_largest_pictures_are_mixed_too(variant: str, large: NDArray[Any]) -> None:
    made = make(Recipe(methods=(VARIANTS[variant],)), large, (LARGE, LARGE), (0, 1), dtype="float32")
    assert np.isfinite(made.images).all()
    assert made.share.sum(dtype=np.float64) == 1
