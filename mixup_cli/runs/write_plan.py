"""The plan of a source and a recipe as tables, without making anything of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mixup_cli.engines.local import LocalEngine
from mixup_cli.errors import StorageError
from mixup_cli.fields.target import Arrays
from mixup_cli.listener import Listener
from mixup_cli.plan.files.columns import PlanColumns
from mixup_cli.plan.files.plan_file import Table
from mixup_cli.plan.files.writing import Recorder
from mixup_cli.plan.population import population_of
from mixup_cli.recipe import Recipe
from mixup_cli.runs.generate import skipped_notices
from mixup_cli.runs.job import Job, prepare, survey_for
from mixup_cli.runs.planning import peaks_of, planned
from mixup_cli.runs.settings import Run, check_caching, row_count
from mixup_cli.scan.fill import Scanning, fill
from mixup_cli.scan.scan import until_it_fits
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.source_table import SourceTable


@dataclass(frozen=True)
class WrittenPlan:
    """A plan's columns and its rows, a table for each block."""

    columns: PlanColumns
    tables: Iterator[Table]


def with_plan(
    source: Source,
    recipe: Recipe,
    run: Run,
    listener: Listener,
    write: Callable[[WrittenPlan], None],
    scratch: Path | None = None,
) -> int:
    """Scan a source, plan it as `generate` would, and hand the plan to `write`. Returns the count of its rows.

    A cache that does not fit in memory lies in `scratch` meanwhile; None is the system's folder for temporary files.
    Raises what `generate` raises.
    """
    survey = survey_for(recipe, source)
    with _temporary(scratch) as cache_folder:

        def attempt() -> tuple[Job, Arrays | None, SourceTable]:
            job = prepare(recipe, source, survey)
            check_caching(job.recipe, run)
            scanning = Scanning(run.tolerance, LocalEngine(run.workers), listener)
            return job, *fill(source, job.targets, run.place(Path(cache_folder)), scanning)

        job, cache, table = until_it_fits(survey, attempt)
        plan = planned(job, source, table.usable, peaks_of(cache, job))
        for notice in (*source.notices, *job.notices, *skipped_notices(table), *plan.notices):
            listener.notice(notice)
        rows = row_count(job.recipe, run, population_of(source.labels, table.usable))
        columns = PlanColumns(plan.methods.parent_count, job.recipe.has_views)
        recorder = Recorder(plan.methods, columns, source.keys, source.labels)
        write(WrittenPlan(columns, recorder.tables(plan, rows)))
    return rows


def _temporary(place: Path | None) -> TemporaryDirectory[str]:
    """A folder that goes when it is left."""
    try:
        return TemporaryDirectory(dir=place, prefix=".mixup-gen-plan-")
    except OSError as problem:
        remedy = "Name another place with -o" if place else "Set TMPDIR to a folder where one can"
        where = place or os.environ.get("TMPDIR", "temporary files")  # gettempdir would raise the same once more
        raise StorageError(f"{where}: cannot write there ({problem.strerror}). {remedy}.") from None
