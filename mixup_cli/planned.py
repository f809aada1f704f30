"""From a job and its source to what computes rows: the plan, and the maker of shards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.columns import RowColumns
from mixup_cli.make_shard import ShardMaker, tile_rows_for
from mixup_cli.method_set import MethodSet
from mixup_cli.mixer import Mixer
from mixup_cli.plan import PeaksOf, Plan, Planned
from mixup_cli.plan_files.checking import checked
from mixup_cli.plan_files.columns import PlanColumns
from mixup_cli.plan_files.reading import PlanFile
from mixup_cli.plan_files.writing import Recorder
from mixup_cli.population import population_of
from mixup_cli.prepare import Job
from mixup_cli.run import Run
from mixup_cli.saliency import PeakFinder
from mixup_cli.sources.base import Source
from mixup_cli.sources.table import SourceTable
from mixup_cli.stage import as_pictures
from mixup_cli.surface import grid_of
from mixup_cli.views import ViewRules


def shard_maker(
    job: Job, source: Source, table: SourceTable, cache: NDArray[Any], run: Run, checkpoint: Callable[[], None]
) -> ShardMaker:
    """What computes any rows of the data set from the filled cache."""
    peaks = PeakFinder(as_pictures(cache, job.target.form.axes))
    plan = planned(job, source, table.usable, peaks, run.plan)
    return ShardMaker(
        plan=plan,
        cache=cache,
        row_columns=RowColumns(source.labels, job.recipe, table.usable),
        mixer=Mixer.open(job.recipe, plan.methods, job.target.form, job.form, run.device),
        tile_rows=tile_rows_for(job.spec.columns[0], run.batch_size, run.device),
        checkpoint=checkpoint,
    )


def planned(
    job: Job, source: Source, usable: NDArray[np.int64], peaks: PeaksOf, plan_file: PlanFile | None = None
) -> Planned:
    """The plan of a job over the samples that can be mixed: computed, or the one that a file holds."""
    if plan_file is not None:
        return planned_in(plan_file, job, source, usable)
    return Plan(job.recipe, population_of(source.labels, usable), grid_of(job.form), _view_rules(job), peaks)


def planned_in(plan_file: PlanFile, job: Job, source: Source, usable: NDArray[np.int64]) -> Planned:
    """The plan that a file holds, every row of it checked. Raises DataError and UsageError."""
    view_rules = _view_rules(job)
    methods = MethodSet(job.recipe, grid_of(job.form))
    columns = PlanColumns(methods.parent_count, view_rules is not None)
    recorder = Recorder(methods, columns, source.keys, source.labels)
    return checked(plan_file, methods, usable, view_rules, recorder)


def _view_rules(job: Job) -> ViewRules | None:
    grid, cached = grid_of(job.form), grid_of(job.target.form)
    return ViewRules.of(job.recipe, cached, grid) if grid and cached else None
