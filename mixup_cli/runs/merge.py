"""Finished data sets, merged into one: their shards are linked or copied, and only what lies around them is written.

Shards are not rewritten, so the manifest says where each member's rows and inputs begin (`mixup_cli.storage.members`).
Hard links are not read: the manifest keeps the sealed hashes, and `verify` compares them. Copies are hashed on the way.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Literal

from mixup_cli.errors import DataError, OutputExistsError
from mixup_cli.listener import Listener
from mixup_cli.recipe import Recipe
from mixup_cli.runs.fingerprint import versions
from mixup_cli.runs.pieces import Piece, check_alike, check_apart, merged_manifest, merged_table, pieces_of
from mixup_cli.runs.records import when_and_where
from mixup_cli.runs.standing import Stored, stored_in
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.storage.begun import Begun
from mixup_cli.storage.finish import finish
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.seal import Sealing, sha256_of, storage_errors, sync_folder
from mixup_cli.storage.shard_records import ShardRecord
from mixup_cli.storage.source_table import SourceTable
from mixup_cli.wording import setting, use_another

COPY_BYTES = 4 << 20


@dataclass(frozen=True)
class Merged:
    """The result of a merge. `linked` counts the shards that are hard links: the others are copies."""

    state: Literal["merged", "unchanged"]
    manifest: Manifest
    linked: int
    seconds: float


@dataclass(frozen=True)
class Wanted:
    """What a merge makes."""

    pieces: tuple[Piece, ...]
    table: SourceTable
    manifest: Manifest

    @cached_property
    def begun(self) -> Begun:
        """What it writes down when it begins."""
        recipe = Recipe.from_dict(self.pieces[0].manifest.recipe)
        digest = hashlib.sha256(self.manifest.to_json()).hexdigest()
        return Begun(recipe=recipe, pixel_fingerprint="", versions={}, merged=digest)


def merge(folders: Sequence[Path], out: Path, force: bool = False, listener: Listener | None = None) -> Merged:
    """Make a data set of the rows of several, one after another. The same call goes on where an earlier one was
    stopped, and leaves a complete data set alone.

    Raises DataError if a data set is damaged, does not go with the first, or changes meanwhile, and other errors of
    `mixup_cli.errors`.
    """
    began, folder = time.time(), DataSetFolder(out)
    check_apart(folders, out)
    wanted = planned(folders)
    stored = _standing(folder, wanted, force)
    if stored.finished is not None and stored.has_shards:
        folder.tidy()
        return Merged("unchanged", wanted.manifest, 0, time.time() - began)
    with folder.locked():
        with folder.sealing():
            _begin(folder, wanted, force)
        linked = _place_all(folder, wanted, listener or Listener())
        if planned(folders).begun != wanted.begun:  # shards of the same size may have been linked
            again = f"Run the same command again with {setting('force')}."
            raise DataError(f"{out}: one of the data sets changed while they were merged.", again)
        with folder.sealing():
            finish(folder, wanted.manifest, _run_record(folders, wanted.pieces, began))
    return Merged("merged", wanted.manifest, linked, time.time() - began)


def planned(folders: Sequence[Path]) -> Wanted:
    """What a merge of these makes. Raises as `merge` does, and writes nothing."""
    pieces = tuple(piece for folder in folders for piece in pieces_of(folder))
    check_alike(pieces)
    table = merged_table(pieces)
    return Wanted(pieces, table, merged_manifest(pieces, table))


def _run_record(folders: Sequence[Path], pieces: Sequence[Piece], began: float) -> dict[str, object]:
    """run.json: as of any run, with the folders that were merged, and of each different source where it lay."""
    known = {piece.fingerprint: piece.origin for piece in reversed(pieces) if piece.origin}
    sources = [known.get(fingerprint) for fingerprint in dict.fromkeys(piece.fingerprint for piece in pieces)]
    merged = [escape_name(str(folder.absolute())) for folder in folders]
    return {"versions": dict(versions()), **when_and_where(began), "merged": merged, "sources": sources}


def _standing(folder: DataSetFolder, wanted: Wanted, force: bool) -> Stored:
    """What the output folder holds. Raises OutputExistsError unless that is this data set, or the beginning of it."""
    stored = stored_in(folder, force)
    if stored.finished is not None:
        is_other, how = stored.finished.to_json() != wanted.manifest.to_json(), ""
    else:
        is_other, how = stored.begun not in (None, wanted.begun), ", which is unfinished"
    if is_other:
        raise OutputExistsError(f"{folder.path}: holds another data set{how}.", use_another(or_force=True))
    return stored


def _begin(folder: DataSetFolder, wanted: Wanted, force: bool) -> None:
    """Begin, or go on with what an earlier merge has begun. Call it under `sealing`."""
    if force or folder.half_cleared:
        folder.clear()
    if _standing(folder, wanted, force).finished is None:  # else it lacks shards
        folder.begin(wanted.begun, wanted.table.csv)
    folder.join()


def _place_all(folder: DataSetFolder, wanted: Wanted, listener: Listener) -> int:
    """Link or copy every shard. Returns how many are links."""
    paths, linked = chain.from_iterable(piece.shards() for piece in wanted.pieces), 0
    listener.begin("merge", wanted.manifest.totals.samples, "samples")
    for path, record in zip(paths, wanted.manifest.shards, strict=True):
        linked += _place(folder, path, record)
        listener.advance(record.stop - record.start)
    listener.end()
    with storage_errors(folder.path):
        sync_folder(folder.path)
    return linked


def _place(folder: DataSetFolder, path: Path, record: ShardRecord) -> bool:
    """Put a shard in its place, unless an earlier merge has. Returns whether it is a hard link."""
    final = folder.path / record.file
    with storage_errors(final):
        if final.exists():
            if (is_link := os.path.samefile(path, final)) or sha256_of(final) == record.sha256:
                return is_link
            final.unlink()
        try:
            os.link(path, final)
        except OSError:  # another file system, or one without links; a copy says what else is wrong
            _copy(path, record, final, folder.scratch)
            return False
    return True


def _copy(path: Path, record: ShardRecord, final: Path, scratch: Path) -> None:
    """Copy a shard. Raises DataError, and leaves nothing, unless its hash is the one that was sealed."""
    with storage_errors(path), path.open("rb") as source, Sealing(final, scratch) as file:
        shutil.copyfileobj(source, file, COPY_BYTES)
        if (found := file.sealed.sha256) != record.sha256:
            problem = f"its sha256 is {found[:12]}…, and {record.sha256[:12]}… was sealed."
            raise DataError(f"{path}: {problem}", f"Run mixup-gen repair {path.parent}.")
