"""The data sets that are to be merged, and what comes of them: the manifest and sources.csv. Nothing is written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from mixup_cli.errors import DataError, StorageError, UsageError
from mixup_cli.runs.records import fields_of_shards, origins_of, source_record
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.json_files import read_json
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.manifest_records import InputsRecord, MemberRecord
from mixup_cli.storage.members import derived, members_of
from mixup_cli.storage.names import RUN
from mixup_cli.storage.opened import finished_manifest
from mixup_cli.storage.shard_records import ShardRecord, shard_name
from mixup_cli.storage.source_table import SourceTable, finished_table, joined
from mixup_cli.wording import counted, setting

MEANING = ("normalize", "value_range", "label_rule", "remix_kappa", "remix_tau", "label_smoothing", "ignore_index")
"""The fields of a recipe that say what numbers in images, labels and masks mean. Others may differ from member to
member."""

CUT = ("samples_per_shard", "keep_originals")
"""Those that change no mixed row."""


@dataclass(frozen=True)
class Piece:
    """A member to be, in the data set `folder`. `manifest` is its own, but for the names of its shards; `table` has its
    inputs. `origin` is what run.json says of its source; None if that is not known."""

    folder: Path
    manifest: Manifest
    table: SourceTable
    origin: object

    @property
    def fingerprint(self) -> str:
        return self.manifest.source.fingerprint

    def shards(self) -> Iterator[Path]:
        """The paths of its shards, in order. Raises DataError for one without the size that was sealed."""
        for shard in self.manifest.shards:
            path = file_inside(self.folder, shard.file).resolve()
            size = path.stat().st_size if path.exists() else None
            if size != shard.bytes:
                found = "is missing" if size is None else f"has {counted(size, 'byte')} instead of {shard.bytes:,}"
                raise DataError(f"{self.folder / shard.file}: {found}.", f"Run mixup-gen repair {self.folder}.")
            yield path


def pieces_of(folder: Path) -> Iterator[Piece]:
    """A finished data set, or each member of one that was merged. Raises NoInputError for anything else, DataError
    if its manifest, the size of a shard, or sources.csv is not what was sealed."""
    manifest = finished_manifest(folder)
    if manifest.samples is not None:
        raise DataError(f"{folder}: stores its plan.", f"Merge what mixup-gen materialize {folder} makes.")
    table, origins = finished_table(folder, manifest), origins_of(run_json(folder))
    for member in members_of(manifest):
        piece = Piece(folder, member.manifest, table.part(member.inputs), origins.get(member.source[0]))
        for _ in piece.shards():
            pass
        yield piece


def run_json(folder: Path) -> dict[str, Any]:
    """run.json; empty if it cannot be read, since nothing needs it."""
    with suppress(FileNotFoundError, DataError, StorageError):
        return read_json(file_inside(folder, RUN))
    return {}


def check_apart(folders: Sequence[Path], out: Path) -> None:
    """Raises UsageError unless there are two data sets or more, none of which `out` would touch."""
    if len(folders) < 2:
        named = folders[0] if folders else "none"
        raise UsageError(f"a merge takes two data sets or more, and {named} is named.", "Name another.")
    for folder in folders:
        if out.resolve().is_relative_to(folder.resolve()):
            found = f"{folder} is to be merged, and would be changed."
            raise UsageError(found, f"Use another {setting('out')}.", field="out", value=out)


def check_alike(pieces: Sequence[Piece]) -> None:
    """Raises DataError where pieces do not go together: where their columns, or the numbers in them, mean different
    things, or where two have the same rows."""
    first, form, seen = pieces[0], _form(pieces[0]), dict[str, Path]()
    for piece in pieces:
        own = _form(piece)
        for name in dict.fromkeys([*form, *own]):
            here, there = own.get(name, "none"), form.get(name, "none")
            if here != there:
                same = setting("classes") if name.startswith("class ") else "settings"
                found = f"{piece.folder}: {name}: {here} here, {there} in {first.folder}."
                raise DataError(found, f"Generate both with the same {same}.")
        decided = {name: value for name, value in piece.manifest.recipe.items() if name not in CUT}
        rows = json.dumps([decided, piece.fingerprint], sort_keys=True)
        if rows in seen:
            found = f"has the same mixed rows as {seen[rows]}: recipe, seed and source are the same."
            raise DataError(
                f"{piece.folder}: {found}", f"Leave one out, or generate it with another {setting('seed')}."
            )
        seen[rows] = piece.folder


def _form(piece: Piece) -> dict[str, str]:
    """What all members have in common, in words."""
    manifest, recipe = piece.manifest, piece.manifest.recipe
    columns = {c.name: " ".join(filter(None, [c.dtype, str(c.shape), c.encoding])) for c in manifest.columns}
    return {
        "label_kind": manifest.label_kind,
        **{f"class {number}": repr(name) for number, name in enumerate(manifest.class_names)},
        **{f"column {name}": form for name, form in columns.items()},
        **{f"axes of {signal.name}": signal.axes or "none" for signal in manifest.signals},
        "compression": manifest.compression,
        **{name: repr(recipe[name]) for name in MEANING if name in recipe},
        "groups": "none" if piece.table.groups is None else "some",
    }


def merged_table(pieces: Sequence[Piece]) -> SourceTable:
    """The inputs of all pieces; those that several have in common, once."""
    return joined([*{piece.fingerprint: piece.table for piece in pieces}.values()])


def merged_manifest(pieces: Sequence[Piece], table: SourceTable) -> Manifest:
    """The manifest of the rows of all pieces, one after another. Shards get new names."""
    inputs = {piece.fingerprint: piece.manifest.source.samples for piece in pieces}
    first_inputs = dict(zip(inputs, accumulate(inputs.values(), initial=0), strict=False))
    members, shards, row = list[MemberRecord](), list[ShardRecord](), 0
    for piece in pieces:
        own = piece.manifest
        for shard in own.shards:
            moved = {"file": shard_name(len(shards)), "start": row + shard.start, "stop": row + shard.stop}
            shards.append(shard.model_copy(update=moved))
        member = MemberRecord(
            recipe=own.recipe,
            recipe_id=own.recipe_id,
            source=InputsRecord(**own.source.model_dump(exclude={"skipped"})),
            methods=own.methods,
            start=row,
            stop=row + own.totals.samples,
            first_input=first_inputs[piece.fingerprint],
        )
        members.append(member)
        row = member.stop
    kinds = {member.source.kind for member in members}
    changed = {
        "members": tuple(members),
        **derived(members),
        "source": source_record(kinds.pop() if len(kinds) == 1 else "merged", table),
        **fields_of_shards(shards),
    }
    return Manifest(**{**dict(pieces[0].manifest), **changed}).of_shards(shards)
