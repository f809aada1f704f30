"""A finished data set's source, read again as the run did that made it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from mixup_cli.errors import DataError, UsageError
from mixup_cli.plan.files.reading import PlanFile
from mixup_cli.recipe import Recipe
from mixup_cli.runs.differences import Identity, differences
from mixup_cli.runs.job import Asked, Job
from mixup_cli.runs.scanned import Scanned, scanned
from mixup_cli.runs.settings import keeps_to_windows
from mixup_cli.scan.cache import CacheSettings, goes_to_disk
from mixup_cli.scan.fill import CachePlace, ScanSettings
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.members import Member
from mixup_cli.storage.source_table import sealed_table
from mixup_cli.wording import setting

SourceOf: TypeAlias = Callable[[int, int], Source]
"""Opens a source: its number, and how many different ones the data set has, which is one unless it was merged."""


def check_source(out: Path, member: Member, now: Scanned) -> None:
    """Raises DataError if a member's source is not what it was, naming the first input that differs."""
    table = sealed_table(out)
    before = None if table is None else table.part(member.inputs)
    for _, found in differences(Identity(source=before), Identity(source=now.table)):
        remedy = f"Name the one it was made from with {setting('source_paths')}."
        raise DataError(f"{out}: was made from another source ({found}).", remedy)


def check_labels(out: Path, manifest: Manifest, now: Scanned) -> None:
    """Raises DataError where the numbers of the labels mean something else than they did: the source is the same, and a
    table of another split is not."""
    then = Identity(labels=(manifest.label_kind, manifest.class_names))
    for _, found in differences(then, Identity(labels=now.job.labels)):
        classes = f"and add {setting('classes', shlex.quote(str(out)))} for its classes"
        remedy = f"Name the source it was made from with {setting('source_paths')}, {classes}."
        raise DataError(f"{out}: was made from other labels ({found}).", remedy)


def check_plan(out: Path, recipe: Recipe, plan: PlanFile | None) -> None:
    """Raises DataError unless `plan` is the one that the recipe was made with, or it was made without a plan file."""
    if recipe.plan != (plan.digest() if plan else None):
        which = "without a plan file, or from another one" if plan else "from a plan file"
        raise DataError(f"{out}: was made {which}.", f"Pass {setting('plan')} as generate had it.")


def rescan(out: Path, recipe: Recipe, source: Source, scratch: Path, how: ScanSettings) -> Scanned:
    """Scan the source of the data set `out` again. A cache that does not fit in memory goes into `scratch`.

    It is decoded again, not taken from a kept cache. Raises DataError if the source cannot be the right one.
    """

    def place(job: Job) -> CachePlace:
        in_windows = keeps_to_windows(recipe) and goes_to_disk(len(source) * job.sample_bytes)
        return CachePlace(caching=CacheSettings("none" if in_windows else "auto"), work=scratch, out=out)

    try:
        return scanned(Asked(source, recipe, is_recorded=True), how, place)
    except UsageError as problem:
        raise DataError(f"{out}: was made from another source ({problem})") from problem
