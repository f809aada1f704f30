"""The plan of a source and a recipe as tables: a run that ends before the shards."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mixup_cli.engines.local import LocalEngine
from mixup_cli.errors import StorageError
from mixup_cli.listener import Listener
from mixup_cli.plan.files.columns import PlanColumns
from mixup_cli.plan.files.plan_file import Table
from mixup_cli.recipe import Recipe
from mixup_cli.runs.apart import check_no_donors
from mixup_cli.runs.job import Asked, Job
from mixup_cli.runs.planning import finder_of, planned, recorder_of
from mixup_cli.runs.scanned import scanned
from mixup_cli.runs.settings import Run, check_caching, row_count
from mixup_cli.scan.fill import CachePlace, ScanSettings
from mixup_cli.sources.reading.base import Source
from mixup_cli.wording import setting


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
    scratch: Path | None,
) -> int:
    """Scan a source, plan it as `generate` would, and hand the plan to `write`. Returns the count of its rows.

    A cache that does not fit in memory lies in `scratch`; None is the system's folder for temporary files.
    Raises what `generate` raises.
    """
    check_no_donors(source)
    with _temporary(scratch) as folder:

        def place(job: Job) -> CachePlace:
            check_caching(job.recipe, run)
            return run.place(Path(folder), source.task)

        how = ScanSettings(run.tolerance, LocalEngine(run.threads), listener)
        scan = scanned(Asked(source, recipe), how, place)
        job, usable = scan.job, scan.table.usable
        plan = planned(job, source, usable, finder_of(scan.cache, job))
        for notice in (*scan.notices(), *plan.notices):
            listener.notice(notice)
        rows = row_count(job.recipe, run, source.labels, usable)
        recorder = recorder_of(source, job, plan.methods)
        write(WrittenPlan(recorder.columns, recorder.tables(plan, rows)))
    return rows


def _temporary(place: Path | None) -> TemporaryDirectory[str]:
    """A folder that is removed at the end of the context."""
    try:
        return TemporaryDirectory(dir=place, prefix=".mixup-gen-plan-")
    except OSError as problem:
        remedy = f"Name another place with {setting('out')}." if place else "Set TMPDIR to a folder where one can."
        where = place or os.environ.get("TMPDIR", "temporary files")  # gettempdir would raise the same once more
        raise StorageError(f"{where}: cannot write there ({problem.strerror}).", remedy) from None
