"""The plan of a scanned source, and the maker of shards that carries it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Thread

import numpy as np
from numpy.typing import NDArray

from mixup_cli import backend
from mixup_cli.draws.beta import start_numba
from mixup_cli.fields.axes import as_pictures
from mixup_cli.fields.decide import recipe_of, void_of
from mixup_cli.fields.fit import INNER_SIZES
from mixup_cli.fields.objects import ObjectField
from mixup_cli.fields.signal import MASK, RATE
from mixup_cli.fields.target import Arrays, Samples
from mixup_cli.methods import METHODS
from mixup_cli.methods.gains import A_WEIGHTED
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.methods.none import Unmixed
from mixup_cli.mixing.columns import RowColumns
from mixup_cli.mixing.inner import Inner
from mixup_cli.mixing.objects import ObjectMaker
from mixup_cli.mixing.shard_values import ShardMaker, SignalMaker, tile_rows_for
from mixup_cli.mixing.signal import Mixer
from mixup_cli.plan.files.checking import checked
from mixup_cli.plan.files.columns import PlanColumns
from mixup_cli.plan.files.reading import PlanFile
from mixup_cli.plan.files.writing import Recorder
from mixup_cli.plan.levels import LevelFinder
from mixup_cli.plan.plan import Finder, Plan, Planned, population_of
from mixup_cli.plan.saliency import PeakFinder
from mixup_cli.plan.timeline import Timeline
from mixup_cli.plan.views import ViewRules
from mixup_cli.runs.job import Job
from mixup_cli.runs.scanned import Scanned
from mixup_cli.runs.settings import Run
from mixup_cli.scan.stored_samples import OneByOne
from mixup_cli.scan.supply import Cache, Supply
from mixup_cli.scan.window_store import Inputs, WindowStore
from mixup_cli.sources.reading.base import Source

ROWS_AT_ONCE = 1 << 16
"""Rows whose parents are looked up in one go."""


def _go_on() -> None:
    """A checkpoint of short work, which is never stopped."""


def start_ahead(rows: int, row_bytes: int) -> None:
    """Start numba beside the scan, if so many rows are worth it. What fails here fails again where it is used."""

    def start() -> None:
        with suppress(Exception):
            start_numba()

    if backend.wants_numba(rows, row_bytes):
        Thread(target=start, name="numba").start()


def plan_of(scanned: Scanned, run: Run) -> Planned:
    """The plan of what was scanned, which `shard_maker` completes with what only samples show."""
    return planned(scanned.job, scanned.source, scanned.table.usable, None, run.plan)


def parents_of(plan: Planned, shards: Iterable[range], sample_count: int) -> NDArray[np.int64]:
    """The parents of all rows of some shards: int64 (m), ascending source indices."""
    is_parent = np.zeros(sample_count, bool)
    for rows in shards:
        for start in range(rows.start, rows.stop, ROWS_AT_ONCE):
            is_parent[plan.parents(start, min(start + ROWS_AT_ONCE, rows.stop))] = True
    return np.flatnonzero(is_parent)


def shard_maker(scanned: Scanned, run: Run, checkpoint: Callable[[], None], plan: Planned | None = None) -> ShardMaker:
    """What computes the rows of the data set: from the cache, or, without one, from windows of the source."""
    source, job, table, cache = scanned.source, scanned.job, scanned.table, scanned.cache
    plan = plan or plan_of(scanned, run)
    supply: Supply
    finder: Finder | None = None
    if scanned.samples is not None:
        supply, finder = Cache(()), _finding(OneByOne(scanned.samples), job)
    elif cache is not None:
        supply, finder = Cache(cache, scanned.indices), finder_of(cache, job, scanned.indices)
    elif isinstance(plan, Plan) and plan.schedule is not None:
        supply = WindowStore(Inputs(source, job.targets, table.loaded), plan.schedule, run.threads, checkpoint)
    else:
        raise ValueError("without a cache, rows must keep to windows; see `check_caching`")
    if finder is not None and isinstance(plan, Plan):
        plan = plan.asking(finder)
    columns = row_columns(source, job, plan, table.usable)
    return maker_of(job, columns, plan, supply, run, checkpoint)


def row_columns(source: Source, job: Job, plan: Planned, usable: NDArray[np.int64]) -> RowColumns:
    """What makes all columns but those of signals, for rows of a plan over the usable samples int64 (n)."""
    inner = None
    if MASK in source.beside and job.target.resize in INNER_SIZES and (extent := source.extents()) is not None:
        inner = Inner.of(extent, job.target, plan.methods.grid.sides)
    return RowColumns(source.labels, job.recipe, usable, object_maker(source, job, plan), source.captions, inner)


def object_maker(source: Source, job: Job, plan: Planned) -> ObjectMaker | None:
    """What makes the columns of objects for rows of a plan; None of a source without objects."""
    if source.objects is None:
        return None
    most = next(column.shape[0] for column in job.columns if column.name == ObjectField.name)
    return ObjectMaker.open(source.objects, plan.methods, job.recipe, job.target, most)


def maker_of(
    job: Job, columns: RowColumns, plan: Planned, supply: Supply, run: Run, checkpoint: Callable[[], None] = _go_on
) -> ShardMaker:
    """What computes the rows of a plan from the samples that `supply` gives."""
    makers = []
    for signal, target, column in zip(job.mixed_signals, job.targets, job.columns, strict=False):
        forms, void = (target.form, signal.mixed(target)), void_of(job.recipe, signal)
        mixer = Mixer.open(recipe_of(job.recipe, signal), plan.methods, forms, run.device, void)
        makers.append(SignalMaker(column, mixer, tile_rows_for(column, run.batch_size, run.device)))
    return ShardMaker(plan, supply, columns, tuple(makers), checkpoint)


def finder_of(cache: Arrays | None, job: Job, indices: NDArray[np.int64] | None = None) -> Finder | None:
    """What finds peaks of images, or levels of waves, of the first signal in a cache of all samples, or of `indices`;
    None without a cache, and of spectrograms."""
    if cache is None or job.form.axes == "ft":
        return None
    is_wave = job.form.axes == "tc"
    return _finding(cache[0] if is_wave else as_pictures(cache[0], job.target.form.axes), job, indices)


def _finding(samples: Samples, job: Job, indices: NDArray[np.int64] | None = None) -> Finder:
    if job.form.axes != "tc":
        return PeakFinder(samples, indices)
    is_weighted = any(A_WEIGHTED in METHODS[choice.name].needs_levels for choice in job.recipe.methods)
    return LevelFinder(samples, int(dict(job.recipe.reading)[RATE]), job.form.length, indices, is_weighted)


def planned(
    job: Job, source: Source, usable: NDArray[np.int64], finder: Finder | None, plan_file: PlanFile | None = None
) -> Planned:
    """The plan of a job over the usable samples int64 (n): computed, or from a file, of which every row is checked.
    Raises DataError and UsageError."""
    view_rules = _view_rules(job)
    if plan_file is None:
        population = population_of(source.labels, usable)
        return Plan(job.recipe, population, job.form.grid, view_rules, finder, timeline_of(source, job))
    methods = MethodSet(job.recipe, job.form.grid, leaves_unmixed=Unmixed.name in plan_file.methods)
    return checked(plan_file, recorder_of(source, job, methods), usable, view_rules, timeline_of(source, job))


def recorder_of(source: Source, job: Job, methods: MethodSet) -> Recorder:
    """What writes rows of a job's plan down, in the columns that its samples and methods need."""
    made = {column.name for column in job.columns}
    columns = PlanColumns(
        methods.parent_count,
        job.recipe.has_views,
        has_span="span" in made,
        has_starts="source_start" in made,
        has_gains=any(method.shares_apart for method in methods.methods),
    )
    return Recorder(methods, columns, source.keys, source.labels)


def timeline_of(source: Source, job: Job) -> Timeline:
    """What is known of samples that go on in time."""
    window = job.form.time
    step = window if job.form.axes == "thwc" else 1  # clips stand one behind the other
    return Timeline(window, source.lengths if job.target.form.time > window else None, source.content, step)


def _view_rules(job: Job) -> ViewRules | None:
    grid, cached = job.form.grid, job.target.form.grid
    return ViewRules.of(job.recipe, cached, grid) if grid and cached else None
