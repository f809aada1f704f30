"""`mixup-gen inspect`: what a source holds and what generate would make, or what a finished data set holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mixup_cli.cli.commands.classes import class_facts, class_lines, object_facts, object_lines, some
from mixup_cli.cli.options.groups import RUNNING, switch
from mixup_cli.cli.options.needs import check_asks_for_no_mixing
from mixup_cli.cli.options.recipe import RecipeFlags
from mixup_cli.cli.options.source import PlaceFlags, Places, SourceFlags
from mixup_cli.cli.terminal import show
from mixup_cli.errors import UsageError
from mixup_cli.wording import counted, readable

if TYPE_CHECKING:
    from pathlib import Path

    from mixup_cli.fields.form import Form
    from mixup_cli.fields.target import Survey
    from mixup_cli.readers.lost_objects import LostObjects
    from mixup_cli.report.mask_counts import MaskCounts
    from mixup_cli.report.object_counts import ObjectCounts
    from mixup_cli.sources import Source
    from mixup_cli.storage.manifest import Manifest

SIZES_SHOWN = 3


@dataclass(frozen=True)
class FormFlags:
    """What to print, and how."""

    schema: bool = switch(RUNNING, "Print the JSON Schema of manifest.json.", everyday=True)
    json: bool = switch(RUNNING, "Print one line of NDJSON.", everyday=True)


def inspect(places: PlaceFlags, source: SourceFlags, recipe: RecipeFlags, form: FormFlags) -> None:
    """Show what a source or a data set holds.

    Kind, samples, classes and sizes; of a source also what generate would make with these options.
    """
    from mixup_cli.storage.json_files import to_json
    from mixup_cli.storage.manifest import json_schema, read_manifest

    locations = places.sources
    if form.schema and (locations or form.json):
        raise UsageError("it prints a schema, and reads no source.", "Pass it alone.", field="schema")
    if form.schema:
        show.result(to_json(json_schema()).decode().rstrip())
    elif (finished := places.finished) is not None:
        check_asks_for_no_mixing(finished)
        manifest = read_manifest(finished)
        counts = _counted(finished, manifest)
        if form.json:
            show.event("inspected", **_data_set_facts(manifest, counts))
        else:
            show.table(_data_set_lines(manifest, counts))
    else:
        _inspect_source(source, recipe, locations, form.json)


def _inspect_source(flags: SourceFlags, recipe: RecipeFlags, locations: Places, as_json: bool) -> None:
    from mixup_cli.runs.forecast import forecast
    from mixup_cli.runs.settings import Run

    wanted, run = recipe.recipe(), Run(shard_bytes=recipe.shard_size)
    opened = flags.open(locations, Run.out)
    survey = opened.survey()
    if not as_json:  # also a source that cannot be mixed
        show.table(_source_lines(opened, survey))
    expected = forecast(opened, wanted, run)
    if as_json:
        show.event("inspected", **_source_facts(opened, survey), would=expected.facts())
        return
    show.table(expected.lines())
    for notice in expected.warnings():
        show.notice(notice)


def _source_facts(source: Source, survey: Survey) -> dict[str, Any]:
    """For machines. Sizes are [height, width, how many], the most frequent first."""
    return {
        "kind": source.kind,
        "samples": len(source),
        "inputs": len(source),
        "label_kind": source.labels.kind,
        **class_facts(source),
        "groups": len(set(source.labels.groups or ())),
        "sizes": [[height, width, count] for (height, width), count in survey.sizes.most_common()],
        "dtypes": dict(survey.dtypes),
        "broken": len(survey.broken),
        "beside": {name: [form.dtype, list(form.shape)] for name, form in _beside(source)},
    }


def _beside(source: Source) -> Iterator[tuple[str, Form]]:
    """Signals beside the first, which the rest of the facts are about: each has one form."""
    for name, other in source.beside.items():
        if (form := other.survey(1).array_form) is not None:
            yield name, form


def _source_lines(source: Source, survey: Survey) -> Iterator[tuple[str, str]]:
    """For people."""
    yield "kind", source.kind
    yield "samples", f"{len(source):,}"
    yield from class_lines(source)
    sizes = survey.sizes.most_common(SIZES_SHOWN)
    shown = [f"{width}x{height}" for (height, width), _ in sizes]
    if not sizes:
        yield "sizes", f"all {survey.array_form.shape}" if survey.array_form else "none could be read"
    elif len(survey.sizes) == 1:
        yield "sizes", f"all {shown[0]}"
    else:
        often = ", ".join(f"{size} ({count:,})" for size, (_, count) in zip(shown, sizes, strict=True))
        yield "sizes", f"{len(survey.sizes):,} different; most often {often}"
    if survey.broken:
        key, problem = next(iter(survey.broken.items()))
        yield "broken", f"{len(survey.broken):,} of {len(source):,}, as far as headers show; {key}: {problem}"
    if survey.dtypes:
        yield "values", ", ".join(f"{name} ({count:,})" for name, count in survey.dtypes.most_common())
    for number, (name, form) in enumerate(_beside(source)):
        yield "" if number else "beside", f"{name}: {form.dtype} {form.shape}"


@dataclass(frozen=True)
class Counts:
    """What is counted in the shards of a data set: its objects, those that found no place, and the classes of its
    masks, where it has some."""

    objects: ObjectCounts | None = None
    masks: MaskCounts | None = None
    lost: LostObjects | None = None


def _counted(folder: Path, manifest: Manifest) -> Counts:
    """Raises DataError for a damaged data set."""
    if manifest.boxes is None and all(not signal.is_index_map for signal in manifest.signals):
        return Counts()
    from mixup_cli.readers.lost_objects import LostObjects
    from mixup_cli.readers.numpy import MixedArrays
    from mixup_cli.report.mask_counts import MaskCounts
    from mixup_cli.report.object_counts import ObjectCounts

    data = MixedArrays(folder)
    return Counts(ObjectCounts.of_rows(data), MaskCounts.of_rows(data), LostObjects.of(data))


def _data_set_facts(manifest: Manifest, counts: Counts) -> dict[str, Any]:
    """For machines: what manifest.json says of the whole, under the names that other commands use."""
    whole = manifest.model_dump(mode="json", exclude={"shards", "totals", "source"}, exclude_none=True)
    source = manifest.source
    return {
        "kind": "mixup-gen data set",
        **manifest.totals.model_dump(),
        "inputs": source.samples,
        "skipped": len(source.skipped),
        "groups": source.groups or 0,
        "source_kind": source.kind,
        "source_fingerprint": source.fingerprint,
        **({} if counts.objects is None else {"objects": object_facts(counts.objects, manifest.class_names)}),
        **({} if counts.lost is None else {"objects_lost": counts.lost.facts}),
        **({} if counts.masks is None else {"masks": counts.masks.facts}),
        **whole,
    }


def _data_set_lines(manifest: Manifest, counts: Counts) -> Iterator[tuple[str, str]]:
    """For people."""
    yield from _size_lines(manifest)
    yield from _recipe_lines(manifest)
    yield from _label_lines(manifest, counts)
    source = manifest.source
    yield "source", f"{source.kind}, {counted(source.samples, 'input')}, {len(source.skipped):,} skipped"
    yield from _column_lines(manifest)
    yield "recipe_id", manifest.recipe_id


def _size_lines(manifest: Manifest) -> Iterator[tuple[str, str]]:
    merged = f", merged from {counted(len(manifest.members), 'data set')}" if manifest.members else ""
    yield "kind", f"mixup-gen data set, format {manifest.format_version}{merged}"
    yield "samples", f"{manifest.totals.samples:,}"
    yield "shards", f"{manifest.totals.shards:,}, {readable(manifest.totals.bytes)}"


def _recipe_lines(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What differs between members has a line for each."""
    from mixup_cli.cli.options.method_text import methods_text
    from mixup_cli.recipe import Recipe
    from mixup_cli.storage.card import seeds

    recipes = [*map(Recipe.from_dict, manifest.recipes)]
    for number, text in enumerate(dict.fromkeys(methods_text(recipe.methods) for recipe in recipes)):
        yield "" if number else "method", text
    yield "seed", seeds(manifest)
    for window in dict.fromkeys(recipe.window for recipe in recipes if recipe.window is not None):
        yield "windows", f"of {counted(window, 'consecutive sample')}"


