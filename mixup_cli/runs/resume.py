"""Going on with a data set: a run begins or joins it, and takes shards that earlier runs or other parts have finished.

`begin` runs under the folder's sealing lock, so that of several parts one begins and the others join it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from mixup_cli.engines.base import Engine
from mixup_cli.errors import DataError, OutputExistsError
from mixup_cli.listener import Listener
from mixup_cli.runs.differences import Identity
from mixup_cli.runs.fingerprint import Pixels
from mixup_cli.runs.job import Job, shard_count, shard_rows
from mixup_cli.runs.standing import Stored, check_same, stored_in
from mixup_cli.storage.begun import Begun
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.names import SOURCES
from mixup_cli.storage.shard_records import ShardRecord
from mixup_cli.storage.source_table import SourceTable
from mixup_cli.wording import counted

Records = dict[int, ShardRecord]
"""The records of finished shards, by number."""


@dataclass(frozen=True)
class Wanted:
    """The data set that a run makes, alone or with other parts: the rows of a job."""

    job: Job
    table: SourceTable
    pixels: Pixels
    rows: int

    @property
    def shard_count(self) -> int:
        return shard_count(self.rows, self.job.samples_per_shard)

    def shards(self, numbers: Iterable[int]) -> Iterator[tuple[int, range]]:
        """The number and the rows of some shards."""
        return ((number, shard_rows(number, self.rows, self.job.samples_per_shard)) for number in numbers)

    @property
    def identity(self) -> Identity:
        """What it is compared by."""
        job = self.job
        return Identity(recipe=job.recipe, pixels=self.pixels, source=self.table, labels=job.labels, rows=self.rows)

    @property
    def begun(self) -> Begun:
        """What a run writes down when it begins."""
        return Begun(
            recipe=self.job.recipe,
            pixel_fingerprint=self.pixels.fingerprint,
            versions=dict(self.pixels.versions),
            rows=self.rows,
            label_kind=self.job.label_kind,
            class_names=self.job.class_names,
            source_fingerprint=self.table.fingerprint,
            depth=self.job.target.form.dtype,
        )


def begin(folder: DataSetFolder, wanted: Wanted, force: bool) -> Manifest | None:
    """Begin a data set, or join what another part has begun. Call it under `folder.sealing`.

    Returns the manifest if others have finished it meanwhile. Raises OutputExistsError if the folder holds something
    else. `force` removes that, but what a part of the same data set has begun is joined.
    """
    stored = Stored(folder)
    if folder.half_cleared or (force and not _joins(folder, wanted)):
        folder.clear()
    else:
        stored = _same(folder, wanted)
        if stored.is_complete(wanted.rows):
            return stored.finished
    _check_not_cut_down(folder, wanted.rows)
    is_begun = stored.finished is None or folder.growth.is_begun
    is_written = is_begun and _is_written_down(folder, wanted)
    if not is_written and not folder.begin(wanted.begun, wanted.table.csv):  # a run on another machine was first
        folder.outlet.refresh()
        return begin(folder, wanted, force)
    folder.remove_from(wanted.shard_count)
    folder.join()
    return None


def _same(folder: DataSetFolder, wanted: Wanted) -> Stored:
    stored = stored_in(folder)
    check_same(stored, wanted.identity)
    return stored


def _joins(folder: DataSetFolder, wanted: Wanted) -> bool:
    """Whether this is one of several parts, and another one has begun the same data set."""
    if folder.part.is_whole:
        return False
    try:
        stored = _same(folder, wanted)
    except (OutputExistsError, DataError):
        return False
    return stored.finished is None and stored.begun is not None


def _is_written_down(folder: DataSetFolder, wanted: Wanted) -> bool:
    """Whether a run has begun this data set. Its versions may differ."""
    begun = folder.begun()
    is_same = begun is not None and wanted.begun == begun.model_copy(update={"versions": wanted.begun.versions})
    return is_same and folder.place_of(SOURCES).exists()


def _check_not_cut_down(folder: DataSetFolder, rows: int) -> None:
    """Refuse to throw away shards that an unfinished run has made for more rows than are wanted now."""
    made = folder.rows_done()
    if made > rows:
        found = f"an unfinished run has made {counted(made, 'sample')} here, more than the {rows} asked for."
        raise OutputExistsError(f"{folder.path}: {found}", f"Ask for as many, or {folder.give_up}.")


def found_shards(folder: DataSetFolder, wanted: Wanted, numbers: Iterable[int]) -> tuple[Records, Records]:
    """The finished ones of some shards: those that a finished data set keeps when it grows, for which its manifest
    vouches, and those for which sidecars vouch. A sidecar with other columns is ignored."""
    kept, noted, columns = {}, {}, {column.name for column in wanted.job.spec.columns}
    finished = folder.finished()
    sealed, sizes = ((), {}) if finished is None else (finished.shards, folder.shard_sizes())
    for number, rows in wanted.shards(numbers):
        old = sealed[number] if number < len(sealed) else None
        is_same = old is not None and (old.start, old.stop) == (rows.start, rows.stop)
        if old and is_same and sizes.get(old.file) == old.bytes and not (folder.growth.path / old.file).exists():
            kept[number] = old
        elif (new := folder.done(number, rows.start, rows.stop)) and new.columns.keys() == columns:
            noted[number] = new
    return kept, noted


def intact(folder: DataSetFolder, found: Mapping[int, ShardRecord], engine: Engine, listener: Listener) -> Records:
    """Those whose bytes still match their hashes: a power cut, or a failing disk, may have changed them since."""
    intact = dict(found)
    if not found:
        return intact
    listener.begin("check", sum(record.stop - record.start for record in found.values()), "samples")
    for number, is_intact in engine.run(partial(_is_intact, folder, *each) for each in found.items()):
        listener.advance(found[number].stop - found[number].start)
        if not is_intact:
            listener.notice(f"{intact.pop(number).file}: its checksum does not match; it is made again")
    listener.end()
    return intact


def _is_intact(folder: DataSetFolder, number: int, record: ShardRecord) -> tuple[int, bool]:
    return number, folder.outlet.is_intact(folder.place_of(record.file), record.sha256)
