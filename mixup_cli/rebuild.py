"""A lost manifest, put together again from the shards and sources.csv.

Shards tell the recipe, the class names, the columns and their own rows. What they do not tell (the kind of the source,
and where there are dense labels alone, what these are) is one of a few words: the one that gives the manifest, the card
or the metadata that was sealed. Only where all of these are lost as well must the source say it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import h5py
import numpy as np
from pydantic import ValidationError

from mixup_cli.choices import LabelKind
from mixup_cli.engines.local import LocalEngine
from mixup_cli.errors import DataError, UsageError
from mixup_cli.recipe import FORMAT_VERSION, Recipe
from mixup_cli.records import Content, manifest_of
from mixup_cli.sources.base import Axes
from mixup_cli.sources.table import SourceTable
from mixup_cli.storage import manifest as names
from mixup_cli.storage.finish import beside
from mixup_cli.storage.folder import SHARD
from mixup_cli.storage.manifest import ColumnRecord, Manifest, ShardRecord, StoredColumn, shard_name
from mixup_cli.storage.plain_hdf5 import PlainDataSet, plain_numbers
from mixup_cli.storage.shard import compression_of
from mixup_cli.verify import DAMAGE, content_hash, sha256_of

KINDS = ("pictures", "cifar", "idx", "array_file", "arrays", "mixup-gen", "combined")
"""What a source can be."""

COLUMN_ORDER = "images labels index source_index source_label share label_share method box view".split()
"""The order in which columns stand in a manifest."""

ATTRIBUTES = ("format_version", "recipe", "class_names")


@dataclass(frozen=True)
class Told:
    """What one shard tells: its record, its columns in the manifest's order, its attributes (JSON by name), its
    compression, and the largest number in its column `method`."""

    record: ShardRecord
    columns: tuple[ColumnRecord, ...]
    attributes: dict[str, str]
    compression: str
    last_method: int


@dataclass(frozen=True)
class Asked:
    """What no shard tells of a data set, and its source does."""

    kind: str
    label_kind: LabelKind


ANEW = "The manifest cannot be rebuilt: make the data set again with generate --force."


def told_by_shards(folder: Path, engine: LocalEngine) -> list[Told]:
    """What the shards tell, in order. Raises DataError where one is missing or damaged, or contradicts the first."""
    found = sorted(path for path in folder.glob("shard-*.h5") if SHARD.fullmatch(path.name))
    sums = checksums(folder)
    if listed := {name for name in sums if SHARD.fullmatch(name)}:
        found = [path for path in found if path.name in listed]
    expected = listed or {shard_name(number) for number in range(len(found))}
    if missing := sorted(expected - {path.name for path in found}):
        raise DataError(f"{folder / missing[0]}: is missing, and so is what the manifest said of it. {ANEW}")
    told = list(engine.run(partial(_told, path, sums.get(path.name)) for path in found))
    told.sort(key=lambda each: each.record.start)
    for each in told[1:]:
        if problem := _contradiction(told[0], each):
            raise DataError(f"{folder / each.record.file}: {problem}, and {told[0].record.file} has another. {ANEW}")
    return told


def _contradiction(first: Told, other: Told) -> str | None:
    for name in ATTRIBUTES:
        if first.attributes[name] != other.attributes[name]:
            return f"its {name} is {other.attributes[name][:60]}"
    if first.columns != other.columns:
        return f"its columns are {', '.join(f'{c.name} {c.dtype} {c.shape}' for c in other.columns)}"
    return None if first.compression == other.compression else f"its compression is {other.compression}"


def _told(path: Path, sealed: str | None) -> Told:
    try:
        digest = sha256_of(path)
        if sealed is not None and digest != sealed:
            raise DataError(f"its sha256 is {digest[:12]}…, and {sealed[:12]}… was sealed")
        with h5py.File(path, "r", locking=False) as file:
            return _read(path, digest, file)
    except DAMAGE as problem:
        raise DataError(f"{path}: cannot be read ({problem}), and there is no manifest. {ANEW}") from None


def _read(path: Path, digest: str, file: h5py.File) -> Told:
    """What an open shard tells. Raises one of DAMAGE."""
    attributes = {name: str(file.attrs[name]) for name in ATTRIBUTES}
    if json.loads(attributes["format_version"]) != FORMAT_VERSION:
        raise DataError(f"its format is {attributes['format_version'][:20]}, expected {FORMAT_VERSION}")
    stored = {name: plain_numbers(file, name, name) for name in COLUMN_ORDER if name in file}
    if surplus := sorted(file.keys() - stored.keys()):
        raise DataError(f"holds {surplus[0]!r}, which is no column")
    index = stored["index"][:]
    if not len(index) or not np.array_equal(index, np.arange(index[0], index[0] + len(index))):
        raise DataError("its index is not a range of rows")
    compression = compression_of(stored["images"])
    columns = tuple(ColumnRecord(name=name, dtype=d.dtype.name, shape=d.shape[1:]) for name, d in stored.items())
    record = ShardRecord(
        file=path.name,
        bytes=path.stat().st_size,
        sha256=digest,
        start=int(index[0]),
        stop=int(index[-1]) + 1,
        columns={name: _stored(data_set, compression) for name, data_set in stored.items()},
    )
    return Told(record, columns, attributes, compression, int(stored["method"][:].max()))


def _stored(column: PlainDataSet, compression: str) -> StoredColumn:
    if compression == "none":
        return StoredColumn(offset=column.offset)
    return StoredColumn(content_sha256=content_hash(column))


def checksums(folder: Path) -> dict[str, str]:
    """What SHA256SUMS says of each file; nothing where it cannot be read."""
    try:
        lines = (folder / names.CHECKSUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return {}
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def rebuild(
    folder: Path, told: Sequence[Told], table: SourceTable, asked: Asked | None, present: bytes | None = None
) -> Manifest:
    """The manifest of the shards that told this. `asked` is what the source says, if it is at hand; `present` are the
    bytes of a manifest that is there, and is right if only its hash is wrong.

    Raises DataError where they contradict each other, or where it cannot be settled what they do not tell.
    """
    records = [each.record for each in told]
    made: list[Manifest] = []
    try:
        recipe = recipe_of(told[0])
        for kind, label_kind, methods in _guesses(told, recipe, asked):
            content = _content(told[0], recipe, label_kind)
            made.append(manifest_of(content, kind, table, methods, records))
            if _is_what_was_sealed(folder, made[-1], len(table.csv)):
                return made[-1]
    except (ValidationError, UsageError, ValueError) as problem:
        found = problem.errors()[0]["msg"] if isinstance(problem, ValidationError) else problem
        raise DataError(f"{folder}: its shards contradict each other ({found}). {ANEW}") from None
    if (as_it_is := next((each for each in made if each.to_json() == present), None)) is not None:
        return as_it_is
    if asked is not None and names.MANIFEST not in checksums(folder):
        return made[0]
    raise DataError(
        f"{folder}: what is left does not tell the whole manifest ({_what_tells(folder)}). Name the source it was made "
        "from with --source, or make it again with generate --force."
    )


def recipe_of(told: Told) -> Recipe:
    """The recipe that a shard tells. Raises UsageError where it is none, ValueError where it is no JSON."""
    return Recipe.from_dict(json.loads(told.attributes["recipe"]))


def _what_tells(folder: Path) -> str:
    if names.MANIFEST in checksums(folder):
        return f"{names.CHECKSUMS} has the hash of another one"
    return f"{names.CHECKSUMS}, {names.CARD} and {names.CROISSANT} are lost or of another one"


def _is_what_was_sealed(folder: Path, made: Manifest, sources_bytes: int) -> bool:
    """Whether the manifest's own hash says so, or, where that is lost, a file that follows from the manifest."""
    sealed, made_json = checksums(folder).get(names.MANIFEST), made.to_json()
    if sealed is not None:
        return hashlib.sha256(made_json).hexdigest() == sealed
    expected = beside(made, made_json, sources_bytes)
    for name in (names.CARD, names.CROISSANT):
        try:
            if (folder / name).read_bytes() == expected[name]:
                return True
        except OSError:
            continue
    return False