def _label_lines(manifest: Manifest, counts: Counts) -> Iterator[tuple[str, str]]:
    """Classes, and what rows say of them: labels or objects, and pixels."""
    from mixup_cli.storage.meanings import label_meaning

    yield "quantities" if manifest.label_kind == "real" else "classes", f"{len(manifest.class_names)}"
    if manifest.class_names:
        yield "", some(list(manifest.class_names))
    if counts.objects is None:
        yield "labels", label_meaning(manifest)
    else:
        yield from object_lines(counts.objects, manifest.class_names, "row")
        yield "places", f"for {counted(counts.objects.places, 'object')} in each row"
        if counts.lost is not None:
            yield "lost", counts.lost.text
    if counts.masks is not None:
        yield "pixels", some([f"{name} ({100 * part:.3g} %)" for name, part in counts.masks.shares])


def _column_lines(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What shards hold, and what readers mix."""
    width = max(13, *(len(column.name) for column in manifest.columns))
    for name, columns in (("columns", manifest.columns), ("mixed", manifest.mixed or ())):
        for number, column in enumerate(columns):
            shape = "x".join(map(str, column.shape)) or "scalar"
            encoded = f", encoded as {column.encoding}" if column.encoding else ""
            yield "" if number else name, f"{column.name:<{width}} {column.dtype:<8} {shape}{encoded}"
    if manifest.samples is not None:
        yield "samples of", f"{manifest.samples.folder} (readers mix them)"
