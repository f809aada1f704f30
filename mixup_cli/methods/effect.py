"""Options of a recipe that act through its methods: where no method follows one, it would be accepted for nothing."""

from __future__ import annotations

from collections.abc import Callable

from mixup_cli.choices import PLACED_TASKS
from mixup_cli.errors import UsageError
from mixup_cli.methods import METHODS, build
from mixup_cli.methods.base import Method
from mixup_cli.recipe import Recipe
from mixup_cli.wording import setting

FOLLOWS: dict[str, tuple[Callable[[Method], bool], str]] = {
    "pair": (lambda method: method.parent_count > 1, "mixes several samples"),
    "separate_donors": (lambda method: method.parent_count > 1, "mixes several samples"),
    "label_rule": (lambda method: method.parent_count > 1, "mixes several samples"),
    "fill": (lambda method: method.fills, "fills anything"),
    "linear_light": (lambda method: method.averages, "computes with values"),
    "masks": (lambda method: method.averages, "computes with values: one parent is alone at each pixel"),
}
"""Which methods follow an option, and what the others do not do."""


def check_effect(recipe: Recipe) -> None:
    """Raises UsageError where a recipe, resolved but for its sizes, has an option, other than by default, that none of
    its methods follows."""
    methods = [build(choice) for choice in recipe.methods]
    for name, (follows, what) in FOLLOWS.items():
        is_default = getattr(recipe, name) == getattr(Recipe(), name)
        if is_default or any(map(follows, methods)) or (name == "fill" and _pads(recipe)):
            continue
        names = ", ".join(method.name for method in methods)
        able = [method.name for method in METHODS.values() if follows(method())]
        also = f", or with {setting('crop_pad')} or {setting('resize', 'canvas')}" if name == "fill" else ""
        raise UsageError(
            f"{setting(name)}: it has no effect, because no method here ({names}) {what}. It acts with "
            f"{', '.join(able)}{also}. Leave it out."
        )


def _pads(recipe: Recipe) -> bool:
    """Whether the fill colour lies around images."""
    is_padded = recipe.resize == "canvas" or (recipe.resize == "pad" and recipe.task in PLACED_TASKS)
    return is_padded or recipe.crop_pad > 0
