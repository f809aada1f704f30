"""From a job and its source to what computes rows: the plan, and the maker of shards."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import Device
from mixup_cli.fields.axes import as_pictures
from mixup_cli.fields.decide import recipe_of
from mixup_cli.fields.target import Arrays
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.methods.none import Unmixed
from mixup_cli.mixing.columns import RowColumns
from mixup_cli.mixing.shard_values import ShardMaker
from mixup_cli.mixing.signal import Mixer
from mixup_cli.pairing import WindowSchedule
from mixup_cli.plan.files.checking import checked
from mixup_cli.plan.files.columns import PlanColumns
from mixup_cli.plan.files.reading import PlanFile
from mixup_cli.plan.files.writing import Recorder
from mixup_cli.plan.plan import PeaksOf, Plan, Planned
from mixup_cli.plan.population import population_of
from mixup_cli.plan.saliency import PeakFinder
from mixup_cli.plan.views import ViewRules
from mixup_cli.runs.job import Job
from mixup_cli.runs.settings import Run
from mixup_cli.scan.supply import Supply, WholeCache
from mixup_cli.scan.window_store import Scanned, WindowStore
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.source_table import SourceTable


def shard_maker(
    job: Job, source: Source, table: SourceTable, cache: Arrays | None, run: Run, checkpoint: Callable[[], None]
) -> ShardMaker:
    """What computes any rows of the data set from the filled cache, or, where there is none, from windows of the
    source."""
    plan = planned(job, source, table.usable, peaks_of(cache, job), run.plan)
    supply: Supply
    if cache is not None:
        supply = WholeCache(cache)
    else:
        supply = WindowStore(Scanned(source, job.targets, table.loaded), _schedule(plan), run.workers, checkpoint)
    return ShardMaker(
        plan=plan,
        supply=supply,
        row_columns=RowColumns(source.labels, job.recipe, table.usable),
        mixers=mixers_of(job, plan.methods, run.device),
        batch_size=run.batch_size,
        device=run.device,
        checkpoint=checkpoint,
    )


def mixers_of(job: Job, methods: MethodSet, device: Device) -> dict[str, Mixer]:
    """What blends each signal, by the name of its column."""
    return {
        signal.name: Mixer.open(recipe_of(job.recipe, signal), methods, target.form, signal.mixed(target), device)
        for signal, target in zip(job.signals, job.targets, strict=True)
    }


def peaks_of(cache: Arrays | None, job: Job) -> PeaksOf | None:
    """What finds the peaks of cached samples, in their first signal; None if they are not cached."""
    return None if cache is None else PeakFinder(as_pictures(cache[0], job.target.form.axes))


def _schedule(plan: Planned) -> WindowSchedule:
    schedule = plan.schedule if isinstance(plan, Plan) else None
    if schedule is None:
        raise ValueError("without a cache rows must keep to windows, and `check_caching` was not asked")
    return schedule


def planned(
    job: Job, source: Source, usable: NDArray[np.int64], peaks: PeaksOf | None, plan_file: PlanFile | None = None
) -> Planned:
    """The plan of a job over the samples that can be mixed: computed, or the one that a file holds."""
    if plan_file is not None:
        return planned_in(plan_file, job, source, usable)
    return Plan(job.recipe, population_of(source.labels, usable), job.form.grid, _view_rules(job), peaks)


def planned_in(plan_file: PlanFile, job: Job, source: Source, usable: NDArray[np.int64]) -> Planned:
    """The plan that a file holds, every row of it checked. Raises DataError and UsageError."""
    view_rules = _view_rules(job)
    methods = MethodSet(job.recipe, job.form.grid, leaves_unmixed=Unmixed.name in plan_file.methods)
    columns = PlanColumns(methods.parent_count, view_rules is not None)
    recorder = Recorder(methods, columns, source.keys, source.labels)
    return checked(plan_file, recorder, usable, view_rules)


def _view_rules(job: Job) -> ViewRules | None:
    grid, cached = job.form.grid, job.target.form.grid
    return ViewRules.of(job.recipe, cached, grid) if grid and cached else None
