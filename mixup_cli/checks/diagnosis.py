"""What is wrong with a finished data set, and what repairs each file. Nothing is changed here."""

from __future__ import annotations

import hashlib
import json
import shlex
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TypeAlias

from mixup_cli.checks.rebuild import checksums, is_vouched, rebuilt
from mixup_cli.checks.rescan import SourceOf
from mixup_cli.checks.verify import Piece, findings_of
from mixup_cli.engines.local import LocalEngine
from mixup_cli.errors import DataError, MixupGenError, StorageError
from mixup_cli.listener import Listener
from mixup_cli.runs.merge import planned
from mixup_cli.runs.pieces import run_json
from mixup_cli.sources.reading.names import unescape_name
from mixup_cli.storage import names
from mixup_cli.storage.contents import SHARD
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.hdf5.library import open_shard
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.json_files import content_of
from mixup_cli.storage.manifest import Manifest, parse_manifest
from mixup_cli.storage.shard_records import shard_name
from mixup_cli.wording import setting


class Fix(Enum):
    """What repairs a file. The value says so, in the past tense."""

    REBUILD = "rebuilt from the shards"
    REMAKE = "made again from the source"
    DESCRIBE = "made again from the manifest"
    DELETE = "removed, since generate can make it again"
    CLEAR = "removed"
    SAMPLES = "repaired, as the data set that it is part of"
    MIX_AGAIN = "left alone: run the command that made the data set again"
    LEAVE = "left alone: it is not part of this data set. Move it away"


FIXES = {
    Piece.SHARD: Fix.REMAKE,
    Piece.SOURCES: Fix.REMAKE,
    Piece.DESCRIPTION: Fix.DESCRIBE,
    Piece.WORK: Fix.CLEAR,
    Piece.SAMPLES: Fix.SAMPLES,
    Piece.ALL_SAMPLES: Fix.MIX_AGAIN,
}
"""The fix for each piece of a data set. For the manifest and for surplus shards, evidence decides."""


Stamps: TypeAlias = dict[str, tuple[int, int, int]]
"""Of each file: its size, the time of the last change in ns, and its inode."""


@dataclass(frozen=True)
class Damage:
    """A file, the problems that were found, and what fixes it."""

    file: str
    problems: tuple[str, ...]
    fix: Fix

    def __str__(self) -> str:
        return f"{self.file}: {'; '.join(self.problems)}: {self.fix.value}"


@dataclass(frozen=True)
class Diagnosis:
    """The manifest that was sealed, what is damaged, and the state of the folder at that time."""

    manifest: Manifest
    damages: tuple[Damage, ...]
    stamps: Stamps

    def to(self, *fixes: Fix) -> list[Damage]:
        """The damages that these fix."""
        return [damage for damage in self.damages if damage.fix in fixes]


def diagnose(folder: DataSetFolder, opened: SourceOf, workers: int, listener: Listener) -> Diagnosis:
    """Find what `verify` finds, and a manifest that is lost. `opened` opens a source, and is seldom called.

    Raises DataError if the manifest is lost and cannot be rebuilt.
    """
    seen, damages = stamps(folder), []
    manifest, problem, present = _present_manifest(folder)
    if problem or manifest is None:
        again = _merged_again(folder.path, present)
        manifest = again or rebuilt(folder.path, LocalEngine(workers), present, partial(opened, 0, 1))
        if manifest.to_json() != present:
            damages.append(Damage(names.MANIFEST, (problem,), Fix.REBUILD))
    problems: dict[tuple[Piece, str], tuple[str, ...]] = {}
    for finding in findings_of(folder.path, manifest, workers, listener):
        # a lock of this run's own is in the work folder, and the manifest was judged above
        if finding.piece is not Piece.MANIFEST and not (finding.piece is Piece.WORK and folder.is_locked):
            key = finding.piece, finding.file
            problems[key] = (*problems.get(key, ()), finding.problem)
    if checksums(folder.path).get(names.MANIFEST) != hashlib.sha256(manifest.to_json()).hexdigest():
        problems.setdefault((Piece.DESCRIPTION, names.CHECKSUMS), (f"does not have the hash of {names.MANIFEST}",))
    for (piece, file), found in problems.items():
        fix = _surplus_fix(folder, file, manifest) if piece is Piece.SURPLUS else FIXES[piece]
        damages.append(Damage(file, found, fix))
    return Diagnosis(manifest, tuple(damages), seen)


def _merged_again(folder: Path, present: bytes | None) -> Manifest | None:
    """The manifest of a merged data set, from those that run.json names; None if it says nothing of a merge. It is the
    one that is `present`, or the one that SHA256SUMS has the hash of."""
    merged = run_json(folder).get("merged")
    if not isinstance(merged, list):
        return None
    folders = [unescape_name(str(name)) for name in merged]
    try:
        manifest, problem = planned([*map(Path, folders)]).manifest, "they have changed since"
        data = manifest.to_json()
        if data == present or hashlib.sha256(data).hexdigest() == checksums(folder).get(names.MANIFEST):
            return manifest
    except MixupGenError as failure:
        problem = failure.found
    raise DataError(
        f"{folder}: the manifest is lost, and the data sets that were merged do not give it ({problem}).",
        f"Merge them again: mixup-gen merge {shlex.join(folders)} {setting('out', 'OTHER')}.",
    )


def stamps(folder: DataSetFolder) -> Stamps:
    """The state of everything in a folder but the work folder: if it stays the same, nothing was changed."""
    found = {}
    for entry in folder.path.iterdir():
        if entry != folder.work:
            with suppress(FileNotFoundError):
                status = entry.lstat()
                found[entry.name] = (status.st_size, status.st_mtime_ns, status.st_ino)
    return found


def _present_manifest(folder: DataSetFolder) -> tuple[Manifest | None, str, bytes | None]:
    """The manifest that is in place; what is wrong with it, if anything; and its bytes, if they can be read."""
    out = folder.path
    try:
        data = content_of(file_inside(out, names.MANIFEST))
        manifest = parse_manifest(data).reading_lists(out)
    except FileNotFoundError:
        return None, "is missing", None
    except (DataError, StorageError) as problem:
        return None, f"cannot be read ({problem.found})", None
    except ValueError as problem:
        return None, f"is damaged ({problem})", data
    try:
        for _ in manifest.shards:  # reads every list
            pass
    except (DataError, StorageError) as problem:
        return manifest, f"has a list that cannot be read ({problem.found})", data
    sealed = checksums(out).get(names.MANIFEST)
    is_sealed = is_vouched(out, manifest) if sealed is None else hashlib.sha256(data).hexdigest() == sealed
    is_sound = is_sealed and data == manifest.to_json()
    return manifest, "" if is_sound else f"is not the one in {names.CHECKSUMS}", data


def _surplus_fix(folder: DataSetFolder, name: str, manifest: Manifest) -> Fix:
    """A shard that the manifest lacks is removed only if `generate` would make it: same recipe, name and number."""
    number = SHARD.fullmatch(name)
    if number is None or name != shard_name(int(number[1])) or manifest.members:
        return Fix.LEAVE
    try:
        with open_shard(file_inside(folder.path, name)) as file:
            is_ours = json.loads(str(file.attrs["recipe"])) == manifest.recipe
    except DataError:
        return Fix.LEAVE
    return Fix.DELETE if is_ours else Fix.LEAVE
