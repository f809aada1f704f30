"""The dry run: what a run would make and take, with a time measured on a handful of the samples themselves."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mixup_cli import existing
from mixup_cli.columns import IMAGES
from mixup_cli.estimate import Needs, needs
from mixup_cli.make_shard import ShardMaker
from mixup_cli.methods import parent_count
from mixup_cli.planned import planned_in, shard_maker
from mixup_cli.population import population_of
from mixup_cli.prepare import Job, adopt, prepare
from mixup_cli.recipe import Recipe
from mixup_cli.run import Run, check_caching, row_count
from mixup_cli.sources.base import FormMismatch, Source
from mixup_cli.sources.fill import cache_text, is_kept, needs_file
from mixup_cli.sources.loaded import LoadedColumn
from mixup_cli.sources.scan import all_broken, none_usable, probe
from mixup_cli.sources.table import SourceTable, label_texts
from mixup_cli.sources.window_store import most_windows
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.shard import bytes_of
from mixup_cli.wording import counted, plural, readable

PROBE_SAMPLES = 16
PROBE_BYTES = 16 << 20


@dataclass(frozen=True)
class Forecast:
    """What a run would do. `cache` tells where decoded samples would wait; `seconds` counts decoding, mixing and
    hashing, not the disk."""

    job: Job
    source: Source
    needed: Needs
    cache: str
    seconds: float

    def facts(self) -> dict[str, Any]:
        """For machines."""
        recipe = self.job.recipe
        return {
            "recipe": recipe.to_dict(),
            "recipe_id": recipe.recipe_id,
            "inputs": len(self.source),
            "seconds": round(self.seconds, 1),
            **vars(self.needed),
            "cache": self.cache,
            "warnings": list(self.warnings()),
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        """For people: name and value of each fact."""
        needed, form = self.needed, self.job.form
        shards = f"{needed.shards:,} {plural(needed.shards, 'shard')}"
        yield "would make", f"{needed.rows:,} samples in {shards} of up to {self.job.samples_per_shard:,}"
        yield "each", f"{self.job.recipe.dtype} {form.shape}, {readable(needed.row_bytes)} with labels"
        yield "output", readable(needed.output_bytes) + (" before compression" if self._compressed else "")
        if self.job.recipe.window is not None:
            yield "windows", f"of {self.job.recipe.window:,} consecutive samples; only those of one meet"
        yield "cache", self.cache
        yield "disk", f"{readable(needed.disk_bytes)} needed, {readable(needed.free_bytes)} free"
        yield "time", f"about {_duration(self.seconds)}, if the disk keeps up"

    def warnings(self) -> Iterator[str]:
        """What the user may want to change first."""
        yield from self.source.notices
        yield from self.job.notices
        columns = {column.name: column.row_bytes for column in self.job.spec.columns}
        if self.job.label_kind == "classes" and columns.get("labels", 0) > columns[IMAGES]:
            yield (
                f"dense labels take {readable(columns['labels'])} a sample and the pixels {readable(columns[IMAGES])}: "
                "--labels sparse stores classes and shares instead"
            )
        if self.needed.disk_bytes > self.needed.free_bytes and not self._compressed:
            yield "this does not fit on the disk, and would be refused"
        if self._compressed and self.needed.disk_bytes > self.needed.free_bytes:
            yield "this fits on the disk only if compression saves enough"

    @property
    def _compressed(self) -> bool:
        return self.job.recipe.compression != "none"


def forecast(source: Source, recipe: Recipe, run: Run, stored: Recipe | None = None) -> Forecast:
    """Look at every sample's header, and mix a few in memory. Writes nothing.

    A plan from a file is checked; the time is measured on rows of a computed one, since few samples are loaded.
    `stored` is the recipe of the data set that the run would continue. Raises OutputExistsError if it is another.
    """
    recipe = adopt(recipe, stored, keeps_shard_size=run.shard_bytes is None)
    job = prepare(recipe, source, source.survey(), run.shard_bytes)
    check_caching(job.recipe, run)
    existing.check_same_recipe(DataSetFolder(run.out), stored, job.recipe)
    population = population_of(source.labels, np.arange(len(source)))
    if run.plan is not None:
        planned_in(run.plan, job, source, np.arange(len(source)))
    place = run.place(DataSetFolder(run.out).work)
    on_disk = needs_file(source, job.target, place)
    needed = needs(job, len(source), row_count(job.recipe, run, population), run.out, on_disk)
    cache, to_decode = cache_text(source, job.target, place), len(source)
    if is_kept(source, job.target, place):
        to_decode = 0
    if run.caching.kind == "none":
        needed, cache = _in_windows(job, source, run, needed)
        to_decode = needed.rows + (to_decode if run.tolerance.on_error == "skip" else 0)
    seconds = _seconds(job, source, replace(run, plan=None), needed.rows, to_decode)
    return Forecast(job, source, needed, cache, seconds)


def _in_windows(job: Job, source: Source, run: Run, needed: Needs) -> tuple[Needs, str]:
    """What windows take in memory at most, in place of a cache, and the same for people."""
    size = min(len(source), job.recipe.window or len(source))
    held = min(most_windows(run.workers), -(-len(source) // size))
    window_bytes = size * job.target.form.sample_bytes
    text = f"none: up to {counted(held, 'window')} of {readable(window_bytes)} in memory"
    return replace(needed, cache_bytes=held * window_bytes), text


def _seconds(job: Job, source: Source, run: Run, rows: int, to_decode: int) -> float:
    """Load a few samples, mix them for a moment, and scale up: a rough figure, from the real code."""
    count = min(PROBE_SAMPLES, len(source))
    cache = np.zeros((count, *job.target.form.shape), job.target.form.dtype)
    began = time.perf_counter()
    try:
        loaded = source.load(0, count, job.target, cache)
    except FormMismatch:
        return 0.0
    per_sample = (time.perf_counter() - began) / count
    if all_broken(loaded) and (count == len(source) or all_broken(probe(source, job.target))):
        raise none_usable(f"{source.name_of(0)}: {loaded[0].problem}", count, len(source))
    if sum(each.problem is None for each in loaded) < parent_count(job.recipe.methods):
        return per_sample * to_decode / run.workers
    table = SourceTable(source.keys[:count], label_texts(source.labels, len(source))[:count], LoadedColumn.of(loaded))
    maker = shard_maker(job, source, table, cache, run, lambda: None)
    probe_rows = max(1, min(rows, PROBE_BYTES // job.row_bytes))
    _make(job, maker, probe_rows)  # the first round compiles
    began = time.perf_counter()
    _make(job, maker, probe_rows)
    per_row = (time.perf_counter() - began) / probe_rows
    return (per_sample * to_decode + per_row * rows) / run.workers


def _make(job: Job, maker: ShardMaker, rows: int) -> None:
    """All that a shard takes but the writing."""
    values = maker.values(0, rows)
    for column in job.spec.columns:
        for block in values(column):
            hashlib.sha256(bytes_of(block))


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
