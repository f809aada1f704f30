"""Recipes and sources as the commands that ask for them: what a page shows to be copied."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mixup_cli.cli.options.again import recorded_source
from mixup_cli.cli.options.config import of_recipe
from mixup_cli.cli.options.provenance import names_of, spell
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.recipe import Recipe
from mixup_cli.storage.members import members_of

MOST_MEMBERS = 16
"""Of a data set that was merged from more, no commands are shown."""


def arguments(given: Mapping[str, Any]) -> list[str]:
    """Options by their fields as a command line has them."""
    words = list[str]()
    for name, value in given.items():
        words += [spell(name)] if value is True else [spell(name), str(value)]
    return words


def generate(sources: Sequence[str], options: Mapping[str, Any], recipe: Recipe, out: str) -> str:
    """The command that makes `recipe` of some sources with further options. Those at their default are left out."""
    usual = of_recipe(Recipe())
    given = {key: value for key, value in of_recipe(recipe).items() if value is not None and value != usual.get(key)}
    words = [*sources, *arguments({key.replace("-", "_"): value for key, value in given.items()}), *arguments(options)]
    return shlex.join(["mixup-gen", "generate", *words, names_of("out")[0], out])


def commands_of(folder: Path, out: str) -> tuple[list[str], list[str]]:
    """The commands that make a finished data set again, from the sources that run.json names, or else from SOURCE, and
    what words in them stand for."""
    data = MixedArrays(folder)
    members = [*members_of(data.manifest)]
    if len(members) > MOST_MEMBERS:
        return [], []
    places = [out] if data.manifest.members is None else [f"{out}-{number}" for number in range(1, len(members) + 1)]
    made, legend = list[str](), dict[str, None]()
    for number, (member, place) in enumerate(zip(members, places, strict=True)):
        recipe, rest = Recipe.from_dict(member.manifest.recipe), dict[str, Any]()
        if recipe.plan is None:
            rows = data.passes.members[number]  # without originals
            rest["samples"] = rows.stop - rows.start
        else:
            rest["plan"] = "PLAN.csv"
            legend["PLAN.csv stands for the plan that decided the rows."] = None
        if member.manifest.source.skipped:
            rest["on_error"] = "skip"
        places_of, options = recorded_source(folder, member.source[0])
        if places_of == ["SOURCE"]:
            legend["SOURCE stands for the source: run.json does not say where it was."] = None
        made.append(generate(places_of, {**options, **rest}, recipe, place))
    if data.manifest.members is not None:
        made.append(shlex.join(["mixup-gen", "merge", *places, names_of("out")[0], out]))
    return made, [*legend]
