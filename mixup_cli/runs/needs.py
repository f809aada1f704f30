"""What a run needs of the disk: computed before it writes anything, and reported if the disk has less.

Apart from `forecast`, which a run does not need: that one loads and mixes samples to measure the time.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixup_cli.errors import StorageError
from mixup_cli.fields.signal import but_texts
from mixup_cli.mixing.columns import columns_of
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.job import Job, shard_count, shard_rows
from mixup_cli.runs.records import Content, manifest_of
from mixup_cli.runs.settings import Run, row_count
from mixup_cli.scan.fill import CachePlace, nearest_existing, needs_file, size_of_cache
from mixup_cli.scan.table import label_texts
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.finish import beside
from mixup_cli.storage.json_files import to_json
from mixup_cli.storage.loaded import Loaded, LoadedColumn
from mixup_cli.storage.names import MANIFEST
from mixup_cli.storage.seal import NO_ROOM
from mixup_cli.storage.shard_records import ShardRecord, StoredColumn, shard_name
from mixup_cli.storage.source_table import SourceTable
from mixup_cli.storage.stores import Store
from mixup_cli.wording import readable, setting

SMALL_BYTES = 1 << 20
"""A data set smaller than this needs no advice on shards."""

RUN_BYTES = 600
"""About the size of run.json without what it says of the source."""

SIDECAR_BYTES = 4096
"""A sidecar takes a block of the disk until the data set is sealed."""

LINES_LOOKED_AT = 512
"""Lines of sources.csv that are measured, spread over the source."""

MOST_ROWS = 10**6
"""Rows of a shard whose description is measured: no more than a manifest can hold."""

A_HASH = "0" * 64


@dataclass(frozen=True)
class Needs:
    """What a run needs. `shard_bytes`: the shards, uncompressed, or (`estimated`) as encoding a few rows says;
    `fixed_bytes` of them are taken whatever compression or encoding saves (`compressed`), and `sent_bytes` have left
    for a store before the last ones are made. `side_bytes`: the other files of the finished data set; about
    `samples_bytes` of them are the samples that readers mix. `work_bytes`: files that go when it is finished."""

    rows: int
    shards: int
    row_bytes: int
    shard_bytes: int
    fixed_bytes: int
    side_bytes: int
    work_bytes: int
    cache_bytes: int
    cache_on_disk: bool
    free_bytes: int
    compressed: bool
    sent_bytes: int = 0
    samples_bytes: int = 0
    estimated: bool = False

    @property
    def output_bytes(self) -> int:
        """All files of the finished data set; with compression, at most."""
        return self.shard_bytes + self.side_bytes

    @property
    def spare_bytes(self) -> int:
        """Disk that is needed at most, without the cache."""
        return self.output_bytes - self.sent_bytes + self.work_bytes

    @property
    def disk_bytes(self) -> int:
        """Disk that is needed at most."""
        return self.spare_bytes + (self.cache_bytes if self.cache_on_disk else 0)

    @property
    def certain_bytes(self) -> int:
        """Disk that is needed whatever compression saves."""
        saved_bytes = min(self.shard_bytes - self.fixed_bytes, self.shard_bytes - self.sent_bytes)
        return self.disk_bytes - (saved_bytes if self.compressed else 0)


def needs(job: Job, source: Source, run: Run, place: CachePlace) -> Needs:
    """What a run needs if every input can be used; decoded samples wait in `place`."""
    rows = row_count(job.recipe, run, source.labels, np.arange(len(source)))
    shards = shard_count(rows, job.samples_per_shard)
    last = len(shard_rows(shards - 1, rows, job.samples_per_shard)) if shards else 0
    shard_bytes = job.spec.size.of_rows(job.samples_per_shard)
    full_bytes = shard_bytes * max(0, shards - 1)
    samples_bytes = _samples_bytes(job, source, run)
    return Needs(
        rows=rows,
        shards=shards,
        row_bytes=job.spec.row_bytes,
        shard_bytes=full_bytes + (job.spec.size.of_rows(last) if shards else 0),
        fixed_bytes=shards * job.spec.size.fixed_bytes,
        side_bytes=_side_bytes(job, source, rows, shards) + RUN_BYTES + len(to_json(run.origin)) + samples_bytes,
        work_bytes=shards * SIDECAR_BYTES,
        cache_bytes=size_of_cache(source, job.targets, place),
        cache_on_disk=needs_file(source, job.targets, place),
        free_bytes=shutil.disk_usage(nearest_existing(run.out)).free,
        compressed=job.recipe.compression != "none" or job.recipe.encode is not None,
        sent_bytes=0 if run.store is None else max(0, full_bytes - (run.workers or run.threads) * shard_bytes),
        samples_bytes=samples_bytes,
    )


def shard_advice(needed: Needs, job: Job) -> Iterator[str]:
    """A notice where shards take more than their rows do."""
    if 2 * needed.fixed_bytes > needed.shard_bytes > SMALL_BYTES:
        each, larger = readable(job.spec.size.fixed_bytes), f"pass a larger {setting('shard_size')}"
        yield f"each shard takes {each} besides its rows, most of the output: {larger}"


def _samples_bytes(job: Job, source: Source, run: Run) -> int:
    """About the size of the samples that readers mix, if shards hold the plan and the samples are not there yet."""
    if job.recipe.store == "rows" or (run.samples_place / MANIFEST).exists():
        return 0
    columns = columns_of(Recipe(methods=(MethodChoice("none"),)), job.signals, source.labels, 1)
    mixed = {signal.name for signal in but_texts(job.signals)}
    beside = sum(column.row_bytes for column in columns if column.name not in mixed)
    return len(source) * (job.sample_bytes + beside)


def _side_bytes(job: Job, source: Source, rows: int, shards: int) -> int:
    """sources.csv, and the files with lines for each shard: all but the shards and run.json."""
    sources_bytes = _sources_bytes(job, source)
    least = min(shards, 1)
    first = _described_bytes(job, source, rows, least)
    each = _described_bytes(job, source, rows, 2) - first if shards > 1 else 0
    return sources_bytes + first + each * (shards - least)


def _described_bytes(job: Job, source: Source, rows: int, shards: int) -> int:
    """Manifest, card, metadata and checksums of the first shards, with hashes of zeros."""
    table = SourceTable([], [], LoadedColumn(0), None if source.labels.groups is None else [])
    stored = StoredColumn(offset=10_000) if job.recipe.compression == "none" else StoredColumn(content_sha256=A_HASH)
    columns = {column.name: stored for column in job.spec.columns}
    records = []
    for number in range(shards):
        part = shard_rows(number, rows, min(job.samples_per_shard, MOST_ROWS))
        size, file = 10_000 + job.spec.size.of_rows(len(part)), shard_name(number)
        records.append(
            ShardRecord(file=file, bytes=size, sha256=A_HASH, start=part.start, stop=part.stop, columns=columns)
        )
    names = [choice.name for choice in job.recipe.methods]
    manifest = manifest_of(Content.of(job), source.kind, table, names, records)
    manifest_json = manifest.to_json()
    return len(manifest_json) + sum(map(len, beside(manifest, manifest_json, 10**6).values()))


def _sources_bytes(job: Job, source: Source) -> int:
    """The size of sources.csv, from some of its lines. Sizes of inputs are taken to have as many digits as those of
    decoded samples."""
    count = len(source)
    places = sorted({*np.linspace(0, count - 1, min(count, LINES_LOOKED_AT)).astype(np.int64).tolist()})
    labels = source.labels.at(places)
    loaded = LoadedColumn.of([Loaded(job.sample_bytes, A_HASH.replace("0", "1"))] * len(places))
    table = SourceTable([source.keys[each] for each in places], label_texts(labels, len(places)), loaded, labels.groups)
    per_line = (len(table.csv) - _digits(len(places))) / len(places)
    return round(per_line * count) + _digits(count)


def _digits(count: int) -> int:
    """How many digits the numbers 0 … count−1 have together."""
    return sum(max(0, count - (10**length if length else 0)) for length in range(len(str(max(count - 1, 0)))))


def check_room(needed: Needs, done_bytes: int, out: Path | Store) -> None:
    """Raises StorageError if a run cannot fit. `done_bytes` of the output are written already.

    What compression saves is not known, so compressed output is not counted: the run then finds out.
    """
    missing = needed.certain_bytes - done_bytes
    if missing > needed.free_bytes:
        found = f"this run needs {readable(missing)} of disk and {readable(needed.free_bytes)} are free."
        fewer = f"ask for fewer {setting('samples')} or {setting('passes')}"
        raise StorageError(f"{out}: {found}", f"Make room, {fewer}, or use another {setting('out')}.")


@contextmanager
def reporting_room(out: Path, missing_bytes: Callable[[], int]) -> Iterator[None]:
    """If the disk becomes full, the error says how much is missing; if a shard is too large, how it becomes smaller."""
    try:
        yield
    except StorageError as problem:
        number = problem.__cause__.errno if isinstance(problem.__cause__, OSError) else None
        if number == errno.EFBIG:
            again = f"{setting('force')} and a smaller {setting('shard_bytes')}"
            raise StorageError(problem.found, f"Raise the limit (ulimit -f), or start over with {again}.") from None
        if number not in NO_ROOM:
            raise
        free = readable(shutil.disk_usage(nearest_existing(out)).free)
        raise StorageError(f"{problem} About {readable(missing_bytes())} are missing, and {free} are free.") from None
