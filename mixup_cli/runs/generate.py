"""The data path, from top to bottom: a source and a recipe in, a sealed data set out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mixup_cli import backend
from mixup_cli.engines.base import Engine
from mixup_cli.engines.local import LocalEngine
from mixup_cli.fields.target import Survey
from mixup_cli.listener import Listener
from mixup_cli.recipe import Recipe
from mixup_cli.runs.differences import Identity
from mixup_cli.runs.fingerprint import Pixels
from mixup_cli.runs.heldout import write_heldout
from mixup_cli.runs.job import Asked, Job
from mixup_cli.runs.needs import Needs, check_room, needs, shard_advice
from mixup_cli.runs.planning import parents_of, plan_of, shard_maker, start_ahead
from mixup_cli.runs.records import Content, manifest_of_run, run_record
from mixup_cli.runs.resume import Records, Wanted, begin, found_shards, intact
from mixup_cli.runs.samples import PlannedOn, planned_on, planning
from mixup_cli.runs.scanned import Scanned, fitting, scanned, with_samples
from mixup_cli.runs.settings import Run, row_count
from mixup_cli.runs.shard_work import make_shards
from mixup_cli.runs.standing import Standing, State, Stored, check_same, standing_of, stored_in
from mixup_cli.scan.fill import CachePlace, ScanSettings
from mixup_cli.scan.scan import settle
from mixup_cli.scan.table import table_of
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.finish import finish
from mixup_cli.storage.folder import DataSetFolder, data_set_at
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.names import MANIFEST
from mixup_cli.storage.parts import Part
from mixup_cli.storage.source_table import SourceTable, finished_table
from mixup_cli.wording import counted, setting


@dataclass(frozen=True)
class Outcome:
    """The result of a run. `shards_made` counts the shards that this run wrote, `shards` all shards of the data set,
    `skipped` the inputs that were left out.

    In the state `part` the data set is unfinished, and `manifest` is None: `missing` are the parts with shards still
    to be made, `running` those of them that are making them now, and `bytes` counts its own shards.
    """

    manifest: Path | str | None
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


@dataclass(frozen=True)
class Bench:
    """What all steps of one run work with. The survey widens while the scan meets samples that do not fit."""

    began: float
    asked: Asked
    survey: Survey
    run: Run
    folder: DataSetFolder
    place: CachePlace
    listener: Listener
    samples: PlannedOn | None = None
    reported: set[str] = field(default_factory=set)

    def report(self, notices: Iterable[str]) -> None:
        """Pass on notices, each once."""
        for notice in notices:
            if notice not in self.reported:
                self.reported.add(notice)
                self.listener.notice(notice)


def generate(source: Source, recipe: Recipe, run: Run, listener: Listener | None = None) -> Outcome:
    """Make a data set or a part of one; continue or extend the one in the folder, or leave it alone if it is complete.

    Raises the errors of `mixup_cli.errors`. Finished shards stay, whatever is raised, and the same call continues with
    them.
    """
    began = time.monotonic()
    if run.store is not None:
        run.store.check_writable()
    asked, samples = Asked(source, recipe, run.shard_bytes), None
    if recipe.store == "plan":
        samples = planned_on(asked, run, listener or Listener(), generate)
        asked, run = samples.asked(asked), planning(run)
    with data_set_at(run.store or run.out, run.part) as folder:
        outcome = _generated(asked, replace(run, out=folder.path), folder, listener, samples)
    if run.store is not None and outcome.manifest is not None:
        outcome = replace(outcome, manifest=run.store.url_of(MANIFEST))
    return replace(outcome, seconds=time.monotonic() - began)


def _generated(
    asked: Asked, run: Run, folder: DataSetFolder, listener: Listener | None, samples: PlannedOn | None
) -> Outcome:
    survey, place = asked.survey(), run.place(folder.scratch, asked.source.task)
    if samples is not None:
        samples.widen(survey)
    bench = Bench(time.time(), asked, survey, run, folder, place, listener or Listener(), samples)
    bench.reported.update(() if samples is None else samples.reported)
    if not run.force:
        folder.settle()
    standing = _standing(bench)
    if standing.complete is not None:
        if run.heldout is not None:
            usable = finished_table(folder.path, standing.complete).usable
            write_heldout(run.heldout, asked.source, standing.job.recipe, usable)
        _leave_alone(bench, standing.stored)
        return _of_manifest(bench, standing.complete, standing.state)
    needed = _needs(bench, standing)
    start_ahead(needed.rows // run.part.of, needed.row_bytes)
    with folder.locked(), run.open_engine(bench.listener.notice) as engine:
        bench = replace(bench, run=replace(run, workers=engine.workers))
        return _carried_out(bench, needed.rows, engine)


def _carried_out(bench: Bench, expected_rows: int, engine: Engine) -> Outcome:
    """Scan, plan, make the shards that are missing, and seal the manifest if they are the last."""
    folder, run, pixels = bench.folder, bench.run, Pixels.here(bench.asked.recipe)
    with _one_scans(bench, expected_rows):
        standing = _standing(bench)  # again, now that no other run makes the same shards
        if standing.complete is not None:
            return _of_manifest(bench, standing.complete, standing.state)
        if not (run.force or folder.half_cleared):
            check_same(standing.stored, Identity(pixels=pixels))
        scan = _planned_on(bench, standing) or _scanned_before(bench, standing) or _scanned(bench, standing, engine)
        plan = plan_of(scan, run)
        if run.heldout is not None:
            write_heldout(run.heldout, scan.source, scan.job.recipe, scan.table.usable, run.force)
        bench.report(plan.notices)
        rows = row_count(scan.job.recipe, run, scan.source.labels, scan.table.usable)
        wanted = Wanted(scan.job, scan.table, pixels, rows)
        folder.outlet.refresh()
        with folder.sealing():  # only now, when everything that can be wrong with the source has been found
            if (finished := begin(folder, wanted, run.force)) is not None:
                return _of_manifest(bench, finished, standing.state)
            kept, noted = found_shards(folder, wanted, run.part.shards(wanted.shard_count))
    found = kept | intact(folder, noted, engine, bench.listener)
    if scan.cache is None and run.caching.kind != "none":
        missing = wanted.shards(number for number in run.part.shards(wanted.shard_count) if number not in found)
        needed = parents_of(plan, (shard for _, shard in missing), len(scan.source))
        scan = _read_again(bench, standing, scan, needed, engine)
    backend.settle(rows // run.part.of, scan.job.spec.row_bytes)
    maker = shard_maker(scan, run, engine.checkpoint, plan)
    records = make_shards(folder, wanted, maker, found, engine, bench.listener)
    if (name := scan.source.changed()) is not None:
        bench.report([f"{name} has changed since it was read; the data set was made from its old content"])
    outcome = _sealed(bench, wanted, standing.state, plan.methods.names, records)
    if outcome.manifest is not None and run.store is None and (most := scan.job.recipe.max_objects) is not None:
        bench.report(_lost_objects(folder.path, most))
    return replace(outcome, shards_made=len(records) - len(found))


def _lost_objects(folder: Path, most: int) -> list[str]:
    """What to report of rows that had more objects than room for `most`."""
    from mixup_cli.readers.lost_objects import LostObjects
    from mixup_cli.readers.numpy import MixedArrays

    lost = LostObjects.of(MixedArrays(folder))
    return [f"{lost.text} with {setting('max_objects', str(most))}"] if lost else []


def _standing(bench: Bench) -> Standing:
    """Compare what is wanted with what is stored, before anything is written."""
    return standing_of(stored_in(bench.folder, bench.run.force), bench.asked, bench.survey, bench.run)


def _leave_alone(bench: Bench, stored: Stored) -> None:
    """Tidy up a complete data set, and report an unfinished extension of it."""
    bench.folder.tidy()
    if bench.folder.growth.is_begun:
        rows, work = stored.begun.rows if stored.begun else None, bench.folder.work
        where = work if bench.run.store is None else bench.run.store.url_of(work.name)
        remedy = "Run its command again to finish it, or remove that folder to give it up."
        bench.listener.notice(f"{where}: holds an unfinished extension to {rows} samples. {remedy}")


def _needs(bench: Bench, standing: Standing) -> Needs:
    """What the run needs of the disk. Raises StorageError if the disk has less."""
    job = standing.job
    needed = needs(job, bench.asked.source, bench.run, bench.place)
    check_room(needed, standing.stored.done_bytes(needed.rows, job.samples_per_shard), bench.folder.path)
    if bench.run.shard_bytes is not None:
        bench.report(shard_advice(needed, job))
    return needed


def _one_scans(bench: Bench, rows: int) -> AbstractContextManager[None]:
    """Of several parts, one reads the source and begins. The others wait, and then join it.

    A part whose share of the rows needs most inputs reads all at once instead, beside the others; so does one with
    `force`, for which nothing that others have begun counts before.
    """
    run = bench.run
    needs_most = 2 * rows > run.part.of * len(bench.asked.source)
    if run.part.is_whole or run.force or needs_most:
        return nullcontext()
    return bench.folder.scanning(bench.listener.notice)


def _planned_on(bench: Bench, standing: Standing) -> Scanned | None:
    """The source as the samples have it that this run plans with; None if it mixes them itself."""
    if bench.samples is None:
        return None
    scan = bench.samples.scanned(bench.asked.source, standing.job, bench.run)
    bench.report(scan.notices())
    return scan


def _scanned_before(bench: Bench, standing: Standing) -> Scanned | None:
    """The source as another part, or an earlier run, has written it down, without samples; None if none has."""
    begun, sealed, source = standing.stored.begun, standing.stored.source, bench.asked.source
    if begun is None or begun.depth is None or not isinstance(sealed, SourceTable) or bench.folder.half_cleared:
        return None
    table = table_of(source, sealed.loaded)
    if table.fingerprint != begun.source_fingerprint:
        return None
    settle(source, table.loaded, bench.run.tolerance)
    scan = Scanned(source, standing.job, None, table)
    bench.report(scan.notices())
    return scan


def _scanned(bench: Bench, standing: Standing, engine: Engine) -> Scanned:
    """Read the source into a cache that leaves room for the shards."""

    def place(job: Job) -> CachePlace:
        if bench.place.kept is None:
            return bench.place
        return replace(bench.place, spare_bytes=needs(job, bench.asked.source, bench.run, bench.place).spare_bytes)

    bench.report([*bench.asked.source.notices, *standing.job.notices])
    asked = bench.asked.following(standing.stored.recipe)
    scan = scanned(asked, _how(bench, engine), place, bench.survey)
    bench.report(scan.notices())
    return scan


def _read_again(
    bench: Bench, standing: Standing, before: Scanned, indices: NDArray[np.int64], engine: Engine
) -> Scanned:
    """The samples `indices` int64 (m) of a source that was scanned before; all, where they are kept for later runs.

    Raises OutputExistsError if one of them has changed since.
    """
    if bench.place.kept is not None:
        now = _scanned(bench, standing, engine)
    else:
        if 0 < len(indices) < len(before.source):
            some = f"{len(indices):,} of {counted(len(before.source), 'input')}"
            bench.report([f"reads {some}: those that its missing rows are made from"])

        def read(job: Job) -> Scanned:
            return with_samples(replace(before, job=job), indices, bench.place, _how(bench, engine))

        now = fitting(bench.asked.following(standing.stored.recipe), read, bench.survey)
    check_same(standing.stored, Identity(source=now.table))
    return now


def _how(bench: Bench, engine: Engine) -> ScanSettings:
    reading = engine if bench.asked.source.portable else LocalEngine(bench.run.threads, bench.listener.notice)
    return ScanSettings(bench.run.tolerance, reading, bench.listener)


def _sealed(bench: Bench, wanted: Wanted, state: State, methods: Sequence[str], records: Records) -> Outcome:
    """Seal the manifest if all parts have made their shards, and no other part has sealed it since."""
    folder, count = bench.folder, wanted.shard_count
    folder.outlet.refresh()
    with folder.sealing():
        stored = Stored(folder, folder.finished())
        if stored.finished is not None and stored.is_complete(wanted.rows):
            return _of_manifest(bench, stored.finished, state)
        done = (records.keys() | folder.numbers_done()) & set(range(count))
        if stored.finished is None and len(done) < count:  # before all sidecars of all other parts are read
            return _of_part(bench, wanted, records, done)
        kept, noted = found_shards(folder, wanted, (number for number in range(count) if number not in records))
        found = records | kept | noted
        if len(found) < count:
            return _of_part(bench, wanted, records, found.keys())
        shards = [found[number] for number in sorted(found)]
        content = Content.of(wanted.job, None if bench.samples is None else bench.samples.record)
        manifest = manifest_of_run(content, bench.asked.source.kind, wanted.table, methods, shards)
        finish(folder, manifest, run_record(wanted.pixels, bench.began, bench.run.settings()))
        return _of_manifest(bench, manifest, state)


def _of_manifest(bench: Bench, manifest: Manifest, state: State) -> Outcome:
    """The outcome of a run that leaves a finished data set."""
    return Outcome(
        manifest=bench.folder.path / MANIFEST,
        state=state,
        samples=manifest.totals.samples,
        shards=manifest.totals.shards,
        shards_made=0,
        skipped=len(manifest.source.skipped),
        bytes=manifest.totals.bytes,
        seconds=0,
        part=bench.run.part,
    )


def _of_part(bench: Bench, wanted: Wanted, records: Records, found: Set[int]) -> Outcome:
    """The outcome of a part that is done before others, with the `records` of its shards and the numbers of all
    that are finished. Call it under `sealing`."""
    part, count = bench.run.part, wanted.shard_count
    missing = tuple(each for each in part.all_parts() if not found >= set(each.shards(count)))
    running = bench.folder.running()
    return Outcome(
        manifest=None,
        state="part",
        samples=wanted.rows,
        shards=count,
        shards_made=0,
        skipped=len(wanted.table.loaded.problems),
        bytes=sum(record.bytes for record in records.values()),
        seconds=0,
        part=part,
        missing=missing,
        running=tuple(each for each in missing if each in running),
    )
