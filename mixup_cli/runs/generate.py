"""The data path, from top to bottom: a source and a recipe in, a sealed data set out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mixup_cli.engines.local import LocalEngine
from mixup_cli.fields.target import Arrays
from mixup_cli.listener import Listener
from mixup_cli.mixing.shard_values import ShardMaker
from mixup_cli.plan.population import population_of
from mixup_cli.recipe import Recipe
from mixup_cli.runs import resume
from mixup_cli.runs.begin import Beginning, begin
from mixup_cli.runs.estimate import Needs, check_room, needs, room_told
from mixup_cli.runs.fingerprint import pixel_fingerprint
from mixup_cli.runs.found_shards import kept, noted, whole_ones
from mixup_cli.runs.job import Job, adopt, prepare, shard_count, shard_rows, survey_for
from mixup_cli.runs.planning import shard_maker
from mixup_cli.runs.records import manifest_of_run, run_record
from mixup_cli.runs.settings import Run, check_caching, row_count
from mixup_cli.runs.shard_work import ShardWork, shard_tasks
from mixup_cli.scan.fill import Scanning, fill, needs_file
from mixup_cli.scan.scan import until_it_fits
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.finish import finish
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.hdf5.shard import writer_for
from mixup_cli.storage.manifest import MANIFEST, Manifest, ShardRecord
from mixup_cli.storage.parts import Part
from mixup_cli.storage.source_table import SourceTable
from mixup_cli.wording import counted

State = Literal["made", "resumed", "extended", "unchanged", "part"]


@dataclass(frozen=True)
class Outcome:
    """What a run came to. `shards_made` counts those that this run wrote, `shards` all that the data set has, `skipped`
    the inputs that were left out.

    In the state `part` it is not finished, and there is no manifest: `missing` are the parts whose shards are not all
    there, `running` those of them that are being made now. `bytes` are then those of the shards that are there.
    """

    manifest: Path | None
    state: State
    samples: int
    shards: int
    shards_made: int
    skipped: int
    bytes: int
    seconds: float
    part: Part = field(default_factory=Part)
    missing: tuple[Part, ...] = ()
    running: tuple[Part, ...] = ()


def generate(source: Source, recipe: Recipe, run: Run, listener: Listener | None = None) -> Outcome:
    """Make a data set or a part of one, or continue, extend or leave alone the one that is there.

    Raises the errors of `mixup_cli.errors`; whatever is raised, shards that were finished stay, and the same call
    continues with them.
    """
    began = time.monotonic()
    work = _Work(source, recipe, run, listener or Listener())
    if not run.force:
        work.folder.settle()
    standing = work.compare()
    done: Manifest | Outcome | None = standing.complete
    if done is not None:
        work.leave_alone()
    else:
        with work.folder.locked():
            standing = work.compare()  # again, now that nobody else makes the same shards
            with work.engine:
                done = standing.complete or work.carry_out(standing)
    made, seconds = work.shards_made, time.monotonic() - began
    if isinstance(done, Outcome):
        return replace(done, seconds=seconds)
    return Outcome(
        manifest=run.out / MANIFEST,
        state=standing.state,
        samples=done.totals.samples,
        shards=done.totals.shards,
        shards_made=made,
        skipped=len(done.source.skipped),
        bytes=done.totals.bytes,
        seconds=seconds,
        part=run.part,
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
        self.folder = DataSetFolder(run.out, run.part)
        self.shards_made = 0
        self._source, self._recipe, self._run, self._listener = source, recipe, run, listener
        self._survey = survey_for(recipe, source)
        self.engine = run.open_engine(self._listener.notice)
        self._place = run.place(self.folder.scratch)
        self._told: set[str] = set()

    def compare(self) -> Standing:
        """Find out what is to be done, before anything is written. Refuses what must not be."""
        finished, stored = resume.what_stays(self.folder, self._run.force)
        job = self._prepare(stored)
        state: State = "made" if stored is None else "resumed"
        if stored is not None:
            resume.check_same_listing(self.folder, self._source)
            resume.check_same_labels(self.folder, finished, job.label_kind, job.class_names)
        if finished is not None:
            state = self._compare_rows(job, finished)
        if state != "unchanged":
            self._check_room(job, finished)
        return Standing(state, job, finished, stored)

    def leave_alone(self) -> None:
        """What is wanted is there: tidy up, and tell of an extension of it that was begun and not finished."""
        self.folder.tidy()
        if self.folder.growth.is_begun:
            begun = (self.folder.job() or {}).get("rows")
            self._tell(
                f"{self.folder.work}: holds an unfinished extension to {begun} samples: its command goes on with it; "
                "remove that folder to give it up"
            )

    def _prepare(self, stored: Recipe | None) -> Job:
        """Resolve the recipe, as far as the survey knows the source. Refuses another recipe than the stored one."""
        recipe = adopt(self._recipe, stored, keeps_shard_size=self._run.shard_bytes is None)
        job = prepare(recipe, self._source, self._survey, self._run.shard_bytes)
        check_caching(job.recipe, self._run)
        resume.check_same_recipe(self.folder, stored, job.recipe)
        return job

    def _compare_rows(self, job: Job, finished: Manifest) -> State:
        if not resume.enough(self.folder, finished, self._row_count(job, finished.usable)):
            return "extended"
        # Where somebody removed or cut shards, what is missing is made again.
        return "unchanged" if resume.all_there(self.folder, finished) else "resumed"

    def _check_room(self, job: Job, finished: Manifest | None) -> None:
        needed = self._needs(job, needs_file(self._source, job.targets, self._place))
        done_bytes = resume.done_bytes(self.folder, finished, needed.rows, job.samples_per_shard)
        check_room(needed, done_bytes, self.folder.path)

    def _needs(self, job: Job, cache_on_disk: bool) -> Needs:
        rows = self._row_count(job, np.arange(len(self._source)))
        return needs(job, self._source, rows, self._run, cache_on_disk)

    def _row_count(self, job: Job, usable: NDArray[np.int64]) -> int:
        return row_count(job.recipe, self._run, population_of(self._source.labels, usable))

    def carry_out(self, standing: Standing) -> Manifest | Outcome:
        """Scan, plan, make the shards that are missing, and seal the manifest if they are the last."""
        began = time.time()
        fingerprint = pixel_fingerprint()
        if not (self._run.force or self.folder.half_cleared):
            resume.check_same_pixels(self.folder, fingerprint)
        job, cache, table = until_it_fits(self._survey, partial(self._scan, standing.stored))
        maker = shard_maker(job, self._source, table, cache, self._run, self.engine.checkpoint)
        self._tell(*maker.plan.notices)
        wanted = Beginning(job, table, fingerprint, self._row_count(job, table.usable))
        with self.folder.sealing():  # not before all that can be wrong with the new one has been found
            finished = begin(self.folder, wanted, self._run.force)
            if finished is not None:
                return finished
            own = self._run.part.shards(shard_count(wanted.rows, job.samples_per_shard))
            sealed = kept(self.folder, wanted, own)
            found = noted(self.folder, wanted, (number for number in own if number not in sealed))
        found = {**sealed, **whole_ones(self.folder, found, self.engine, self._listener)}
        records = self._make_shards(job, maker, wanted.rows, found)
        if (name := self._source.changed()) is not None:
            self._tell(
                f"{name} has changed since it was read: the data set holds what it was, and sources.csv its hash"
            )
        record = run_record(fingerprint, began, self._run.settings())
        return self._seal(wanted, maker.plan.methods.names, records, record)

    def _seal(
        self, wanted: Beginning, methods: Sequence[str], records: dict[int, ShardRecord], record: dict[str, Any]
    ) -> Manifest | Outcome:
        """Seal the manifest, if the shards of all parts are there, and no other part has sealed it just now."""
        with self.folder.sealing():
            finished = self.folder.finished()
            if finished is not None and resume.complete(self.folder, finished, wanted.rows):
                return finished
            found = self._all_records(wanted, records)
            shards = [found[number] for number in sorted(found)]
            if len(shards) < shard_count(wanted.rows, wanted.job.samples_per_shard):
                return self._unsealed(wanted, found)
            manifest = manifest_of_run(wanted.job, self._source.kind, wanted.table, methods, shards)
            finish(self.folder, manifest, record)
            return manifest

    def _all_records(self, wanted: Beginning, records: dict[int, ShardRecord]) -> dict[int, ShardRecord]:
        """The records of all finished shards, by number: those of this part, and what other parts have written down."""
        count = shard_count(wanted.rows, wanted.job.samples_per_shard)
        found = kept(self.folder, wanted, range(count)) | records
        return found | noted(self.folder, wanted, (number for number in range(count) if number not in found))

    def _unsealed(self, wanted: Beginning, found: dict[int, ShardRecord]) -> Outcome:
        """What there is of a data set when this part is done and others are not."""
        count = shard_count(wanted.rows, wanted.job.samples_per_shard)
        missing = [part for part in self._run.part.all_parts() if not found.keys() >= set(part.shards(count))]
        running = self.folder.running()
        return Outcome(
            manifest=None,
            state="part",
            samples=wanted.rows,
            shards=count,
            shards_made=self.shards_made,
            skipped=len(wanted.table.loaded.problems),
            bytes=sum(record.bytes for record in found.values()),
            seconds=0,
            part=self._run.part,
            missing=tuple(missing),
            running=tuple(part for part in missing if part in running),
        )

    def _scan(self, stored: Recipe | None) -> tuple[Job, Arrays | None, SourceTable]:
        """Fill the cache, in the form that the survey as it now is suggests."""
        job = self._prepare(stored)
        self._tell(*self._source.notices, *job.notices)
        place = replace(self._place, spare_bytes=self._needs(job, cache_on_disk=False).disk_bytes)
        engine = self.engine if self._source.portable else LocalEngine(self._run.workers, self._listener.notice)
        scanning = Scanning(self._run.tolerance, engine, self._listener)
        cache, table = fill(self._source, job.targets, place, scanning)
        self._tell(*skipped_notices(table))
        return job, cache, table

    def _tell(self, *notices: str) -> None:
        """Pass on what was not told before."""
        for notice in notices:
            if notice not in self._told:
                self._told.add(notice)
                self._listener.notice(notice)

    def _make_shards(
        self, job: Job, maker: ShardMaker, rows: int, found: Mapping[int, ShardRecord]
    ) -> dict[int, ShardRecord]:
        """The records of this part's shards, by number; those that were not found are made."""
        per_shard, records = job.samples_per_shard, dict(found)
        own = {n: shard_rows(n, rows, per_shard) for n in self._run.part.shards(shard_count(rows, per_shard))}
        missing = {n: part for n, part in own.items() if n not in records}
        for number in missing:
            self.folder.forget(number)
        writer = writer_for(job.spec, self.folder.scratch)
        writer.prepare(len(part) for part in missing.values())
        tasks = shard_tasks(ShardWork(self.folder, maker, writer), missing)
        done_before = sum(record.stop - record.start for record in records.values())
        self._listener.begin("mix", sum(map(len, own.values())), "samples", done=done_before)
        lacking = partial(_lacking_bytes, job, missing, records)
        with maker.supply.serving([*missing.values()]), room_told(self.folder.path, lacking):
            for number, record in self.engine.run(tasks):
                records[number] = record
                self.shards_made += 1
                self._listener.advance(record.stop - record.start)
        self._listener.end()
        return records


def _lacking_bytes(job: Job, missing: Mapping[int, range], records: Mapping[int, ShardRecord]) -> int:
    """What the shards will take that are still to be made."""
    return sum(job.spec.size.of_rows(len(part)) for number, part in missing.items() if number not in records)


def skipped_notices(table: SourceTable) -> list[str]:
    """What the user should know of inputs that were left out."""
    skipped = list(table.skipped())
    if not skipped:
        return []
    _, key, reason = skipped[0]
    first = f"{key}: {reason}" if len(skipped) == 1 else f"the first is {key}: {reason}"
    return [f"{len(skipped):,} of {counted(len(table.keys), 'input')} left out ({first}); sources.csv tells of each"]
