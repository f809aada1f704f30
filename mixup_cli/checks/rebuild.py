"""A lost manifest, rebuilt from the shards and sources.csv.

Each shard stores the recipe, the class names, its columns and its rows. Three facts are missing: the kind of the
source, what dense labels are, and whether `none` is a method. (A further attribute would change the bytes of every
shard.) Each is one of a few words, so `rebuilt` makes the manifest of every combination and looks for evidence:

1. SHA256SUMS has the hash of one of them, or one equals the manifest that is present: that one was sealed.
2. Without that hash, croissant.json must match, and so vouch for the shards. The card, or else the source, decides
   between the combinations that are left.

With neither, shards could be missing or changed, and the manifest cannot be rebuilt.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import h5py
import numpy as np
from pydantic import TypeAdapter, ValidationError

from mixup_cli.checks.verify import content_hash
from mixup_cli.choices import LabelKind
from mixup_cli.engines.base import Engine
from mixup_cli.errors import DataError, MixupGenError, NoInputError, StorageError, UsageError
from mixup_cli.fields.axes import Axes, natural_axes
from mixup_cli.fields.encoding import encoded_shape
from mixup_cli.fields.field import COLUMNS
from mixup_cli.fields.label_rules import mixed_kind
from mixup_cli.fields.signal import ATTENTION, FIRST, FIRST_OF_AXES, OF_ONE, Signal, first_kind
from mixup_cli.image_format import ImageFormat
from mixup_cli.recipe import FORMAT_VERSION, Recipe
from mixup_cli.runs.records import Content, manifest_of
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage import names
from mixup_cli.storage.contents import SHARD
from mixup_cli.storage.contradictions import LABEL_COLUMNS
from mixup_cli.storage.finish import beside, checksum_entries
from mixup_cli.storage.hdf5.encoded import encoded_place
from mixup_cli.storage.hdf5.layout import Column
from mixup_cli.storage.hdf5.library import HDF5_ERRORS, open_shard
from mixup_cli.storage.hdf5.plain_hdf5 import plain_numbers
from mixup_cli.storage.hdf5.shard import compression_of
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.json_files import content_of, read_json
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.manifest_records import ColumnRecord
from mixup_cli.storage.members import sound_shards_of
from mixup_cli.storage.mirror import release
from mixup_cli.storage.seal import reason, sha256_of
from mixup_cli.storage.shard_records import ShardRecord, StoredColumn, shard_name
from mixup_cli.storage.source_table import TABLE_LIMIT_BYTES, SourceTable, read_table
from mixup_cli.wording import setting

KINDS = (
    *("pictures", "webdataset", "hugging-face", "cifar", "idx", "array_file", "arrays", "mixup-gen", "combined"),
    *("sounds", "clips", "texts"),
)
"""The kinds of source."""

UNREADABLE = (DataError, StorageError, FileNotFoundError)
"""Why a small file cannot be read."""


@dataclass(frozen=True)
class StoredShard:
    """What one shard stores: its record, its columns in the manifest's order, the recipe, the class names, and the
    largest number in its column `method`. `common` is the part that all shards have in common, by name, as text."""

    record: ShardRecord
    columns: tuple[ColumnRecord, ...]
    recipe: Recipe
    class_names: tuple[str, ...]
    last_method: int
    common: Mapping[str, str]


def checksums(folder: Path) -> dict[str, str]:
    """The hashes in SHA256SUMS, by file; none if it cannot be read."""
    try:
        return {name: digest for digest, name in checksum_entries(folder)}
    except (*UNREADABLE, ValueError):
        return {}


def rebuilt(folder: Path, engine: Engine, present: bytes | None, opened: Callable[[], Source]) -> Manifest:
    """The manifest that was sealed. `present` is the content of manifest.json, if it can be read; `opened` opens the
    source, and is called only if nothing else decides.

    Raises DataError if a shard or sources.csv is lost, too, if shards contradict each other, or if evidence is missing.
    """
    sums = checksums(folder)
    shards, table = _stored_shards(folder, engine, sums), _source_table(folder, sums)
    sealed, vouched, unchanged = sums.get(names.MANIFEST), [], None
    try:
        for manifest in _candidates(shards, table):
            data = manifest.to_json()
            if hashlib.sha256(data).hexdigest() == sealed:
                return manifest
            if data == present:
                unchanged = manifest
            elif sealed is None and _matches(folder, names.CROISSANT, manifest, table):
                vouched.append(manifest)
    except (UsageError, ValueError) as problem:
        found = problem.errors()[0]["msg"] if isinstance(problem, ValidationError) else problem
        raise _lost(f"{folder}: the shards contradict each other ({found}).") from None
    if unchanged is not None:
        return unchanged
    if not vouched:
        hashes = f"{names.CHECKSUMS} and {names.CROISSANT}, which have the hashes of the shards, are lost or differ"
        raise _lost(f"{folder}: {f'{names.CHECKSUMS} has the hash of another manifest' if sealed else hashes}.")
    described = [manifest for manifest in vouched if _matches(folder, names.CARD, manifest, table)]
    return _decided(folder, described or vouched, opened)


def _lost(found: str) -> DataError:
    again = f"Make the data set again with generate, in another folder ({setting('out')})"
    return DataError(found, f"{again}: the manifest cannot be rebuilt.")


def _decided(folder: Path, vouched: Sequence[Manifest], opened: Callable[[], Source]) -> Manifest:
    """The first manifest whose source is of the right kind. Of two, that is the one whose methods lack `none`."""
    kinds = {(manifest.source.kind, manifest.label_kind): manifest for manifest in reversed(vouched)}
    if len(kinds) == 1:
        return vouched[0]
    try:
        source = opened()
    except (DataError, NoInputError) as problem:
        needed = f"Name the source with {setting('source_paths')}."
        raise DataError(f"{folder}: the kind of the source is needed ({problem.found}).", needed) from None
    kind = source.kind, mixed_kind(Recipe.from_dict(vouched[0].recipe), source.labels.kind)
    if kind not in kinds:
        raise _lost(f"{folder}: was not made from a source of this kind ({source.kind}).")
    return kinds[kind]


def _candidates(shards: Sequence[StoredShard], table: SourceTable) -> Iterator[Manifest]:
    """The manifest of every combination of what shards do not store, the likeliest first."""
    first, records = shards[0], [shard.record for shard in shards]
    signals = _signals(first.recipe, first.columns)
    for kind, label_kind, methods in product(KINDS, _label_kinds(first), _methods(shards)):
        content = Content(first.recipe, first.class_names, label_kind, signals, first.columns)
        yield manifest_of(content, kind, table, methods, records)


def _methods(shards: Sequence[StoredShard]) -> list[list[str]]:
    named = [choice.name for choice in shards[0].recipe.methods]
    if "none" in named:
        return [named]
    if max(shard.last_method for shard in shards) >= len(named):
        return [[*named, "none"]]
    return [named, [*named, "none"]]  # no row is unmixed, but rows could have been


def _label_kinds(shard: StoredShard) -> list[LabelKind]:
    present = {column.name for column in shard.columns}
    if not present & LABEL_COLUMNS:
        return ["none"]
    if shard.recipe.label_rule == "union":
        return ["multi"]
    return ["classes"] if "source_label" in present else ["classes", "soft", "multi", "real"]


def _signals(recipe: Recipe, columns: Sequence[ColumnRecord]) -> tuple[Signal, ...]:
    """The signals, whose columns stand first. Axes are the recipe's layout, or follow from the shape."""
    found = columns[: 1 + len(recipe.signals)]
    named: dict[str | None, Axes] = {"nhwc": "hwc", "nchw": "chw"}
    first: Axes = "hw" if len(found[0].shape) == 2 else ""
    for axes, name in FIRST_OF_AXES.items():
        if name == found[0].name and len(axes) == len(found[0].shape):
            first = axes
    signals = [
        Signal(found[0].name, found[0].dtype, found[0].shape, named.get(recipe.layout, first), first_kind(first))
    ]
    for column in found[1:]:
        if recipe.task == "caption":
            signals.append(Signal(column.name, column.dtype, column.shape, "t", "text"))
            continue
        is_map, of_one = column.name in recipe.index_maps, "t" if column.name == ATTENTION else "hw"
        axes = natural_axes(column.shape)
        if is_map:
            axes = next(each for each in (*OF_ONE, *OF_ONE.values()) if each == "p" * (recipe.masks == "both") + of_one)
        signals.append(Signal(column.name, column.dtype, column.shape, axes, "index" if is_map else "signal"))
    return tuple(signals)


