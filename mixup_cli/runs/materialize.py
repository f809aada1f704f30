"""A data set that stores its plan becomes one of mixed samples, without its source."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixup_cli import backend
from mixup_cli.errors import UsageError
from mixup_cli.fields.target import Target
from mixup_cli.listener import Listener
from mixup_cli.methods import parent_count
from mixup_cli.mixing.columns import RowColumns, columns_of
from mixup_cli.mixing.shard_values import ShardMaker
from mixup_cli.mixing.stored_plan import StoredPlan, StoredSupply
from mixup_cli.recipe import Recipe
from mixup_cli.runs.fingerprint import Pixels
from mixup_cli.runs.job import Job, laid_out
from mixup_cli.runs.pieces import run_json
from mixup_cli.runs.planning import maker_of
from mixup_cli.runs.records import Content, manifest_of_run, origins_of, run_record
from mixup_cli.runs.resume import Wanted, begin, found_shards, intact
from mixup_cli.runs.settings import Run
from mixup_cli.runs.shard_work import make_shards
from mixup_cli.runs.standing import Stored
from mixup_cli.scan.stored_samples import StoredSamples, samples_place
from mixup_cli.storage.finish import finish
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.opened import OpenedDataSet, check_finished
from mixup_cli.storage.source_table import finished_table
from mixup_cli.wording import use_another


@dataclass(frozen=True)
class Materialized:
    """The data set that was made, and how many of its shards this run wrote."""

    manifest: Manifest
    shards_made: int
    seconds: float


def materialize(
    folder: Path, run: Run, samples_per_shard: int | None = None, listener: Listener | None = None
) -> Materialized:
    """Make the shards of a data set that stores its plan, in `run.out`: the bytes are those that its recipe gives with
    `store="rows"`. The same call goes on where an earlier one was stopped.

    Raises UsageError for any other data set, NoInputError if it or its samples are missing, DataError if they are
    damaged, OutputExistsError if `run.out` holds something else.
    """
    began, listener, out = time.time(), listener or Listener(), DataSetFolder(run.out)
    check_finished(folder)
    opened = OpenedDataSet.open(folder)
    if opened.manifest.samples is None:
        raise UsageError(f"{folder} holds mixed samples already.", "Name a data set that stores its plan.")
    for read in (folder, samples_place(folder, opened.manifest.samples)):
        if out.path.resolve().is_relative_to(read.resolve()):
            raise UsageError(f"{read} would be changed.", use_another(), field="out", value=run.out)
    wanted, maker = _planned(opened, run, samples_per_shard)
    with out.locked(), run.open_engine(listener.notice) as engine:
        with out.sealing():
            if (finished := begin(out, wanted, run.force)) is not None:
                return Materialized(finished, 0, time.time() - began)
            kept, noted = found_shards(out, wanted, range(wanted.shard_count))
        found = kept | intact(out, noted, engine, listener)
        records = make_shards(out, wanted, maker, found, engine, listener)
        shards = [records[number] for number in sorted(records)]
        methods, kind = opened.manifest.methods, opened.manifest.source.kind
        manifest = manifest_of_run(Content.of(wanted.job), kind, wanted.table, methods, shards)
        with out.sealing():
            finish(out, manifest, run_record(wanted.pixels, began, _settings(folder, run)))
    return Materialized(manifest, len(records) - len(found), time.time() - began)


def _planned(opened: OpenedDataSet, run: Run, samples_per_shard: int | None) -> tuple[Wanted, ShardMaker]:
    """What is made, and what computes the values of its rows."""
    manifest, samples = opened.manifest, StoredSamples.open(opened.folder, opened.manifest.samples)
    job = _job(manifest, samples, samples_per_shard, run.shard_bytes)
    table, plan = finished_table(opened.folder, manifest), StoredPlan(opened)
    pixels = Stored(DataSetFolder(samples.folder)).pixels or Pixels.here(job.recipe)
    texts = {signal.name: plan.columns[signal.name] for signal in manifest.signals if signal.kind == "text"}
    columns = RowColumns(samples.labels, job.recipe, table.usable, texts=texts)
    backend.settle(manifest.totals.samples, job.spec.row_bytes)
    supply = StoredSupply(plan, samples, job.sample_bytes)
    return Wanted(job, table, pixels, manifest.totals.samples), maker_of(job, columns, plan, supply, run)


def _job(manifest: Manifest, samples: StoredSamples, samples_per_shard: int | None, shard_bytes: int | None) -> Job:
    """The job with the same recipe, but for what shards hold."""
    recipe = Recipe.from_dict(manifest.recipe).with_(store="rows")
    signals = manifest.signals
    columns = columns_of(recipe, signals, samples.labels, parent_count(recipe.methods))
    recipe, spec = laid_out(recipe, signals, columns, samples.labels, samples_per_shard, shard_bytes)
    targets = tuple(map(Target, samples.forms))
    return Job(recipe, signals, targets, spec, columns, manifest.class_names, manifest.label_kind, ())


def _settings(folder: Path, run: Run) -> Mapping[str, Any]:
    """What run.json says of the run: the source is that of the plan."""
    return {**run.settings(), "source": origins_of(run_json(folder)).get(0) or {}}
