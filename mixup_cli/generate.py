"""The data path, from top to bottom: a source and a recipe in, a sealed data set out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mixup_cli import existing
from mixup_cli.engines.local import LocalEngine
from mixup_cli.estimate import Needs, check_room, needs, room_told
from mixup_cli.fingerprint import pixel_fingerprint, versions
from mixup_cli.listener import Listener
from mixup_cli.make_shard import ShardMaker
from mixup_cli.planned import shard_maker
from mixup_cli.population import population_of
from mixup_cli.prepare import SURVEY_SAMPLES, Job, adopt, prepare, shard_count, shard_rows
from mixup_cli.recipe import Recipe
from mixup_cli.records import manifest_of, run_record
from mixup_cli.run import Run, check_caching, row_count
from mixup_cli.shard_work import ShardWork, shard_tasks
from mixup_cli.sources.base import Source
from mixup_cli.sources.cache import discard as discard_cache
from mixup_cli.sources.fill import Scanning, fill, needs_file
from mixup_cli.sources.scan import until_it_fits
from mixup_cli.sources.table import SourceTable
from mixup_cli.storage.finish import finish
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.manifest import MANIFEST, Manifest, ShardRecord
from mixup_cli.storage.shard import writer_for

State = Literal["made", "resumed", "extended", "unchanged"]


@dataclass(frozen=True)
class Outcome:
    """What a run came to. `shards_made` counts those that this run wrote, `shards` all that there are, `skipped` the
    inputs that were left out."""

    manifest: Path
    state: State
    samples: int
    shards: int
    shards_made: int
    skipped: int
    bytes: int
    seconds: float


def generate(source: Source, recipe: Recipe, run: Run, listener: Listener | None = None) -> Outcome:
    """Make a data set, or continue, extend or leave alone the one that is there.

    Raises the errors of `mixup_cli.errors`; whatever is raised, shards that were finished stay, and the same call
    continues with them.
    """
    began = time.monotonic()
    work = _Work(source, recipe, run, listener or Listener())
    standing = work.compare()
    manifest = standing.complete
    if manifest is None or work.folder.work.exists():
        with work.folder.locked():
            standing = work.compare()  # again, now that nobody else writes here
            try:
                manifest = standing.complete or work.carry_out(standing)
            finally:
                work.engine.close()
                discard_cache(work.folder.work)
            work.folder.remove_work()
    return Outcome(
        manifest=run.out / MANIFEST,
        state=standing.state,
        samples=manifest.totals.samples,
        shards=manifest.totals.shards,
        shards_made=work.shards_made,
        skipped=len(manifest.source.skipped),
        bytes=manifest.totals.bytes,
        seconds=time.monotonic() - began,
    )


@dataclass(frozen=True)
class Standing:
    """What is wanted, held against what is there: the manifest of a finished data set, the recipe of any."""

    state: State
    job: Job
    finished: Manifest | None
    stored: Recipe | None

    @property
    def complete(self) -> Manifest | None:
        """The data set that is wanted, if it is there already."""
        return self.finished if self.state == "unchanged" else None


class _Work:
    """One call of `generate`: what all its steps need."""

    def __init__(self, source: Source, recipe: Recipe, run: Run, listener: Listener) -> None:
        self.folder = DataSetFolder(run.out)
        self.shards_made = 0
        self._source, self._recipe, self._run, self._listener = source, recipe, run, listener
        self._survey = source.survey(SURVEY_SAMPLES)
        self.engine = run.open_engine(self._listener.notice)
        self._place = run.place(self.folder.work)
        self._told: set[str] = set()

    def compare(self) -> Standing:
        """Find out what is to be done, before anything is written. Refuses what must not be."""
        if self._run.force:
            self.folder.check_clearable()
        finished, stored = (None, None) if self._run.force else existing.what_is_there(self.folder)
        job = self._prepare(stored)
        state: State = "made" if stored is None else "resumed"
        if finished is not None:
            state = self._compare_rows(job, finished)
        if state != "unchanged":
            self._check_room(job)
        return Standing(state, job, finished, stored)

    def _prepare(self, stored: Recipe | None) -> Job:
        """Resolve the recipe, as far as the survey knows the source. Refuses another recipe than the stored one."""
        recipe = adopt(self._recipe, stored, keeps_shard_size=self._run.shard_bytes is None)
        job = prepare(recipe, self._source, self._survey, self._run.shard_bytes)
        check_caching(job.recipe, self._run)
        existing.check_same_recipe(self.folder, stored, job.recipe)
        return job

    def _compare_rows(self, job: Job, finished: Manifest) -> State:
        existing.check_same_listing(self.folder, self._source)
        existing.check_same_labels(self.folder, finished, job.label_kind, job.class_names)
        if not existing.enough(self.folder, finished, self._row_count(job, finished.usable)):
            return "extended"
        # Where somebody removed or cut shards, what is missing is made again.
        return "unchanged" if existing.all_there(self.folder, finished) else "resumed"

    def _check_room(self, job: Job) -> None:
        needed = self._needs(job, needs_file(self._source, job.target, self._place))
        check_room(needed, self.folder.shard_bytes(), self.folder.path)

    def _needs(self, job: Job, cache_on_disk: bool) -> Needs:
        sample_count = len(self._source)
        rows = self._row_count(job, np.arange(sample_count))
        return needs(job, sample_count, rows, self.folder.path, cache_on_disk)

    def _row_count(self, job: Job, usable: NDArray[np.int64]) -> int:
        return row_count(job.recipe, self._run, population_of(self._source.labels, usable))

    def carry_out(self, standing: Standing) -> Manifest:
        """Scan, plan, make the shards that are missing, and seal the manifest."""
        began = time.time()
        replaces = self._run.force or self.folder.half_cleared
        fingerprint = pixel_fingerprint()
        if not replaces:
            existing.check_same_pixels(self.folder, fingerprint)
        job, cache, table = until_it_fits(self._survey, partial(self._scan, standing.stored))
        if not replaces:
            existing.check_same_source(self.folder, existing.sealed_table(self.folder), table)
        maker = shard_maker(job, self._source, table, cache, self._run, self.engine.checkpoint)
        self._tell(*maker.plan.notices)
        if replaces:
            self.folder.clear()  # not before all that can be wrong with the new one has been found
        self._begin(job, table, fingerprint, standing.finished)
        records = self._make_shards(job, maker, self._row_count(job, table.usable))
        manifest = manifest_of(job, self._source.kind, table, maker.plan.methods.names, records)
        finish(self.folder, manifest, run_record(fingerprint, began, self._run.settings()))
        return manifest

    def _scan(self, stored: Recipe | None) -> tuple[Job, NDArray[Any] | None, SourceTable]:
        """Fill the cache, in the form that the survey as it now is suggests."""
        job = self._prepare(stored)
        self._tell(*self._source.notices, *job.notices)
        place = replace(self._place, spare_bytes=self._needs(job, cache_on_disk=False).disk_bytes)
        engine = self.engine if self._source.portable else LocalEngine(self._run.workers, self._listener.notice)
        scanning = Scanning(self._run.tolerance, engine, self._listener)
        cache, table = fill(self._source, job.target, place, scanning)
        self._tell(*skipped_notices(table))
        return job, cache, table

    def _tell(self, *notices: str) -> None:
        """Pass on what was not told before."""
        for notice in notices:
            if notice not in self._told:
                self._told.add(notice)
                self._listener.notice(notice)

    def _begin(self, job: Job, table: SourceTable, fingerprint: str, finished: Manifest | None) -> None:
        begun = {"recipe": job.recipe.to_dict(), "pixel_fingerprint": fingerprint, "versions": versions()}
        self.folder.begin(begun, table.csv)
        if finished is not None:
            self.folder.reopen(finished)

    def _make_shards(self, job: Job, maker: ShardMaker, rows: int) -> list[ShardRecord]:
        """The records of all shards, in order; those that are not done yet are made."""
        per_shard = job.samples_per_shard
        count = shard_count(rows, per_shard)
        parts = [shard_rows(number, rows, per_shard) for number in range(count)]
        records = {n: self.folder.done(n, part.start, part.stop) for n, part in enumerate(parts)}
        missing = {n: parts[n] for n, record in records.items() if record is None}
        existing.check_not_cut_down(self.folder, rows)
        self.folder.remove_from(count)
        for number in missing:
            self.folder.forget(number)
        writer = writer_for(job.spec, self.folder.work)
        writer.prepare(len(part) for part in missing.values())
        tasks = shard_tasks(ShardWork(self.folder, maker, writer), missing)
        done_before = rows - sum(len(part) for part in missing.values())
        self._listener.begin("mix", rows, "samples", done=done_before)
        lacking = partial(_lacking_bytes, job, missing, records)
        with maker.supply.serving([*missing.values()]), room_told(self.folder.path, lacking):
            for number, record in self.engine.run(tasks):
                records[number] = record
                self.shards_made += 1
                self._listener.advance(record.stop - record.start)
        self._listener.end()
        return [record for _, record in sorted(records.items()) if record is not None]


def _lacking_bytes(job: Job, missing: Mapping[int, range], records: Mapping[int, ShardRecord | None]) -> int:
    """What the shards will take that are still to be made."""
    return job.row_bytes * sum(len(part) for number, part in missing.items() if records[number] is None)


def skipped_notices(table: SourceTable) -> list[str]:
    """What the user should know of inputs that were left out."""
    skipped = list(table.skipped())
    if not skipped:
        return []
    _, key, reason = skipped[0]
    first = f"{key}: {reason}" if len(skipped) == 1 else f"the first is {key}: {reason}"
    return [f"{len(skipped):,} of {len(table.keys):,} inputs left out ({first}); sources.csv tells of each"]