def _matches(folder: Path, name: str, manifest: Manifest, table: SourceTable) -> bool:
    """Whether the card, or croissant.json, is what this manifest gives."""
    try:
        return content_of(file_inside(folder, name)) == beside(manifest, manifest.to_json(), len(table.csv))[name]
    except UNREADABLE:
        return False


def _source_table(folder: Path, sums: Mapping[str, str]) -> SourceTable:
    """The table that was sealed. Raises DataError if it is missing, or if SHA256SUMS has another hash for it."""
    path = folder / names.SOURCES
    try:
        data = content_of(file_inside(folder, names.SOURCES), TABLE_LIMIT_BYTES)
    except FileNotFoundError:
        raise _lost(f"{path}: is missing, and so is the manifest.") from None
    if sums.get(names.SOURCES) not in (None, hashlib.sha256(data).hexdigest()):
        raise _lost(f"{path}: its hash is not the one in {names.CHECKSUMS}, and the manifest is lost.")
    return read_table(data, str(path))


def _stored_shards(folder: Path, engine: Engine, sums: Mapping[str, str]) -> list[StoredShard]:
    """What the shards store, in order. Raises DataError if one is missing or damaged, or contradicts the first."""
    present = {path.name for path in folder.glob("shard-*.h5") if SHARD.fullmatch(path.name)}
    expected = {shard_name(number) for number in range(len(present))}
    if names.MANIFEST in sums:  # it is the last line: a list that lacks it may lack shards
        expected = {name for name in sums if SHARD.fullmatch(name)}
    if missing := sorted(expected - present):
        raise _lost(f"{folder / missing[0]}: is missing, and so is the manifest.")
    if not expected:
        raise _lost(f"{folder}: has neither shards nor a manifest.")
    shards = list(engine.run(partial(_stored, folder, name, sums.get(name)) for name in sorted(expected)))
    shards.sort(key=lambda shard: shard.record.start)
    first = shards[0]
    for other in shards[1:]:
        for name, text in other.common.items():
            if text != first.common[name]:
                differs = f"its {name} is {text[:60]}, and {first.record.file} has another"
                raise _lost(f"{folder / other.record.file}: {differs}.")
    return shards