def _guesses(told: Sequence[Told], recipe: Recipe, asked: Asked | None) -> Iterator[tuple[str, LabelKind, list[str]]]:
    """Source kind, label kind and methods, as they may have been; the likeliest first."""
    named = [choice.name for choice in recipe.methods]
    numbered = 1 + max(each.last_method for each in told)
    if "none" in named:
        methods = [named]
    elif numbered > len(named):
        methods = [[*named, "none"]]
    else:  # no row is unmixed, though some could be
        methods = [named, [*named, "none"]]
    if asked is not None:
        yield from ((asked.kind, asked.label_kind, each) for each in methods)
    yield from product(KINDS, _label_kinds(told[0], recipe), methods)


def _label_kinds(told: Told, recipe: Recipe) -> list[LabelKind]:
    present = {column.name for column in told.columns}
    if not present & names.LABEL_COLUMNS:
        return ["none"]
    if recipe.label_rule == "union":
        return ["multi"]
    return ["classes"] if "source_label" in present else ["classes", "soft", "multi", "real"]


def _content(told: Told, recipe: Recipe, label_kind: LabelKind) -> Content:
    class_names = tuple(json.loads(told.attributes["class_names"]))
    return Content(recipe, class_names, label_kind, _axes(recipe, told.columns), told.columns)


def _axes(recipe: Recipe, columns: Sequence[ColumnRecord]) -> Axes:
    """What the dimensions of one image are: the recipe's layout, or rows and columns where there are just these two."""
    if recipe.layout is not None:
        return "hwc" if recipe.layout == "nhwc" else "chw"
    return "hw" if len(columns[0].shape) == 2 else ""
