"""The page of a source: what `generate` would make of it, before it reads more than some samples."""

from __future__ import annotations

from functools import partial

import numpy as np

from mixup_cli.fields.signal import INPUT_IDS
from mixup_cli.mixing.columns import RowColumns
from mixup_cli.mixing.shard_values import block_of
from mixup_cli.plan.files.reading import PlanFile
from mixup_cli.plan.plan import Planned
from mixup_cli.recipe import Recipe
from mixup_cli.report.gather import Gathered
from mixup_cli.report.lines import Preview
from mixup_cli.report.object_counts import ObjectCounts
from mixup_cli.report.page.cards import USUAL_ROWS
from mixup_cli.report.page.content import SURVEYED, Content, before_of
from mixup_cli.report.page.kinds import kinds_of
from mixup_cli.report.page.tally import BLOCK_ROWS, Block, Tally
from mixup_cli.report.played import Player
from mixup_cli.report.preview import SHOWN, preview_of_job
from mixup_cli.report.texts import texts_of_job
from mixup_cli.runs.job import Asked, Job
from mixup_cli.runs.needs import needs
from mixup_cli.runs.planning import finder_of, object_maker, planned
from mixup_cli.runs.records import Content as Recorded
from mixup_cli.runs.records import manifest_of_run
from mixup_cli.runs.scanned import fitting
from mixup_cli.runs.settings import Run
from mixup_cli.scan.table import label_texts
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.loaded import LoadedColumn
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.manifest_records import Totals
from mixup_cli.storage.source_table import SourceTable

DRAWN_ROWS = 512
"""Rows of the plan that are counted where each takes a mask or a decoded sample."""


def content_of_source(source: Source, recipe: Recipe, plan_file: PlanFile | None = None) -> Content:
    """What one pass over a source would make, as if each input could be read. Raises what `generate` raises."""
    return fitting(Asked(source, recipe), lambda job: _of_job(source, job, plan_file))


def _of_job(source: Source, job: Job, plan_file: PlanFile | None) -> Content:
    gathered = Gathered(source, job.targets, partial(finder_of, job=job))
    plan = planned(job, source, np.arange(len(source)), gathered, plan_file)
    manifest = _manifest(source, job, plan, Run(plan=plan_file))
    before = before_of(source.labels.classes, manifest, [source])
    tally = Tally(kinds_of(job.recipe, plan.methods.names), len(manifest.class_names), before)
    objects = _count(tally, source, job, plan, manifest.totals.samples)
    drawn = Preview((), (*source.notices, *job.notices, *plan.notices))
    wanted = range(min(manifest.totals.samples, USUAL_ROWS))
    if manifest.axes in SHOWN:
        drawn = preview_of_job(source, job, wanted, plan_file, Player(manifest.axes))
    sizes, texts = source.survey(SURVEYED).sizes, tuple[str, ...]()
    if manifest.signals[0].name == INPUT_IDS:
        texts = texts_of_job(source, job, wanted).lines
    return Content(manifest, True, before, tally, drawn.lines, sizes, drawn.notices, objects, texts=texts)


def _manifest(source: Source, job: Job, plan: Planned, run: Run) -> Manifest:
    """The manifest as it would be, but for the hashes."""
    needed = needs(job, source, run, run.place(DataSetFolder(run.out).work, source.task))
    count, labels = len(source), source.labels
    table = SourceTable(source.keys, label_texts(labels, count), LoadedColumn(count), labels.groups)
    manifest = manifest_of_run(Recorded.of(job), source.kind, table, plan.methods.names, ())
    totals = Totals(samples=needed.rows, shards=needed.shards, bytes=needed.output_bytes)
    return manifest.model_copy(update={"totals": totals})


def _count(tally: Tally, source: Source, job: Job, plan: Planned, rows: int) -> ObjectCounts | None:
    """Count the first rows of a plan of so many. Returns their objects, if samples have such."""
    is_slow = any(method.has_mask or method.looks_ahead for method in plan.methods.methods)
    rows, labels = min(rows, DRAWN_ROWS if is_slow else BLOCK_ROWS), source.labels
    columns, maker = RowColumns(labels, job.recipe, np.arange(len(source))), object_maker(source, job, plan)
    objects = None if maker is None else ObjectCounts(maker.most, len(job.class_names))
    for start in range(0, rows, plan.methods.block_rows):
        block = block_of(plan, start, min(start + plan.methods.block_rows, rows))
        made, share = block.rows, block.share
        classes = None if labels.classes is None else labels.classes[made.parents]
        weights = None if classes is None else columns.values("label_share", made, share)
        tally.add(Block(start, made.method.astype(np.int64), share, classes, weights))
        if labels.values is not None and labels.kind != "real":
            tally.add_labels(columns.values("labels", made, share))
        if maker is not None and objects is not None:
            found = maker.columns(made)
            objects.add(found)
            tally.add_objects(start, made.method.astype(np.int64), found)
    return objects