def _stored(folder: Path, name: str, sealed: str | None) -> StoredShard:
    path = folder / name
    try:
        digest = sha256_of(file_inside(folder, name))
        if sealed not in (None, digest):
            raise DataError(f"its sha256 is {digest[:12]}…, and {str(sealed)[:12]}… was sealed")
        with open_shard(path) as file:
            return _read(path, digest, file)
    except (MixupGenError, *HDF5_ERRORS) as problem:
        raise _lost(f"{path}: cannot be read ({reason(problem)}), and the manifest is lost.") from None
    finally:
        release(path)


def _read(path: Path, digest: str, file: h5py.File) -> StoredShard:
    """What an open shard stores. Raises UsageError for a recipe that is not valid, and as `open_shard` does."""
    attributes = {name: str(file.attrs[name]) for name in ("format_version", "recipe", "class_names")}
    if json.loads(attributes["format_version"]) != FORMAT_VERSION:
        raise DataError(f"its format is {attributes['format_version'][:20]}, expected {FORMAT_VERSION}")
    recipe = Recipe.from_dict(json.loads(attributes["recipe"]))
    if recipe.store == "plan":
        raise DataError("it holds a plan, which generate makes again soon")
    present = [name for name in (FIRST, *FIRST_OF_AXES.values(), *recipe.signals, *COLUMNS) if name in file]
    present = [*dict.fromkeys(present)]
    if surplus := sorted(file.keys() - set(present)):
        raise DataError(f"{surplus[0]!r} is not a column")
    encoded = [encoded_form(recipe)] if recipe.encode else []
    stored = {name: plain_numbers(file, name, name) for name in present[len(encoded) :]}
    index, compression = stored["index"][:], compression_of(next(iter(stored.values())))
    if not len(index) or not np.array_equal(index, np.arange(index[0], index[0] + len(index))):
        raise DataError("its index is not a range of rows")
    plain = compression == "none"
    stored_columns = {
        name: StoredColumn(offset=data.offset) if plain else StoredColumn(content_sha256=content_hash(data))
        for name, data in stored.items()
    }
    places = {column.name: StoredColumn(offset=encoded_place(file, column, len(index))) for column in encoded}
    start, size = int(index[0]), path.stat().st_size
    record = ShardRecord(
        file=path.name, bytes=size, sha256=digest, start=start, stop=start + len(index), columns=places | stored_columns
    )
    found = [*encoded, *(Column(name, data.dtype.name, data.shape[1:]) for name, data in stored.items())]
    columns = tuple(ColumnRecord.encoded(c.name, c.dtype, c.shape, c.encoding) for c in found)
    listed = ", ".join(f"{column.name} {column.dtype} {column.shape}" for column in columns)
    return StoredShard(
        record,
        columns,
        recipe,
        TypeAdapter(tuple[str, ...]).validate_json(attributes["class_names"]),
        int(stored["method"][:].max()),
        {**attributes, "list of columns": listed, "compression": compression},
    )


def encoded_form(recipe: Recipe) -> Column:
    """The column of encoded images that a resolved recipe has. Raises DataError if it can have none."""
    if (shape := encoded_shape(recipe)) is None or recipe.encode is None:
        raise DataError("its recipe encodes samples that are not pictures")
    return Column(FIRST, "uint8", shape, ImageFormat.parse(recipe.encode))


def is_vouched(folder: Path, manifest: Manifest) -> bool:
    """Whether other files confirm a manifest whose own hash is lost: croissant.json has the same hashes, and a sound
    shard stores the same recipe and class names."""
    described = manifest.shard_lists or manifest.shards
    hashes = {names.SOURCES: manifest.source.fingerprint, **{each.file: each.sha256 for each in described}}
    if _hashes_in_metadata(folder) != hashes:
        return False
    for own, record in sound_shards_of(manifest):
        with suppress(DataError):
            shard = _stored(folder, record.file, record.sha256)
            return shard.recipe.to_dict() == own.recipe and shard.class_names == manifest.class_names
    return False


def _hashes_in_metadata(folder: Path) -> dict[str, str]:
    """The hashes in croissant.json, by file; none if it cannot be read."""
    try:
        files = read_json(file_inside(folder, names.CROISSANT))["distribution"]
        return {each["name"]: each["sha256"] for each in files if each["@type"] == "cr:FileObject"}
    except (*UNREADABLE, KeyError, TypeError):
        return {}
