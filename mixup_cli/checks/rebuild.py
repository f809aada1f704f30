"""A lost manifest, put together again from the shards and sources.csv.

Shards tell the recipe, the class names, the columns and their own rows. What they do not tell (the kind of the source,
and where there are dense labels alone, what these are) is one of a few words: the one that gives the manifest that was
sealed, whose hash is in SHA256SUMS. Where that is lost, croissant.json has the hashes of the shards, and the card, or
the source, has those words. Where no hash is left, nothing can be rebuilt: nobody could tell which shards there were,
and whether they are what they were.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import h5py
import numpy as np
from pydantic import TypeAdapter, ValidationError

from mixup_cli.checks.verify import DAMAGE, content_hash
from mixup_cli.choices import LabelKind
from mixup_cli.engines.local import LocalEngine
from mixup_cli.errors import DataError, StorageError, UsageError
from mixup_cli.fields.axes import Axes, natural_axes
from mixup_cli.fields.field import COLUMNS
from mixup_cli.fields.signal import FIRST, Signal
from mixup_cli.recipe import FORMAT_VERSION, Recipe
from mixup_cli.runs.records import Content, manifest_of
from mixup_cli.storage import manifest as names
from mixup_cli.storage.finish import beside, checksum_entries
from mixup_cli.storage.folder import SHARD
from mixup_cli.storage.hdf5.plain_hdf5 import PlainDataSet, plain_numbers
from mixup_cli.storage.hdf5.shard import compression_of
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.json_files import content_of, read_json
from mixup_cli.storage.manifest import ColumnRecord, Manifest, ShardRecord, StoredColumn, shard_name
from mixup_cli.storage.seal import sha256_of
from mixup_cli.storage.source_table import SourceTable

KINDS = ("pictures", "cifar", "idx", "array_file", "arrays", "mixup-gen", "combined")
"""What a source can be."""

ATTRIBUTES = ("format_version", "recipe", "class_names")


@dataclass(frozen=True)
class Told:
    """What one shard tells: its record, its columns in the manifest's order, its attributes (JSON by name, and the two
    of them that are made use of), its compression, and the largest number in its column `method`."""

    record: ShardRecord
    columns: tuple[ColumnRecord, ...]
    attributes: dict[str, str]
    recipe: Recipe
    class_names: tuple[str, ...]
    compression: str
    last_method: int


@dataclass(frozen=True)
class Asked:
    """What no shard tells of a data set, and its source does."""

    kind: str
    label_kind: LabelKind


ANEW = "Make the data set again with generate, in another folder (-o): the manifest cannot be rebuilt."

NO_HASHES = f"{names.CHECKSUMS} and {names.CROISSANT}, which have the hashes of the shards, are lost or of another one"


def told_by_shards(folder: Path, engine: LocalEngine) -> list[Told]:
    """What the shards tell, in order. Raises DataError where one is missing or damaged, or contradicts the first."""
    found = sorted(path for path in folder.glob("shard-*.h5") if SHARD.fullmatch(path.name))
    sums = checksums(folder)
    expected = {shard_name(number) for number in range(len(found))}
    if names.MANIFEST in sums:  # which is its last line: what lacks it may lack shards, too
        expected = {name for name in sums if SHARD.fullmatch(name)}
        found = [path for path in found if path.name in expected]
    if missing := sorted(expected - {path.name for path in found}):
        raise DataError(f"{folder / missing[0]}: is missing, and so is what the manifest said of it. {ANEW}")
    if not found:
        raise DataError(f"{folder}: there are no shards to tell what the manifest said. {ANEW}")
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
        digest = sha256_of(file_inside(path.parent, path.name))
        if sealed is not None and digest != sealed:
            raise DataError(f"its sha256 is {digest[:12]}…, and {sealed[:12]}… was sealed")
        with h5py.File(path, "r", locking=False) as file:
            return _read(path, digest, file)
    except (*DAMAGE, UsageError) as problem:
        raise DataError(f"{path}: cannot be read ({problem}), and there is no manifest. {ANEW}") from None


def _read(path: Path, digest: str, file: h5py.File) -> Told:
    """What an open shard tells. Raises one of DAMAGE, or UsageError."""
    attributes = {name: str(file.attrs[name]) for name in ATTRIBUTES}
    recipe = Recipe.from_dict(json.loads(attributes["recipe"]))
    class_names = TypeAdapter(tuple[str, ...]).validate_json(attributes["class_names"])
    if json.loads(attributes["format_version"]) != FORMAT_VERSION:
        raise DataError(f"its format is {attributes['format_version'][:20]}, expected {FORMAT_VERSION}")
    stored = {name: plain_numbers(file, name, name) for name in (FIRST, *recipe.signals, *COLUMNS) if name in file}
    if surplus := sorted(file.keys() - stored.keys()):
        raise DataError(f"holds {surplus[0]!r}, which is no column")
    index = stored["index"][:]
    if not len(index) or not np.array_equal(index, np.arange(index[0], index[0] + len(index))):
        raise DataError("its index is not a range of rows")
    compression = compression_of(stored[FIRST])
    columns = tuple(ColumnRecord(name=name, dtype=d.dtype.name, shape=d.shape[1:]) for name, d in stored.items())
    record = ShardRecord(
        file=path.name,
        bytes=path.stat().st_size,
        sha256=digest,
        start=int(index[0]),
        stop=int(index[-1]) + 1,
        columns={name: _stored(data_set, compression) for name, data_set in stored.items()},
    )
    return Told(record, columns, attributes, recipe, class_names, compression, int(stored["method"][:].max()))


def _stored(column: PlainDataSet, compression: str) -> StoredColumn:
    if compression == "none":
        return StoredColumn(offset=column.offset)
    return StoredColumn(content_sha256=content_hash(column))


def checksums(folder: Path) -> dict[str, str]:
    """What SHA256SUMS says of each file; nothing where it cannot be read."""
    try:
        return {name: digest for digest, name in checksum_entries(folder)}
    except (DataError, StorageError, FileNotFoundError, ValueError):
        return {}


def rebuild(
    folder: Path, told: Sequence[Told], table: SourceTable, ask: Callable[[], Asked], present: bytes | None = None
) -> Manifest:
    """The manifest of the shards that told this. `ask` is what the source says, where that is needed; `present` are
    the bytes of a manifest that is there, and is right if only its hash is wrong.

    Raises DataError where the shards contradict each other, or where nothing vouches for what they tell.
    """
    sealed = checksums(folder).get(names.MANIFEST)
    as_it_is: Manifest | None = None
    vouched: list[Manifest] = []
    try:
        for made in _candidates(told, table):
            made_json = made.to_json()
            if hashlib.sha256(made_json).hexdigest() == sealed:
                return made
            if made_json == present:
                as_it_is = made
            elif sealed is None and _follows(folder, names.CROISSANT, made, table):
                vouched.append(made)
    except (ValidationError, UsageError, ValueError) as problem:
        found = problem.errors()[0]["msg"] if isinstance(problem, ValidationError) else problem
        raise DataError(f"{folder}: its shards contradict each other ({found}). {ANEW}") from None
    if as_it_is is not None:
        return as_it_is
    if not vouched:
        why = f"{names.CHECKSUMS} has the hash of another one" if sealed else NO_HASHES
        raise DataError(f"{folder}: what is left does not tell the manifest ({why}). {ANEW}")
    return _settled([made for made in vouched if _follows(folder, names.CARD, made, table)] or vouched, ask)


def _settled(vouched: list[Manifest], ask: Callable[[], Asked]) -> Manifest:
    """The one of several manifests whose source is of the right kind. Whether methods name one that no row has, nobody
    can tell: the first does not."""
    if len({(made.source.kind, made.label_kind) for made in vouched}) > 1:
        asked = ask()
        vouched = [made for made in vouched if (made.source.kind, made.label_kind) == (asked.kind, asked.label_kind)]
    if not vouched:
        raise DataError(f"the source is of another kind than what was mixed. {ANEW}")
    return vouched[0]


def _candidates(told: Sequence[Told], table: SourceTable) -> Iterator[Manifest]:
    """The manifests that the shards may have had."""
    recipe = told[0].recipe
    records = [each.record for each in told]
    for kind, label_kind, methods in _guesses(told, recipe):
        yield manifest_of(_content(told[0], recipe, label_kind), kind, table, methods, records)


def _follows(folder: Path, name: str, made: Manifest, table: SourceTable) -> bool:
    """Whether the card, or the metadata, is what follows from a manifest."""
    try:
        return content_of(file_inside(folder, name)) == beside(made, made.to_json(), len(table.csv))[name]
    except (DataError, StorageError, FileNotFoundError):
        return False


def agrees(folder: Path, manifest: Manifest) -> bool:
    """Whether what else is there says of a manifest without a sealed hash that it is the one that was sealed: the
    metadata have the same hashes, and a shard that has its own tells the same recipe and names of classes."""
    hashes = {names.SOURCES: manifest.source.fingerprint, **{shard.file: shard.sha256 for shard in manifest.shards}}
    if _hashes_in_metadata(folder) != hashes:
        return False
    for record in manifest.shards:
        with suppress(DataError):
            told = _told(file_inside(folder, record.file), record.sha256)
            return told.recipe.to_dict() == manifest.recipe and told.class_names == manifest.class_names
    return False


def _hashes_in_metadata(folder: Path) -> dict[str, str]:
    """The hashes that croissant.json has, by file; none where it cannot be read."""
    try:
        files = read_json(file_inside(folder, names.CROISSANT))["distribution"]
        return {each["name"]: each["sha256"] for each in files}
    except (DataError, StorageError, FileNotFoundError, KeyError, TypeError):
        return {}


def _guesses(told: Sequence[Told], recipe: Recipe) -> Iterator[tuple[str, LabelKind, list[str]]]:
    """Source kind, label kind and methods, as they may have been; the likeliest first."""
    named = [choice.name for choice in recipe.methods]
    numbered = 1 + max(each.last_method for each in told)
    if "none" in named:
        methods = [named]
    elif numbered > len(named):
        methods = [[*named, "none"]]
    else:  # no row is unmixed, though some could be
        methods = [named, [*named, "none"]]
    yield from product(KINDS, _label_kinds(told[0], recipe), methods)


def _label_kinds(told: Told, recipe: Recipe) -> list[LabelKind]:
    present = {column.name for column in told.columns}
    if not present & names.LABEL_COLUMNS:
        return ["none"]
    if recipe.label_rule == "union":
        return ["multi"]
    return ["classes"] if "source_label" in present else ["classes", "soft", "multi", "real"]


def _content(told: Told, recipe: Recipe, label_kind: LabelKind) -> Content:
    return Content(recipe, told.class_names, label_kind, _signals(recipe, told.columns), told.columns)


def _signals(recipe: Recipe, columns: Sequence[ColumnRecord]) -> tuple[Signal, ...]:
    """The signals, whose columns stand first: axes are the recipe's layout, or what the shape says alone."""
    found = columns[: 1 + len(recipe.signals)]
    named: dict[str | None, Axes] = {"nhwc": "hwc", "nchw": "chw"}
    first: Axes = "hw" if len(found[0].shape) == 2 else ""
    axes = [named.get(recipe.layout, first), *(natural_axes(column.shape) for column in found[1:])]
    return tuple(Signal(c.name, c.dtype, c.shape, each) for c, each in zip(found, axes, strict=True))
