"""Where a manifest's recipe, columns and members contradict the rest of it. What shards say is in `manifest`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from mixup_cli.errors import UsageError
from mixup_cli.fields.encoding import problem_of
from mixup_cli.fields.field import COLUMNS, PLAN_COLUMNS, SCALE
from mixup_cli.fields.objects import KEYPOINTS, LOST, OBJECT_COLUMNS, ObjectField, object_forms
from mixup_cli.fields.signal import first_name
from mixup_cli.image_format import ImageFormat
from mixup_cli.recipe import Recipe
from mixup_cli.storage.members import derived

if TYPE_CHECKING:
    from mixup_cli.storage.manifest import Manifest
    from mixup_cli.storage.manifest_records import ColumnRecord, MemberRecord

REQUIRED_COLUMNS = {"index", "source_index", "share", "method", "box"}
"""Every data set has these, and its signals. Label columns depend on the source and on the recipe's `labels`."""

LABEL_COLUMNS = {"labels", "source_label", "label_share"}

FORMS: Mapping[str, tuple[str, tuple[int | str, ...]]] = {
    "labels": ("float32", ("K",)),
    "index": ("int64", ()),
    "source_index": ("int64", ("P",)),
    "source_label": ("int32", ("P",)),
    "share": ("float32", ("P",)),
    "label_share": ("float32", ("P",)),
    "method": ("uint8", ()),
    "box": ("int32", (4,)),
    "view": ("int32", ("P", 5)),
    "span": ("int32", (2,)),
    "source_start": ("int64", ("P",)),
    "gain": ("float32", ("P",)),
    "weight": ("int32", ("P",)),
    "mask_seed": ("int64", ()),
    SCALE: ("float32", ()),
    LOST: ("int32", ()),
}
"""The dtype of columns, and the shape of a row, with K classes and P parents. Signals and objects have other forms."""


def of_recipes(manifest: Manifest) -> Iterator[str]:
    """What is wrong with the recipe, or with those of the members and what they have in common."""
    if manifest.members is None:
        yield from _of_recipe(manifest, manifest)
        return
    for number, member in enumerate(manifest.members):
        for problem in _of_recipe(manifest, member):
            yield f"members.{number}: {problem}"
    for name, expected in derived(manifest.members).items():
        if getattr(manifest, name) != expected:
            yield f"{name}: is not what follows from the members"


def _of_recipe(manifest: Manifest, its: Manifest | MemberRecord) -> Iterator[str]:
    try:
        recipe = Recipe.from_dict(its.recipe)
    except UsageError as problem:
        yield str(problem)
        return
    if recipe.to_dict() != its.recipe:
        yield "recipe: lacks fields"
    names = tuple(field.name for field in manifest.fields or ())
    if (
        names != recipe.signals
        or len(set(names)) < len(names)
        or not {first_name(manifest.axes), *COLUMNS}.isdisjoint(names)
    ):
        yield f"fields: are {', '.join(names) or 'not there'}, and the recipe has {', '.join(recipe.signals) or 'none'}"
    maps = tuple(field.name for field in manifest.fields or () if field.kind == "index")
    if maps != recipe.index_maps:
        yield f"fields: have the index maps {', '.join(maps) or 'none'}, and the recipe {', '.join(recipe.index_maps)}"
    if missing := sorted({choice.name for choice in recipe.methods} - set(its.methods)):
        yield f"methods: lack {', '.join(missing)} of the recipe"
    donors, samples = its.source.donors, its.source.samples
    if (donors is not None) != recipe.separate_donors or not 0 <= (donors or 0) <= samples:
        yield f"source.donors: is {donors} of {samples} inputs, and the recipe {recipe.separate_donors}"
    if recipe.recipe_id != its.recipe_id:
        yield f"recipe_id: is {its.recipe_id[:12]}…, and the recipe's hash is {recipe.recipe_id[:12]}…"


def of_members(manifest: Manifest) -> Iterator[str]:
    """Members follow each other: their rows, in whole shards, and their inputs, of which several may have the same."""
    members = manifest.members
    if members is None:
        return
    ends = [0, *(member.stop for member in members)]
    borders = {shard.stop for shard in manifest.shards} or set(ends)  # of lists, which are read later, nothing is known
    for number, (member, start) in enumerate(zip(members, ends, strict=False)):
        if not (member.start == start < member.stop and member.stop in borders):
            found = f"has the rows {member.start} … {member.stop - 1}"
            yield f"members.{number}: {found}, expected those of whole shards from {start} on"
    if ends[-1] != manifest.totals.samples:
        yield f"members: have {ends[-1]} rows, and the data set {manifest.totals.samples}"
    yield from _of_inputs(members, manifest.source.samples)


