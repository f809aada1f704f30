"""The recipe: everything that decides a row's bytes, and the one place where defaults live.

In here comes what a recipe is made of, what it may say and how it is written down; never where the source lies, nor how
a run goes about it."""

from __future__ import annotations

from mixup_cli.recipe.recipe import DEFAULT_CROP_AREA, FORMAT_VERSION, NORMALIZATIONS, MethodChoice, Normalize, Recipe
from mixup_cli.recipe.rules import MAX_SEED
from mixup_cli.recipe.written import LEFT_OUT_AT_DEFAULT, canonical_json, written

__all__ = [
    "DEFAULT_CROP_AREA",
    "FORMAT_VERSION",
    "LEFT_OUT_AT_DEFAULT",
    "MAX_SEED",
    "NORMALIZATIONS",
    "MethodChoice",
    "Normalize",
    "Recipe",
    "canonical_json",
    "written",
]
