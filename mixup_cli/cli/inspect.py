"""`mixup-gen inspect`: what a source is, and what would be made of it; or what a finished data set holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mixup_cli.cli import show
from mixup_cli.cli.generate import Sources
from mixup_cli.cli.groups import option, takes
from mixup_cli.cli.options import RUNNING, RecipeFlags, SourceFlags

if TYPE_CHECKING:
    from mixup_cli.sources import Source
    from mixup_cli.sources.base import Survey
    from mixup_cli.storage.manifest import Manifest

Schema = Annotated[bool, option("--schema", panel=RUNNING, help="Print the JSON Schema of manifest.json.")]
Json = Annotated[bool, option("--json", panel=RUNNING, help="As one line of NDJSON.")]

CLASSES_SHOWN = 20


@takes(source=SourceFlags, recipe=RecipeFlags)
def inspect(
    source: SourceFlags,
    recipe: RecipeFlags,
    sources: Sources = None,
    schema: Schema = False,
    json: Json = False,
) -> None:
    """Tell what a source or a finished data set holds: kind, samples, classes, sizes, and what generate would do."""
    if schema:
        from mixup_cli.storage.manifest import json_schema, to_json

        show.result(to_json(json_schema()).decode().rstrip())
        return
    facts = _facts(source, recipe, sources or [])
    if json:
        show.event("inspected", **facts)
        return
    for name, value in facts.items():
        for line, text in enumerate(value if isinstance(value, list) else [value]):
            show.result(f"{name if line == 0 else '':<14}{text}")


def _facts(flags: SourceFlags, recipe: RecipeFlags, locations: list[Path]) -> dict[str, Any]:
    from mixup_cli.forecast import forecast
    from mixup_cli.generate import Run
    from mixup_cli.storage.manifest import MANIFEST, read_manifest

    if len(locations) == 1 and (locations[0] / MANIFEST).is_file():
        return _of_data_set(read_manifest(locations[0]))
    opened = flags.open(locations, Run.out)
    facts = _of_source(opened, opened.survey())
    return facts | dict(forecast(opened, recipe.recipe(), Run()).lines())


def _of_source(source: Source, survey: Survey) -> dict[str, Any]:
    facts: dict[str, Any] = {"kind": source.kind, "samples": f"{len(source):,}"}
    facts["classes"] = _classes(source)
    if survey.sizes:
        sizes = survey.sizes.most_common(3)
        facts["sizes"] = f"{len(survey.sizes)} different; most often " + ", ".join(
            f"{width}x{height} ({count:,})" for (height, width), count in sizes
        )
        if len(survey.sizes) == 1:
            facts["sizes"] = f"all {sizes[0][0][1]}x{sizes[0][0][0]}"
    elif survey.array_form is not None:
        facts["sizes"] = f"all {survey.array_form.shape}"
    facts["values"] = ", ".join(f"{name} ({count:,})" for name, count in survey.dtypes.most_common())
    if source.notices:
        facts["notices"] = list(source.notices)
    return facts


def _classes(source: Source) -> list[str] | str:
    labels = source.labels
    if labels.kind == "none":
        return "none: an unlabelled source"
    if labels.classes is None:
        return f"{len(labels.class_names)}, soft labels"
    counts = Counter(labels.classes.tolist())
    shown = [f"{name} ({counts[number]:,})" for number, name in enumerate(labels.class_names[:CLASSES_SHOWN])]
    more = len(labels.class_names) - CLASSES_SHOWN
    return [f"{len(labels.class_names)}", ", ".join(shown) + (f" and {more} more" if more > 0 else "")]


def _of_data_set(manifest: Manifest) -> dict[str, Any]:
    from mixup_cli.cli.parse import methods_text
    from mixup_cli.estimate import readable
    from mixup_cli.recipe import Recipe

    recipe = Recipe.from_dict(manifest.recipe)
    return {
        "kind": f"mixup-gen data set, format {manifest.format_version}",
        "samples": f"{manifest.totals.samples:,}",
        "shards": f"{manifest.totals.shards}, {readable(manifest.totals.bytes)}",
        "method": methods_text(recipe.methods),
        "seed": recipe.seed,
        "classes": [f"{len(manifest.class_names)}", ", ".join(manifest.class_names[:CLASSES_SHOWN])],
        "source": f"{manifest.source.kind}, {manifest.source.samples:,} inputs, {len(manifest.source.skipped)} skipped",
        "columns": [
            f"{each.name:<13} {each.dtype:<8} {'x'.join(map(str, each.shape)) or 'scalar'}" for each in manifest.columns
        ],
        "recipe_id": manifest.recipe_id,
    }