def _of_inputs(members: tuple[MemberRecord, ...], count: int) -> Iterator[str]:
    """Each table stands once in sources.csv, in the order in which members first name it."""
    tables = dict.fromkeys((member.source.fingerprint, member.inputs) for member in members)
    stretches = [range(0), *(inputs for _, inputs in tables)]
    is_chain = all(before.stop == after.start for before, after in pairwise(stretches))
    if len({fingerprint for fingerprint, _ in tables}) < len(tables) or not is_chain or stretches[-1].stop != count:
        yield f"members: their inputs are not the {count} of sources.csv, each table once"


def of_columns(manifest: Manifest) -> Iterator[str]:
    """Which columns lack, or have another dtype or shape than the format says."""
    columns = {column.name: column for column in manifest.columns}
    if len(columns) < len(manifest.columns):
        yield "columns: two have the same name"
    signals = {first_name(manifest.axes), *(field.name for field in manifest.fields or ())}
    texts = {field.name for field in manifest.fields or () if field.kind == "text"}
    if problem := _of_mixed(manifest, signals - texts):
        yield problem
        return
    of_plan = {*PLAN_COLUMNS, *texts, *[SCALE] * ("gain" in columns)}
    if missing := REQUIRED_COLUMNS.union(signals if manifest.mixed is None else of_plan) - columns.keys():
        yield f"columns: lack {', '.join(sorted(missing))}"
        return
    if (labelled := bool(LABEL_COLUMNS & columns.keys())) != (manifest.label_kind != "none"):
        yield f"label_kind: is {manifest.label_kind}, {'with' if labelled else 'without'} columns of labels"
    yield from _of_encodings(manifest)
    expected = _forms(columns, len(manifest.class_names))
    has_objects = expected.keys() & set(OBJECT_COLUMNS)
    if has_objects - columns.keys() or (manifest.boxes is not None) != bool(has_objects):
        yield "columns: have not all that objects need, or some without `boxes`"
    columns |= {column.name: column for column in manifest.mixed or ()}
    for name in expected.keys() & columns.keys():
        if (found := (columns[name].dtype, columns[name].shape)) != expected[name]:
            yield f"columns: {name} is {found}, expected {expected[name]}"


def _forms(columns: Mapping[str, ColumnRecord], class_count: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    """What FORMS says, and of objects, with the counts of parents, of places and of keypoints that columns have."""

    def count(name: str, axis: int = 0) -> int:
        return next(iter(columns[name].shape[axis:]), 0)

    counts = {"K": class_count, "P": count("source_index")}
    forms = {
        name: (dtype, tuple(counts[side] if isinstance(side, str) else side for side in shape))
        for name, (dtype, shape) in FORMS.items()
    }
    if ObjectField.name in columns:
        forms |= object_forms(count(ObjectField.name), count(KEYPOINTS, 1) if KEYPOINTS in columns else None)
    return forms


def _of_mixed(manifest: Manifest, signals: set[str]) -> str | None:
    """Shards hold the plan, or all columns: what readers mix are the signals, and perhaps dense labels."""
    stores_plan = manifest.recipe.get("store", "rows") == "plan"
    if (manifest.mixed is not None, manifest.samples is not None) != (stores_plan, stores_plan):
        return "samples, mixed: go with a recipe that stores the plan"
    mixed = [column.name for column in manifest.mixed or ()]
    if stores_plan and (set(mixed) - {"labels"} != signals or len(set(mixed)) < len(mixed)):
        return f"mixed: are {', '.join(mixed)}, and the signals are {', '.join(sorted(signals))}"
    if both := {column.name for column in manifest.columns}.intersection(mixed):
        return f"columns: have {', '.join(sorted(both))}, which readers mix"
    return None


def _of_encodings(manifest: Manifest) -> Iterator[str]:
    """Rows of the images are encoded as each recipe says, all others are stored as they are."""
    for column in manifest.columns:
        wanted = {
            recipe.get("encode") if column.name == first_name(manifest.axes) else None for recipe in manifest.recipes
        }
        if wanted != {column.encoding}:
            asked = " and ".join(str(each or "none") for each in sorted(wanted, key=str))
            yield f"columns: {column.name} has the encoding {column.encoding or 'none'}, and the recipe {asked}"
        if column.encoding is None:
            found = None if column.lossy is None else "is lossy without an encoding"
        elif (manifest.compression, column.dtype) != ("none", "uint8") or manifest.axes not in ("hwc", "hw"):
            found = "is encoded, and compressed, or not images of 8 bits with channels last"
        else:
            image_format = ImageFormat.parse(column.encoding)
            is_said = bool(column.lossy) == image_format.is_lossy
            found = problem_of(column.shape, image_format) if is_said else "does not say rightly if it is lossy"
        if found:
            yield f"columns: {column.name} {found}"
