from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from mixup_cli.errors import UsageError
from mixup_cli.recipe import MAX_SEED, MethodChoice, Normalize, Recipe

FULL = Recipe(
    methods=(MethodChoice("mixup", 0.5, {"alpha": 0.2}), MethodChoice("cutmix", 0.5)),
    seed=MAX_SEED,
    size=(32, 48),
    fill=(1, 2, 3),
    dtype="float32",
    value_range=(0.0, 2.5),
    normalize=Normalize((0.5,), (0.25,)),
    samples_per_shard=100,
)


@pytest.mark.parametrize("recipe", [Recipe(), FULL])
def test_a_recipe_survives_json(recipe: Recipe) -> None:
    assert Recipe.from_dict(json.loads(recipe.to_json())) == recipe


def test_the_same_recipe_has_the_same_id_however_it_was_written() -> None:
    reordered = dict(reversed(FULL.to_dict().items()))
    assert Recipe.from_dict(reordered).recipe_id == FULL.recipe_id
    assert Recipe(value_range=(0, 255)).recipe_id == Recipe(value_range=(0.0, 255.0)).recipe_id


OTHER: dict[str, Any] = {
    "methods": (MethodChoice("none"),),
    "seed": 1,
    "keep_originals": True,
    "fill": (9,),
    "size": (8, 8),
    "resize": "pad",
    "channels": "grey",
    "dtype": "float16",
    "value_range": (0.0, 9.0),
    "normalize": Normalize((0.1,), (1.0,)),
    "layout": "nchw",
    "labels": "dense",
    "compression": "gzip",
    "samples_per_shard": 7,
    "pair": "same-class",
    "balance": "classes",
    "per_class": 5,
    "label_rule": "base",
    "label_smoothing": 0.1,
    "flip": 0.5,
    "crop_pad": 4,
    "crop_area": (0.08, 1.0),
    "linear_light": True,
    "plan": "a" * 64,
    "window": 100,
    "store": "plan",
    "encode": "png",
    "signals": ("depth",),
    "index_maps": ("mask",),
    "masks": "both",
    "ignore_index": 0,
    "task": "detect",
    "object_weights": "one",
    "min_visible": 0.3,
    "max_objects": 5,
    "keypoints": ("nose",),
    "mirrored_keypoints": (0,),
    "reading": (("rate", 16000), ("seconds", 1.5), ("short", "pad")),
    "is_part_in_time": True,
    "is_whole_in_time": True,
    "separate_donors": True,
}
WITH_ANOTHER = {"bandwidth", "remix_kappa", "remix_tau", "cache_size", "encode"}


@pytest.mark.parametrize("name", sorted({each.name for each in dataclasses.fields(Recipe)} - WITH_ANOTHER))
def test_every_field_counts_in_the_id(name: str) -> None:
    assert FULL.with_(**{name: OTHER[name]}).recipe_id != FULL.recipe_id


@pytest.mark.parametrize(
    ("needed", "name", "value"),
    [
        ({"pair": "nearest"}, "bandwidth", 0.5),
        ({"label_rule": "remix"}, "remix_kappa", 4.0),
        ({"label_rule": "remix"}, "remix_tau", 0.4),
        ({"crop_area": (0.5, 1.0)}, "cache_size", (40, 40)),
        ({"dtype": "uint8", "normalize": None}, "encode", "png"),
    ],
)
def test_every_field_that_needs_another_counts_too(needed: dict[str, Any], name: str, value: object) -> None:
    with_needed = FULL.with_(**needed)
    assert with_needed.with_(**{name: value}).recipe_id != with_needed.recipe_id


def test_options_that_are_off_are_not_written_down() -> None:
    assert not Recipe().to_dict().keys() & {"flip", "plan", "balance", "label_rule"}
    assert Recipe(flip=0.5).to_dict()["flip"] == 0.5
    assert Recipe.from_dict(Recipe(flip=0.5).to_dict()) == Recipe(flip=0.5)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"methods": ()}, "methods"),
        ({"methods": (MethodChoice("mixup", 0.0),)}, "methods"),
        ({"methods": (MethodChoice("mixup", float("nan")),)}, "methods"),
        ({"seed": -1}, "seed"),
        ({"seed": MAX_SEED + 1}, "seed"),
        ({"size": (0, 5)}, "size"),
        ({"samples_per_shard": 0}, "samples_per_shard"),
        ({"value_range": (1.0, 1.0)}, "value_range"),
        ({"normalize": Normalize((0.0,), (1.0,)), "dtype": "uint8"}, "normalize"),
        ({"normalize": Normalize((0.0,), (0.0,)), "dtype": "float32"}, "normalize"),
        ({"encode": "jpeg"}, "encode"),
        ({"encode": "png", "dtype": "uint16"}, "encode"),
        ({"encode": "png", "layout": "nchw"}, "encode"),
    ],
)
def test_a_bad_value_is_refused_with_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(UsageError, match=f"^{field}: "):
        Recipe(**changes)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"colour": 1}, "colour"),
        ({"seed": "1"}, "seed"),
        ({"resize": "squeeze"}, "resize"),
        ({"methods": [{"name": "mixup", "odds": 1}]}, "methods.0.odds"),
    ],
)
def test_plain_data_that_are_no_recipe_are_refused_by_place(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(UsageError, match=f"^recipe: {where}: "):
        Recipe.from_dict({**Recipe().to_dict(), **changes})
