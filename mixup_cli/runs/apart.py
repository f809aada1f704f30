"""What goes with donors of their own, which have no label: asked before any sample is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mixup_cli.errors import UsageError
from mixup_cli.methods import METHODS, build
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.sources.reading.base import Source
from mixup_cli.wording import setting


def check_donors(recipe: Recipe, methods: Sequence[MethodChoice], source: Source) -> None:
    """Raises UsageError where a recipe with these resolved methods does not go with donors that have no label."""
    if source.labels.base_count is None:
        return
    if recipe.plan is not None:
        check_no_donors(source)
    for field, why in _contradictions(recipe):
        found = f"{why} Leave one of the two out."
        raise UsageError(found, field=(field, "separate_donors"))
    if source.labels.kind == "none" or recipe.label_rule == "base":
        return
    able = [name for name, each in METHODS.items() if each.keeps_label and each.only in (source.column, source.task)]
    for choice in methods:
        method = build(choice)
        if not (method.keeps_label or method.parent_count == 1):
            found = f"{choice.name} gives donors a part of the label, and those in a folder of their own have none."
            remedy = f"Pass {setting('label_rule', 'base')}{', or use '.join(['', *able])}."
            raise UsageError(found, remedy, field=("methods", "separate_donors"))


def check_no_donors(source: Source) -> None:
    """Raises UsageError for a source with such donors, of which no plan is written, stored or read."""
    if source.labels.base_count is not None:
        found = "plans have the samples of the source alone."
        raise UsageError(found, "Leave it out, or let mixup-gen generate mix the rows.", field="separate_donors")


def _contradictions(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """The fields of a recipe that such donors leave nothing to do."""
    usual = Recipe()
    for field in ("pair", "window"):
        if getattr(recipe, field) != getattr(usual, field):
            yield field, "donors in a folder of their own come in turn."
    if recipe.label_rule not in ("soft", "base"):
        yield "label_rule", "donors in a folder of their own have no label."
