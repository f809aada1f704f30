"""Objects follow their pixels. Every object has a channel of its own here, which is full where it lies: what is seen of
it in a row is where that channel is not zero."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mixup_cli.fields.form import Form
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.objects import Objects
from mixup_cli.fields.target import Target
from mixup_cli.methods import METHODS
from mixup_cli.mixing.columns import RowColumns
from mixup_cli.mixing.objects import ObjectMaker
from mixup_cli.mixing.shard_values import ShardMaker, SignalMaker
from mixup_cli.mixing.signal import Mixer
from mixup_cli.plan.plan import Plan, population_of
from mixup_cli.plan.views import ViewRules
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.scan.supply import Cache
from mixup_cli.storage.hdf5.layout import Column
from tests.object_scenes import objects_of

FULL = 65535
ABLE = sorted(name for name, method in METHODS.items() if method.keeps_objects and not method.needs_map)
EXACT = [name for name in ABLE if name != "resizemix"]
"""Methods that resize nothing."""


@dataclass(frozen=True)
class Scene:
    """Pictures of one size with objects, of which class and channel are the number."""

    size: tuple[int, int]
    boxes: list[list[tuple[int, int, int, int]]]

    @property
    def count(self) -> int:
        return sum(map(len, self.boxes))

    @cached_property
    def objects(self) -> Objects:
        return objects_of(self.boxes, self.size)

    @property
    def maps(self) -> tuple[NDArray[np.uint16], ...]:
        """The instances of the pictures, (n, *size), where they have any."""
        return ()

    @cached_property
    def pixels(self) -> NDArray[np.uint16]:
        found = np.zeros((len(self.boxes), *self.size, max(1, self.count)), np.uint16)
        number = 0
        for picture, boxes in enumerate(self.boxes):
            for x1, y1, x2, y2 in boxes:
                found[picture, y1:y2, x1:x2, number] = FULL
                number += 1
        return found

    def mixed(self, recipe: Recipe, rows: int) -> tuple[NDArray[np.uint16], dict[str, NDArray[Any]]]:
        """Mixed pixels, and the columns of objects."""
        form = Form(self.pixels.shape[1:], "uint16", "hwc")
        output = form if recipe.size is None else form.sized(recipe.size)
        grid, cached = output.grid, form.grid
        assert grid is not None
        assert cached is not None
        usable, labels = np.arange(len(self.boxes)), Labels()
        plan = Plan(recipe, population_of(labels, usable), grid, ViewRules.of(recipe, cached, grid))
        mixer = Mixer.open(recipe, plan.methods, (form, output), "cpu")
        most = max(1, self.objects.most(plan.methods.parent_count))
        maker = ObjectMaker.open(self.objects, plan.methods, recipe, Target(form), most)
        column = Column("images", "uint16", output.shape)
        columns = RowColumns(labels, recipe, usable, maker)
        signals = [SignalMaker(column, mixer, 4)]
        if self.maps:
            forms = Form(cached.sides, "uint16", "hw"), Form(grid.sides, "uint16", "hw")
            layers = (plan.methods.parent_count,) if recipe.masks == "both" else ()
            selecting = Mixer.open(recipe.with_(linear_light=False), plan.methods, forms, "cpu", void=0)
            signals.append(SignalMaker(Column("instances", "uint16", (*layers, *grid.sides)), selecting, 3))
        shard = ShardMaker(plan, Cache((self.pixels, *self.maps)), columns, tuple(signals), lambda: None)
        values = shard.values(range(rows))
        pixels = np.concatenate([tile.copy() for tile in values(column)])
        names = [*maker.columns(plan.rows(0, 1)), *(["instances"] if self.maps else [])]
        found = {name: np.concatenate([*values(Column(name, "float32", ()))]) for name in names}
        return pixels, found


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    size = draw(st.integers(4, 20)), draw(st.integers(4, 20))

    def box() -> tuple[int, int, int, int]:
        y1, x1 = (draw(st.integers(0, side - 1)) for side in size)
        y2, x2 = (draw(st.integers(low + 1, side)) for low, side in zip((y1, x1), size, strict=True))
        return x1, y1, x2, y2

    return Scene(size, [[box() for _ in range(draw(st.integers(0, 3)))] for _ in range(draw(st.integers(4, 6)))])


def tightest(seen: NDArray[np.bool_]) -> list[int]:
    """x1, y1, x2, y2 around the places that are true."""
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


recipes = st.builds(
    Recipe,
    methods=st.sampled_from(EXACT).map(lambda name: (MethodChoice(name),)),
    seed=st.integers(0, 1000),
    flip=st.sampled_from([0.0, 0.5]),
    crop_pad=st.integers(0, 6),
    keep_originals=st.booleans(),
    min_visible=st.just(0.0),
)


@given(scenes(), recipes)
@settings(max_examples=150, deadline=None)
def test_every_box_is_the_tightest_around_what_is_seen(scene: Scene, recipe: Recipe) -> None:
    pixels, columns = scene.mixed(recipe, 8)
    areas = [(x2 - x1) * (y2 - y1) for picture in scene.boxes for x1, y1, x2, y2 in picture]
    for row, mixed in enumerate(pixels):
        count = columns["object_count"][row]
        stored = columns["object_class"][row, :count].tolist()
        seen = [number for number in range(scene.count) if mixed[..., number].any()]
        assert sorted(stored) == seen, "every object that is seen is stored, once, and no other"
        for place, number in enumerate(stored):
            mask = mixed[..., number] > 0
            assert columns["object_box"][row, place].tolist() == tightest(mask)
            assert columns["object_visible"][row, place] == np.float32(mask.sum() / areas[number])
            assert columns["object_weight"][row, place] == pytest.approx(mixed[mask][0, number] / FULL, abs=1e-5)
            assert columns["object_id"][row, place] == 100 + number


@given(scenes(), recipes)
@settings(max_examples=60, deadline=None)
def test_keypoints_follow_their_pixels(scene: Scene, recipe: Recipe) -> None:
    """The keypoint in a corner pixel: visible where that pixel is seen."""
    pixels, columns = scene.mixed(recipe.with_(crop_pad=0), 6)
    for row, mixed in enumerate(pixels):
        for place, number in enumerate(columns["object_class"][row, : columns["object_count"][row]].tolist()):
            x, y, visibility = columns["keypoints"][row, place, 1].tolist()
            if visibility == 0:
                assert (x, y) == (0, 0)
                continue
            assert (x % 1, y % 1) == (0.5, 0.5)
            is_seen = mixed[int(y), int(x), number] > 0
            assert is_seen == (visibility == 2)


@pytest.mark.parametrize("method", ABLE)
@pytest.mark.parametrize("view", [{}, {"crop_area": (0.3, 1.0)}, {"crop_area": (0.3, 1.0), "size": (48, 40)}])
def test_what_is_resized_is_right_within_two_pixels(method: str, view: dict[str, Any]) -> None:
    draw = np.random.default_rng(5)
    boxes = []
    for _ in range(8):
        x1, y1 = draw.integers(0, 40, (2, 2))
        boxes.append([(int(x), int(y), int(x) + 20, int(y) + 16) for x, y in zip(x1, y1, strict=True)])
    scene = Scene((64, 64), boxes)
    recipe = Recipe(methods=(MethodChoice(method),), flip=0.5, min_visible=0.3, **view)
    pixels, columns = scene.mixed(recipe, 40)
    compared = 0
    for row, mixed in enumerate(pixels):
        for place, number in enumerate(columns["object_class"][row, : columns["object_count"][row]].tolist()):
            mask = mixed[..., number] > mixed[..., number].max() / 2
            assert np.abs(columns["object_box"][row, place] - tightest(mask)).max() <= 2
            compared += 1
    assert compared > 40


def test_a_row_keeps_the_objects_of_which_the_most_is_seen() -> None:
    scene = Scene((20, 20), [[(0, 0, 2, 2), (4, 4, 14, 14), (1, 1, 6, 6)], [(3, 3, 9, 9)], [], [(0, 0, 20, 20)]])
    _, columns = scene.mixed(Recipe(methods=(MethodChoice("none"),)), 4)
    rows = {int(row[0]): row for row in columns["object_class"]}
    assert rows[0].tolist() == [0, 1, 2]
    form = Form(scene.pixels.shape[1:], "uint16", "hwc")
    plan = Plan(Recipe(methods=(MethodChoice("none"),)), population_of(Labels(), np.arange(4)), form.grid)
    maker = ObjectMaker.open(scene.objects, plan.methods, Recipe(), Target(form), 2)
    kept = maker.columns(plan.rows(0, 4))
    assert {tuple(row) for row in kept["object_class"].tolist()} == {(1, 2), (3, -1), (4, -1), (-1, -1)}
    assert sorted(kept["object_count"].tolist()) == [0, 1, 1, 2]


def test_little_visible_objects_go() -> None:
    scene = Scene((20, 20), [[(0, 0, 20, 20), (0, 0, 1, 1)]] * 4)
    recipe = Recipe(methods=(MethodChoice("cutmix"),), min_visible=0.0)
    _, all_seen = scene.mixed(recipe, 200)
    _, most_seen = scene.mixed(replace(recipe, min_visible=0.5), 200)
    assert all_seen["object_visible"][all_seen["object_count"] > 0].max() == 1
    assert 0 < all_seen["object_visible"][all_seen["object_class"] >= 0].min() < 0.5
    assert most_seen["object_visible"][most_seen["object_class"] >= 0].min() >= 0.5
    assert most_seen["object_count"].sum() < all_seen["object_count"].sum()
