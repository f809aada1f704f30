"""Instances follow their pixels: what the map of a row says of an object is where the object's own channel is seen."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.fields.form import Form
from mixup_cli.kernels import Weights
from mixup_cli.methods import METHODS
from mixup_cli.mixing.index_map import of_parent, selected
from mixup_cli.recipe import MethodChoice, Recipe
from tests.unit.methods.making import make
from tests.unit.mixing.test_objects import EXACT, FULL, Scene, recipes, scenes, tightest

VOID = 255


class Outlined(Scene):
    """A scene whose objects have instances, later ones on top. Each shows only where it is not covered."""

    @cached_property
    def maps(self) -> tuple[NDArray[np.uint16], ...]:
        found = np.zeros((len(self.boxes), *self.size), np.uint16)
        for picture, boxes in enumerate(self.boxes):
            for number, (x1, y1, x2, y2) in enumerate(boxes, 1):
                found[picture, y1:y2, x1:x2] = number
        return (found,)

    @cached_property
    def pixels(self) -> NDArray[np.uint16]:
        found = np.zeros((len(self.boxes), *self.size, max(1, self.count)), np.uint16)
        for number in range(self.count):
            picture, local = self.place(number)
            found[picture, ..., number] = FULL * (self.maps[0][picture] == local)
        return found

    def place(self, number: int) -> tuple[int, int]:
        """The picture of an object, and its number there, from 1."""
        picture = int(np.searchsorted(self.objects.starts, number, "right")) - 1
        return picture, number - int(self.objects.starts[picture]) + 1

    def area(self, number: int) -> int:
        """How many pixels an object has."""
        picture, local = self.place(number)
        return int((self.maps[0][picture] == local).sum())


outlined = scenes().map(lambda scene: Outlined(scene.size, scene.boxes))


@given(outlined, recipes)
@settings(max_examples=120, deadline=None)
def test_instances_are_where_the_heaviest_parent_shows_them(scene: Outlined, recipe: Recipe) -> None:
    pixels, columns = scene.mixed(recipe, 8)
    for row, mixed in enumerate(pixels):
        count = columns["object_count"][row]
        stored = columns["object_class"][row, :count].tolist()
        with_pixels = [number for number in stored if scene.area(number)]
        seen = [number for number in range(scene.count) if (mixed[..., number] > FULL / 2).any()]
        assert sorted(with_pixels) == seen, "every object with a pixel is stored, once; one without goes by its box"
        expected = np.zeros(scene.size)
        for place, number in enumerate(stored):
            if not scene.area(number):
                continue
            mask = mixed[..., number] > FULL / 2
            expected[mask] = place + 1
            assert columns["object_box"][row, place].tolist() == tightest(mask)
            assert columns["object_visible"][row, place] == np.float32(mask.sum() / scene.area(number))
        assert np.array_equal(columns["instances"][row], expected)


@given(outlined, recipes)
@settings(max_examples=60, deadline=None)
def test_maps_of_both_parents_show_every_object(scene: Outlined, recipe: Recipe) -> None:
    pixels, columns = scene.mixed(recipe.with_(masks="both"), 8)
    for row, mixed in enumerate(pixels):
        maps = columns["instances"][row]
        for place in range(columns["object_count"][row]):
            number, slot = columns["object_class"][row, place], columns["object_parent"][row, place]
            if scene.area(number):
                assert np.array_equal(maps[slot] == place + 1, mixed[..., number] > 0)
        assert maps.max() <= columns["object_count"][row]


@pytest.mark.parametrize("view", [{"crop_area": (0.3, 1.0)}, {"crop_area": (0.3, 1.0), "size": (48, 40)}])
@pytest.mark.parametrize("method", [*EXACT, "resizemix"])
def test_resized_instances_take_the_nearest_pixel(method: str, view: dict[str, Any]) -> None:
    draw = np.random.default_rng(5)
    boxes = []
    for _ in range(8):
        x1, y1 = draw.integers(0, 40, (2, 2))
        boxes.append([(int(x), int(y), int(x) + 20, int(y) + 16) for x, y in zip(x1, y1, strict=True)])
    scene = Outlined((64, 64), boxes)
    recipe = Recipe(methods=(MethodChoice(method),), flip=0.5, min_visible=0.0, **view)
    pixels, columns = scene.mixed(recipe, 24)
    compared = 0
    for row, mixed in enumerate(pixels):
        for place, number in enumerate(columns["object_class"][row, : columns["object_count"][row]].tolist()):
            if mixed[..., number].max() < 0.9 * FULL:
                continue
            mask, stored = mixed[..., number] > mixed[..., number].max() / 2, columns["instances"][row] == place + 1
            edge = mask.sum() ** 0.5 * 4
            assert (mask != stored).sum() <= edge, "they differ along the border alone"
            compared += 1
    assert compared > 10


weights = st.lists(st.integers(0, UNIT), min_size=4, max_size=4)


@given(weights)
def test_the_heaviest_parent_is_selected_and_the_fill_only_beyond_it(parts: list[int]) -> None:
    whole = np.array([parts], np.int64)
    given_parts = (whole * UNIT // max(UNIT, whole.sum())).astype(np.int32)
    alone, rest = selected(Weights(given_parts)).parts[0], UNIT - given_parts.sum()
    if given_parts.max() < rest:
        assert not alone.any()
    else:
        assert alone.tolist() == [UNIT if slot == given_parts.argmax() else 0 for slot in range(4)]
    for slot in range(4):
        assert of_parent(Weights(given_parts), slot).parts.tolist() == [[UNIT * (given_parts[0, slot] > 0)]]


@pytest.mark.parametrize("views", [{}, {"flip": 0.5, "crop_pad": 3}, {"crop_area": (0.3, 1.0)}])
@pytest.mark.parametrize("method", METHODS)
def test_selected_numbers_stand_in_a_parent(method: str, views: dict[str, Any]) -> None:
    """Each sample has a number of its own everywhere. A method that selects no parent anywhere leaves the void."""
    form = Form((16, 16), "uint8", "hw")
    samples = np.broadcast_to(np.arange(1, 9, dtype=np.uint8)[:, None, None], (8, 16, 16)).copy()
    recipe = Recipe(methods=(MethodChoice(method),), **views)
    made = make(recipe, samples, (form, form), rows=(0, 40), void=VOID)
    hides = METHODS[method].fills or views.get("crop_pad") or method == "erase"
    for row, (image, parents) in enumerate(zip(made.images, made.rows.parents, strict=True)):
        found = set(np.unique(image).tolist())
        assert found <= {*(parents + 1).tolist(), *([VOID] if hides else [])}
        if not METHODS[method].averages and not hides:  # where a region decides, shares are areas
            for slot, parent in enumerate(parents):
                is_again = parent in parents[:slot]
                area = (image == parent + 1).sum() / image.size
                assert is_again or area == pytest.approx(made.share[row][parents == parent].sum(), abs=1e-6)
