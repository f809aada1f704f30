"""The data path, from top to bottom: a source and a recipe in, a sealed data set out."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mixup_cli.engines.base import Engine
from mixup_cli.engines.local import LocalEngine
from mixup_cli.fields.target import Survey
from mixup_cli.listener import Listener
from mixup_cli.recipe import Recipe
from mixup_cli.runs.differences import Identity
from mixup_cli.runs.fingerprint import Pixels
from mixup_cli.runs.job import Asked, Job
from mixup_cli.runs.needs import Needs, check_room, needs
from mixup_cli.runs.planning import shard_maker
from mixup_cli.runs.records import manifest_of_run, run_record
from mixup_cli.runs.resume import Records, Wanted, begin, found_shards, intact
from mixup_cli.runs.scanned import Scanned, scanned
from mixup_cli.runs.settings import Run, row_count
from mixup_cli.runs.shard_work import make_shards
from mixup_cli.runs.standing import Standing, State, Stored, check_same, standing_of, stored_in
from mixup_cli.scan.fill import CachePlace, ScanSettings
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.finish import finish
from mixup_cli.storage.folder import DataSetFolder, data_set_at
from mixup_cli.storage.manifest import MANIFEST, Manifest
from mixup_cli.storage.parts import Part


@dataclass(frozen=True)
class Outcome:
    """The result of a run. `shards_made` counts the shards that this run wrote, `shards` all shards of the data set,
    `skipped` the inputs that were left out.

    In the state `part` the data set is unfinished, and `manifest` is None: `missing` are the parts with shards still
    to be made, `running` those of them that are making them now, and `bytes` counts the finished shards.
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


def generate(source: Source, recipe: Recipe, run: Run, listener: Listener | None = None) -> Outcome:
    """Make a data set or a part of one; continue or extend the one in the folder, or leave it alone if it is complete.

    Raises the errors of `mixup_cli.errors`. Finished shards stay, whatever is raised, and the same call continues with
    them.
    """
    began = time.monotonic()
    with data_set_at(run.store or run.out, run.part) as folder:
        outcome = _generated(Asked(source, recipe, run.shard_bytes), replace(run, out=folder.path), folder, listener)
    if run.store is not None and outcome.manifest is not None:
        outcome = replace(outcome, manifest=run.store.url_of(MANIFEST))
    return replace(outcome, seconds=time.monotonic() - began)


def _generated(asked: Asked, run: Run, folder: DataSetFolder, listener: Listener | None) -> Outcome:
    bench = Bench(time.time(), asked, asked.survey(), run, folder, run.place(folder.scratch), listener or Listener())
    if not run.force:
        folder.settle()
    standing = _standing(bench)
    if standing.complete is not None:
        _leave_alone(bench, standing.stored)
        return _of_manifest(bench, standing.complete, standing.state)
    needed = _needs(bench, standing)
    with folder.locked(), run.open_engine(bench.listener.notice) as engine:
        standing = _standing(bench)  # again, now that no other run makes the same shards
        return _carried_out(bench, standing, needed, engine)


def _carried_out(bench: Bench, standing: Standing, needed: Needs, engine: Engine) -> Outcome:
    """Scan, plan, make the shards that are missing, and seal the manifest if they are the last."""
    if standing.complete is not None:
        return _of_manifest(bench, standing.complete, standing.state)
    source, folder, run, pixels = bench.asked.source, bench.folder, bench.run, Pixels.here()
    if not (run.force or folder.half_cleared):
        check_same(standing.stored, Identity(pixels=pixels))
    scan = _scanned(bench, standing, needed, engine)
    maker = shard_maker(scan, run, engine.checkpoint)
    _report(bench.listener, maker.plan.notices)
    rows = row_count(scan.job.recipe, run, source.labels, scan.table.usable)
    wanted = Wanted(scan.job, scan.table, pixels, rows)
    folder.outlet.refresh()
    with folder.sealing():  # only now, when everything that can be wrong with the source has been found
        if (finished := begin(folder, wanted, run.force)) is not None:
            return _of_manifest(bench, finished, standing.state)
        kept, noted = found_shards(folder, wanted, run.part.shards(wanted.shard_count))
    found = kept | intact(folder, noted, engine, bench.listener)
    records = make_shards(folder, wanted, maker, found, engine, bench.listener)
    if (name := source.changed()) is not None:
        _report(bench.listener, [f"{name} has changed since it was read; the data set was made from its old content"])
    outcome = _sealed(bench, wanted, standing.state, maker.plan.methods.names, records)
    return replace(outcome, shards_made=len(records) - len(found))


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
    return needed


def _scanned(bench: Bench, standing: Standing, needed: Needs, engine: Engine) -> Scanned:
    """Read the source into a cache that leaves room for the shards."""
    source, run, listener = bench.asked.source, bench.run, bench.listener

    def place(job: Job) -> CachePlace:
        of_job = needed if job == standing.job else needs(job, source, run, bench.place)
        return replace(bench.place, spare_bytes=of_job.spare_bytes)

    reading = engine if source.portable else LocalEngine(run.workers, listener.notice)
    early = [*source.notices, *standing.job.notices]
    _report(listener, early)
    asked = bench.asked.following(standing.stored.recipe)
    scan = scanned(asked, ScanSettings(run.tolerance, reading, listener), place, bench.survey)
    _report(listener, [notice for notice in scan.notices() if notice not in early])
    return scan


def _report(listener: Listener, notices: Iterable[str]) -> None:
    """Pass on notices, each once."""
    for notice in dict.fromkeys(notices):
        listener.notice(notice)


def _sealed(bench: Bench, wanted: Wanted, state: State, methods: Sequence[str], records: Records) -> Outcome:
    """Seal the manifest if all parts have made their shards, and no other part has sealed it since."""
    folder, count = bench.folder, wanted.shard_count
    folder.outlet.refresh()
    with folder.sealing():
        stored = Stored(folder, folder.finished())
        if stored.finished is not None and stored.is_complete(wanted.rows):
            return _of_manifest(bench, stored.finished, state)
        kept, noted = found_shards(folder, wanted, (number for number in range(count) if number not in records))
        found = records | kept | noted
        if len(found) < count:
            return _of_part(bench, wanted, found)
        shards = [found[number] for number in sorted(found)]
        manifest = manifest_of_run(wanted.job, bench.asked.source.kind, wanted.table, methods, shards)
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


def _of_part(bench: Bench, wanted: Wanted, found: Records) -> Outcome:
    """The outcome of a part that is done before others. Call it under `sealing`."""
    part, count = bench.run.part, wanted.shard_count
    missing = tuple(each for each in part.all_parts() if not found.keys() >= set(each.shards(count)))
    running = bench.folder.running()
    return Outcome(
        manifest=None,
        state="part",
        samples=wanted.rows,
        shards=count,
        shards_made=0,
        skipped=len(wanted.table.loaded.problems),
        bytes=sum(record.bytes for record in found.values()),
        seconds=0,
        part=part,
        missing=missing,
        running=tuple(each for each in missing if each in running),
    )
