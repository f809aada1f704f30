"""`mixup-gen repair`: diagnose, then fix. Only what was sealed replaces a damaged file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import chain

from mixup_cli import backend
from mixup_cli.checks.diagnosis import Damage, Diagnosis, Fix, diagnose, stamps
from mixup_cli.checks.rescan import SourceOf, check_labels, check_plan, check_source, rescan
from mixup_cli.engines.local import LocalEngine
from mixup_cli.errors import DataError, NoInputError, StorageError
from mixup_cli.listener import Listener
from mixup_cli.mixing.shard_values import ShardMaker
from mixup_cli.recipe import Recipe
from mixup_cli.runs.fingerprint import Pixels, otherwise
from mixup_cli.runs.planning import shard_maker
from mixup_cli.runs.scanned import Scanned
from mixup_cli.runs.settings import Run
from mixup_cli.runs.standing import other_pixels
from mixup_cli.scan.fill import ScanSettings
from mixup_cli.scan.scan import Tolerance
from mixup_cli.scan.stored_samples import samples_place
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage import names
from mixup_cli.storage.finish import beside
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.hdf5.shard import ShardWriter, writer_for
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.json_files import content_of
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.manifest_records import SamplesRecord
from mixup_cli.storage.members import Member, members_of
from mixup_cli.storage.opened import UNFINISHED
from mixup_cli.storage.seal import Sealed, reason, storage_errors, sync_folder
from mixup_cli.storage.shard_records import ShardRecord
from mixup_cli.storage.source_table import SourceTable, joined
from mixup_cli.wording import setting

LEFT = (Fix.LEAVE, Fix.MIX_AGAIN)


@dataclass(frozen=True)
class Repaired:
    """The data set as it is now, and each damage that was fixed or, if its fix is in LEFT, is left."""

    manifest: Manifest
    damages: tuple[Damage, ...]

    @property
    def left(self) -> tuple[Damage, ...]:
        """What is still wrong."""
        return tuple(damage for damage in self.damages if damage.fix in LEFT)


def repair(folder: DataSetFolder, opened: SourceOf, run: Run, listener: Listener) -> Repaired:
    """Find what `verify` finds, and fix it. `opened` opens a source, and is called only if that is needed.

    Raises NoInputError if there is no finished data set, DataError if it cannot be repaired, OutputExistsError if a run
    is writing there. After an error, every file is as it was or as it was sealed.
    """
    opened = cache(opened)
    folder.settle()
    _check_finished(folder)
    diagnosis = diagnose(folder, opened, run.threads, listener)
    if not diagnosis.damages:
        folder.tidy()
        return Repaired(diagnosis.manifest, ())
    with folder.locked():
        _check_finished(folder)  # again: a run that began and ended meanwhile has removed the manifest
        if stamps(folder) != diagnosis.stamps:
            diagnosis = diagnose(folder, opened, run.threads, listener)
        return Repaired(diagnosis.manifest, tuple(_fixed(folder, diagnosis, opened, run, listener)))


def _check_finished(folder: DataSetFolder) -> None:
    if (folder.path / names.MANIFEST).exists():
        return
    if (folder.begun() is not None and not folder.growth.is_begun) or folder.half_cleared:
        raise NoInputError(f"{folder.path}: has no {names.MANIFEST}. {UNFINISHED}")
    if not any(folder.path.glob("shard-*.h5")):
        raise NoInputError(f"{folder.path}: is not a data set. Name the folder of one.")


def _fixed(
    folder: DataSetFolder, diagnosis: Diagnosis, opened: SourceOf, run: Run, listener: Listener
) -> Iterator[Damage]:
    """Fix one damage after another. The folder is locked."""
    manifest = diagnosis.manifest
    for damage in diagnosis.to(Fix.REBUILD):
        folder.seal(folder.path / names.MANIFEST, manifest.to_json())
        yield damage
    if damaged := diagnosis.to(Fix.REMAKE):
        _remake(folder, manifest, {damage.file for damage in damaged}, opened, run, listener)
        yield from damaged
    for damage in diagnosis.to(Fix.DELETE):
        folder.remove(folder.path / damage.file)
        yield damage
    yield from diagnosis.to(*LEFT)
    if diagnosis.to(Fix.SAMPLES) and manifest.samples is not None:
        yield from _samples_fixed(folder, manifest.samples, opened, replace(run, plan=None), listener)
    if damaged := diagnosis.to(Fix.DESCRIBE):
        yield from _described(folder, manifest, damaged)
    yield from diagnosis.to(Fix.CLEAR)  # the last to leave the folder clears it


def _samples_fixed(
    folder: DataSetFolder, record: SamplesRecord, opened: SourceOf, run: Run, listener: Listener
) -> Iterator[Damage]:
    """Fix the samples that readers mix."""
    place = samples_place(folder.path, record)
    for damage in repair(DataSetFolder(place), opened, run, listener).damages:
        yield replace(damage, file=f"{record.folder}/{damage.file}")


def _described(folder: DataSetFolder, manifest: Manifest, damaged: Sequence[Damage]) -> Iterator[Damage]:
    """Lists of shards, card, metadata and checksums. All are compared, since the last has the hashes of the others."""
    known = {damage.file: damage for damage in damaged}
    sources_bytes = (folder.path / names.SOURCES).stat().st_size
    described = beside(manifest, manifest.to_json(), sources_bytes).items()
    for name, content in chain(manifest.list_files(), described):
        if name not in known and (problem := _difference(folder, name, content)):
            known[name] = Damage(name, (problem,), Fix.DESCRIBE)
        if name in known:
            folder.seal(folder.path / name, content)
            yield known[name]


def _difference(folder: DataSetFolder, name: str, content: bytes) -> str:
    """Why a file is not what the manifest gives; empty if it is. One of an earlier version may differ, too."""
    try:
        is_same = content_of(file_inside(folder.path, name)) == content
    except (DataError, StorageError, FileNotFoundError) as problem:
        return f"cannot be read ({reason(problem)})"
    return "" if is_same else "is not what the manifest gives"


def _remake(
    folder: DataSetFolder, manifest: Manifest, damaged: set[str], opened: SourceOf, run: Run, listener: Listener
) -> None:
    """Make shards and sources.csv from the source: in the scratch folder first, where each must have its old hash."""
    out, is_list_lost = folder.path, names.SOURCES in damaged
    tables, made = dict[range, SourceTable](), list[ShardRecord]()
    for member in members_of(manifest):
        lost = [record for record in member.manifest.shards if record.file in damaged]
        if lost or (is_list_lost and member.inputs not in tables):
            found = _read_again(folder, member, opened(*member.source), run, listener, is_list_lost=is_list_lost)
            tables[member.inputs] = found.table
            _remake_shards(folder, found, lost, run, listener)
            made += lost
    if is_list_lost:
        folder.seal(out / names.SOURCES, joined([*tables.values()]).csv)
    with storage_errors(out):
        for record in made:
            (folder.scratch / record.file).replace(out / record.file)
            folder.outlet.deliver(out / record.file, Sealed(record.bytes, record.sha256))
        sync_folder(out)


def _read_again(
    folder: DataSetFolder, member: Member, source: Source, run: Run, listener: Listener, *, is_list_lost: bool
) -> Scanned:
    """Scan the source of a member. Raises DataError unless it is the same, naming the first input that differs if
    sources.csv is sound."""
    out, manifest, recipe = folder.path, member.manifest, Recipe.from_dict(member.manifest.recipe)
    check_plan(out, recipe, run.plan)
    how = ScanSettings(Tolerance("skip"), LocalEngine(run.threads), listener)
    found = rescan(out, recipe, source, folder.scratch, how)
    if found.table.fingerprint == manifest.source.fingerprint:
        check_labels(out, manifest, found)
        return found
    if not is_list_lost:
        check_source(out, member, found)
    raise DataError(
        f"{out}: was made from another source (the hash of its list is {found.table.fingerprint[:12]}…, and "
        f"{manifest.source.fingerprint[:12]}… was sealed).",
        f"Name the source that it was made from with {setting('source_paths')}.",
    )


def _remake_shards(
    folder: DataSetFolder, found: Scanned, shards: Sequence[ShardRecord], run: Run, listener: Listener
) -> None:
    """Make some shards of one member in the scratch folder."""
    engine = LocalEngine(run.threads)
    rows = sum(record.stop - record.start for record in shards)
    backend.settle(rows, found.job.spec.row_bytes)
    maker = shard_maker(found, run, engine.checkpoint)
    writer = writer_for(found.job.spec, folder.scratch)
    writer.prepare(record.stop - record.start for record in shards)
    listener.begin("repair", rows, "samples")
    with maker.supply.serving([range(record.start, record.stop) for record in shards]):
        for record in engine.run(partial(_make, folder, maker, writer, record) for record in shards):
            listener.advance(record.stop - record.start)
    listener.end()


def _make(folder: DataSetFolder, maker: ShardMaker, writer: ShardWriter, record: ShardRecord) -> ShardRecord:
    """Make one shard in the scratch folder. Raises DataError if its hash is not the one that was sealed."""
    rows = record.stop - record.start
    written = writer.write(folder.scratch / record.file, rows, maker.values(range(record.start, record.stop)))
    if written.file.sha256 == record.sha256:
        return record
    recipe = maker.row_columns.recipe
    changed = other_pixels(folder, Pixels.here(recipe).fingerprint)
    why = f"images {otherwise(recipe.encode)} here ({changed})" if changed else "made with other versions, or edited"
    raise DataError(
        f"{folder.path / record.file}: made again, its sha256 is {written.file.sha256[:12]}…, and "
        f"{record.sha256[:12]}… was sealed: {why}. Nothing was changed.",
        f"Repair it where it was made, or make the data set again with generate and {setting('force')}.",
    )
