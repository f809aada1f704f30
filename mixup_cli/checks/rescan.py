"""A finished data set's source, read again as the run did that made it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.target import Arrays
from mixup_cli.plan.files.reading import PlanFile
from mixup_cli.recipe import Recipe
from mixup_cli.runs.job import SURVEY_SAMPLES, Job, prepare_again
from mixup_cli.runs.resume import other_labels
from mixup_cli.runs.settings import keeps_to_windows
from mixup_cli.scan.cache import allocate, goes_to_disk
from mixup_cli.scan.fill import Scanning
from mixup_cli.scan.scan import scan, until_it_fits
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.source_table import SourceTable, first_difference


@dataclass(frozen=True)
class Rescanned:
    """The job, every sample in its targets' forms (None where windows are decoded when they are mixed), and what became
    of each."""

    job: Job
    cache: Arrays | None
    table: SourceTable

    def check_same(self, out: Path, before: SourceTable | None) -> None:
        """Raises DataError if the source is not what it was, naming the first input that differs."""
        difference = None if before is None else first_difference(before, self.table)
        if difference is not None:
            raise DataError(
                f"{out}: was made from another source ({difference}). Name the one it was made from with --source."
            )

    def check_labels(self, out: Path, manifest: Manifest) -> None:
        """Raises DataError where the numbers of the labels mean something else than they did: the source is the same,
        and a table of another split is not."""
        then, now = (manifest.label_kind, manifest.class_names), (self.job.label_kind, self.job.class_names)
        if (difference := other_labels(then, now)) is not None:
            raise DataError(
                f"{out}: was made from other labels ({difference}). Name the source it was made from with --source, "
                f"and add --classes {shlex.quote(str(out))} for the classes of then."
            )


def check_plan(out: Path, recipe: Recipe, plan: PlanFile | None) -> None:
    """Raises DataError unless `plan` is the one that the recipe was made with, or there was none."""
    if recipe.plan != (plan.digest() if plan else None):
        which = "without a plan file, or from another one" if plan else "from a plan file"
        raise DataError(f"{out}: was made {which}. Pass --plan just as generate had it.")


def rescan(out: Path, recipe: Recipe, source: Source, scratch: Path, how: Scanning) -> Rescanned:
    """Scan the source of the data set `out` again. A cache that does not fit in memory goes into `scratch`.

    It is decoded anew, and not taken from a kept cache. Raises DataError where the source cannot be the one.
    """
    survey = source.survey(SURVEY_SAMPLES)

    def attempt() -> Rescanned:
        job = prepare_again(recipe, source, survey)
        in_windows = keeps_to_windows(recipe) and goes_to_disk(len(source) * job.sample_bytes)
        cache = None if in_windows else allocate([target.form for target in job.targets], len(source), scratch)
        return Rescanned(job, cache, scan(source, job.targets, cache, how.tolerance, how.engine, how.listener))

    try:
        return until_it_fits(survey, attempt)
    except UsageError as problem:
        raise DataError(f"{out}: was made from another source ({problem})") from problem
