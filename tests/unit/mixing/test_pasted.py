"""ClassMix and copy-paste, against a paste by hand: what is pasted, its weights, its masks and its objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixup_cli.draws.rng import mask_words, uniforms
from mixup_cli.errors import UsageError
from mixup_cli.methods import Grid
from mixup_cli.methods.base import pure
from mixup_cli.methods.classmix import ClassMix
from mixup_cli.methods.copypaste import CopyPaste
from mixup_cli.methods.decisions import decided
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.recipe import MethodChoice, Recipe
from tests.unit.mixing.test_instances import Outlined, outlined
from tests.unit.mixing.test_objects import FULL, tightest

seeds = st.integers(0, 2**64 - 1)


@given(st.lists(seeds, min_size=1, max_size=5), st.integers(0, 6), seeds)
def test_half_of_the_classes_is_pasted(mask_seeds: list[int], most: int, maps_seed: int) -> None:
    maps = np.random.default_rng(maps_seed).integers(-1, most + 1, (len(mask_seeds), 5, 7)).astype(np.int32)
    decisions = decided(pure(len(maps), 0, 2), mask_seed=np.array(mask_seeds, np.uint64))
    choice = ClassMix().weights_by(decisions, maps).choice
    assert choice is not None
    for numbers, pasted in zip(maps, choice, strict=True):
        present, taken = {*numbers[numbers >= 0].tolist()}, {*numbers[pasted == 1].tolist()}
        assert taken <= present
        assert len(taken) == (len(present) + 1) // 2
        assert not taken & {*numbers[pasted == 0].tolist()}, "a class is pasted with all of its pixels"


def test_every_half_is_as_frequent() -> None:
    maps = np.tile(np.arange(4, dtype=np.int32).reshape(1, 1, 4), (6000, 1, 1))
    words = np.random.default_rng(0).integers(0, 2**63, 6000).astype(np.uint64)
    choice = ClassMix().weights_by(decided(pure(6000, 0, 2), mask_seed=words), maps).choice
    assert choice is not None
    _, counts = np.unique(choice[:, 0], axis=0, return_counts=True)
    assert len(counts) == 6
    assert np.abs(counts - 1000).max() < 150


def test_objects_are_pasted_one_by_one() -> None:
    maps = np.tile(np.arange(-1, 5, dtype=np.int32).reshape(1, 1, 6), (50, 1, 1))
    words = np.arange(50, dtype=np.uint64)
    choice = CopyPaste(part=0.3).weights_by(decided(pure(50, 0, 2), mask_seed=words), maps).choice
    assert choice is not None
    assert np.array_equal(choice[:, 0, 1:] == 1, uniforms(mask_words(words, 5)) < 0.3)
    assert not choice[:, 0, 0].any()


@pytest.mark.parametrize("views", [{}, {"flip": 0.5, "crop_pad": 4}])
@given(scene=outlined, seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_pasted_objects_take_their_boxes_along(scene: Outlined, seed: int, views: dict[str, Any]) -> None:
    recipe = Recipe(methods=(MethodChoice("copypaste"),), seed=seed, min_visible=0.0, **views)
    pixels, columns = scene.mixed(recipe, 8)
    for row, mixed in enumerate(pixels):
        assert set(np.unique(mixed).tolist()) <= {0, FULL}
        for place in range(columns["object_count"][row]):
            number = columns["object_class"][row, place]
            if not scene.area(number):
                assert columns["object_parent"][row, place] == 0, "without pixels it is not pasted"
                continue
            mask = mixed[..., number] > 0
            assert np.array_equal(columns["instances"][row] == place + 1, mask)
            assert columns["object_box"][row, place].tolist() == tightest(mask)
            assert columns["object_visible"][row, place] == np.float32(mask.sum() / scene.area(number))


def test_what_no_map_says_is_not_guessed() -> None:
    recipe = Recipe(methods=(MethodChoice("classmix"),))
    methods = MethodSet(recipe, Grid(4, 4))
    with pytest.raises(UsageError, match="known once each mask is read"):
        methods.weights(0, decided(pure(1, 0, 2)))
