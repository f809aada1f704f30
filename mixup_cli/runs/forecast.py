"""The dry run: what a run would make, and the disk and time that it needs, measured on a few of the samples."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mixup_cli import backend
from mixup_cli.fields.objects import ObjectField
from mixup_cli.fields.target import Arrays, FormMismatch, rows_of
from mixup_cli.fields.uneven import in_memory_as
from mixup_cli.mixing.shard_values import ShardMaker
from mixup_cli.pairing import chosen
from mixup_cli.plan.plan import Moved, Planned, population_of
from mixup_cli.recipe import Recipe
from mixup_cli.runs.job import Asked, Job, shard_rows
from mixup_cli.runs.needs import Needs, needs, shard_advice
from mixup_cli.runs.planning import finder_of, maker_of, parents_of, planned, row_columns
from mixup_cli.runs.samples import check_stores_plan
from mixup_cli.runs.settings import Run
from mixup_cli.runs.standing import Stored, job_beside
from mixup_cli.scan.fill import cache_text, is_kept
from mixup_cli.scan.room import room_of, rooms_of
from mixup_cli.scan.scan import all_broken, none_usable
from mixup_cli.scan.supply import Cache
from mixup_cli.scan.window_store import most_windows
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.hdf5.encoded import heaped_bytes
from mixup_cli.storage.hdf5.shard import bytes_of
from mixup_cli.storage.loaded import Loaded
from mixup_cli.storage.parts import Part
from mixup_cli.storage.shard_records import MOST_IN_MANIFEST
from mixup_cli.wording import counted, readable, setting

JSON_NAMES = {"rows": "samples", "shard_bytes": "bytes"}
"""What `--json` calls fields of `Needs`: as it calls what a run has made."""

PROBE_SAMPLES, PROBE_PLACES = 16, 4
"""To measure the time, this many samples are loaded, from this many places spread over the source."""

PROBE_BYTES = 16 << 20


@dataclass(frozen=True)
class Share:
    """What one of several parts makes, and from how many of the inputs."""

    part: Part
    samples: int
    inputs: int

    @classmethod
    def of(cls, part: Part, plan: Planned, job: Job, needed: Needs, sample_count: int) -> Self | None:
        """The share of a part in the rows of a plan; None if it makes all."""
        if part.is_whole:
            return None
        shards = [shard_rows(number, needed.rows, job.samples_per_shard) for number in part.shards(needed.shards)]
        return cls(part, sum(map(len, shards)), len(parents_of(plan, shards, sample_count)))

    def facts(self) -> dict[str, Any]:
        """For machines."""
        return {"part": str(self.part), "part_samples": self.samples, "part_inputs": self.inputs}

    def __str__(self) -> str:
        made = f"{self.part}: {counted(self.samples, 'sample')} from {counted(self.inputs, 'input')}"
        return f"{made}; the first part to come reads all inputs"


@dataclass(frozen=True)
class Forecast:
    """What a run would do. `cache` says where decoded samples would wait; `seconds` counts decoding, mixing and
    hashing, not the disk; `notices` are those of the plan; `there_bytes` of the shards are on the disk already; `share`
    is what one of several parts makes."""

    job: Job
    source: Source
    needed: Needs
    cache: str
    seconds: float
    notices: tuple[str, ...] = ()
    there_bytes: int = 0
    share: Share | None = None

    def facts(self) -> dict[str, Any]:
        """For machines."""
        recipe = self.job.recipe
        return {
            "recipe": recipe.to_dict(),
            "recipe_id": recipe.recipe_id,
            "inputs": len(self.source),
            "seconds": round(self.seconds, 1),
            **{JSON_NAMES.get(name, name): value for name, value in vars(self.needed).items()},
            "output_bytes": self.needed.output_bytes,
            "disk_bytes": self.needed.disk_bytes,
            "there_bytes": self.there_bytes,
            "cache": self.cache,
            "warnings": list(self.warnings()),
            **({} if self.share is None else self.share.facts()),
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        """For people: name and value of each fact."""
        needed, signals = self.needed, self.job.signals
        shards = counted(needed.shards, "shard")
        yield "would make", f"{counted(needed.rows, 'sample')} in {shards} of up to {self.job.samples_per_shard:,}"
        forms = ", ".join(f"{each.name + ' ' if signals[1:] else ''}{each.dtype} {each.shape}" for each in signals)
        places = {column.name: column.shape for column in self.job.spec.columns}.get(ObjectField.name)
        about, encode = "about " * needed.estimated, self.job.recipe.encode
        beside = "labels" if places is None else "objects"
        yield "each", f"{forms}, {readable(needed.row_bytes)} with {beside}{f', encoded as {encode}' if encode else ''}"
        if places is not None:
            yield "places", f"for {counted(places[0], 'object')} in each row"
        before = " before compression" if needed.compressed and not needed.estimated else ""
        yield "output", about + readable(needed.output_bytes) + before
        if needed.samples_bytes:
            yield "samples", f"{readable(needed.samples_bytes)} of the output, which readers mix"
        if self.share is not None:
            yield "part", str(self.share)
        if (window := self.job.recipe.window) is not None:
            yield "windows", f"of {counted(window, 'consecutive sample')}; samples of different windows never mix"
        yield "cache", self.cache
        missing, room = max(0, needed.disk_bytes - self.there_bytes), "" if self.fits else ": this does not fit"
        yield "disk", f"{about}{readable(missing)} needed, {readable(needed.free_bytes)} free{room}"
        yield "time", f"about {_duration(self.seconds)}, if the disk keeps up"

    def warnings(self) -> Iterator[str]:
        """What the user may want to change first."""
        yield from self.source.notices
        yield from self.job.notices
        yield from self.notices
        columns, first = {column.name: column.row_bytes for column in self.job.spec.columns}, self.job.signals[0].name
        if self.job.label_kind == "classes" and columns.get("labels", 0) > columns.get(first, 0):
            yield (
                f"dense labels take {readable(columns['labels'])} a sample and the pixels {readable(columns[first])}: "
                f"{setting('labels', 'sparse')} stores classes and shares instead"
            )
        yield from shard_advice(self.needed, self.job)
        if self.needed.shards > MOST_IN_MANIFEST:
            yield f"{self.needed.shards:,} shards take long to list and to seal: pass a larger {setting('shard_size')}"
        if self.fits and self.needed.disk_bytes - self.there_bytes > self.needed.free_bytes:
            yield "this fits on the disk only if compression saves enough"

    @property
    def fits(self) -> bool:
        """Whether there is room, as far as can be known before shards are compressed."""
        return self.needed.certain_bytes - self.there_bytes <= self.needed.free_bytes


def forecast(source: Source, recipe: Recipe, run: Run, stored: Stored | None = None) -> Forecast:
    """Look at every sample's header, plan as if each of them could be read, and mix a few in memory. Writes nothing.

    `stored` is what the run would continue. Raises OutputExistsError if it is something else, and what `generate`
    raises if the recipe does not fit this source.
    """
    asked, folder = Asked(source, recipe, run.shard_bytes), DataSetFolder(run.out)
    check_stores_plan(asked, run)
    job = job_beside(stored or Stored(folder), asked, source.survey(), run)
    everything, place = np.arange(len(source)), run.place(folder.work, source.task)
    needed, cache = needs(job, source, run, place), cache_text(source, job.targets, place)
    has_samples = job.recipe.store == "plan" and not needed.samples_bytes
    to_decode = 0 if has_samples or is_kept(source, job.target, place) else len(source)
    if run.caching.kind == "none":
        count = len(chosen(job.recipe, population_of(source.labels, everything)))
        needed, cache = _in_windows(job, count, run, needed)
        to_decode = needed.rows + (to_decode if run.tolerance.on_error == "skip" else 0)
    probe = _Probe.load(job, source)
    plan = planned(job, source, everything, probe, run.plan)
    seconds_per_row, bytes_per_row = probe.of_rows(plan, run, needed.rows)
    seconds = probe.seconds_per_sample * to_decode + seconds_per_row * needed.rows
    if bytes_per_row is not None:
        needed = _encoded(job, needed, bytes_per_row)
    there = Stored(folder, None if run.force else folder.finished())
    done_bytes = there.done_bytes(needed.rows, job.samples_per_shard)
    share = Share.of(run.part, plan, job, needed, len(source))
    return Forecast(job, source, needed, cache, seconds / run.threads, plan.notices, done_bytes, share)


def _in_windows(job: Job, count: int, run: Run, needed: Needs) -> tuple[Needs, str]:
    """The memory that windows of `count` samples take at most instead of a cache, and a text that says so."""
    size = min(count, job.recipe.window or count)
    held = min(most_windows(run.threads), -(-count // size))
    window_bytes = size * job.sample_bytes
    text = f"none: up to {counted(held, 'window')} of {readable(window_bytes)} in memory"
    return replace(needed, cache_bytes=held * window_bytes), text


def _encoded(job: Job, needed: Needs, bytes_per_row: float) -> Needs:
    """What a run needs if encoded rows take so many bytes."""
    raw_bytes = sum(column.row_bytes for column in job.spec.columns if column.encoding)
    shard_bytes = round(needed.shard_bytes + needed.rows * (bytes_per_row - raw_bytes))
    return replace(needed, shard_bytes=shard_bytes, sent_bytes=min(needed.sent_bytes, shard_bytes), estimated=True)


@dataclass(frozen=True)
class _Probe:
    """A few samples from all over the source, with which the time is measured. Unreadable ones are zeros. `rooms` are
    their lengths in time, int64 (count), where these differ."""

    job: Job
    source: Source
    samples: Arrays
    count: int
    seconds_per_sample: float
    rooms: NDArray[np.int64] | None = None

    @classmethod
    def load(cls, job: Job, source: Source) -> Self:
        """Load them, one after another. Raises DataError if none of them can be used."""
        count = min(PROBE_SAMPLES, len(source))
        places = min(PROBE_PLACES, count)
        length = count // places
        count, rooms = places * length, rooms_of(source, job.targets)
        starts = np.linspace(0, len(source) - length, places).astype(int)
        if rooms is not None:
            rooms = rooms[(starts[:, None] + np.arange(length)).ravel()]
        samples = room_of(rooms, job.targets, 0, count)
        for array in samples:
            in_memory_as(array).fill(0)
        loaded: list[Loaded] = []
        began = time.perf_counter()
        with suppress(FormMismatch):  # a header was wrong
            for number, start in enumerate(starts.tolist()):
                room = rows_of(samples, number * length, (number + 1) * length)
                loaded += source.load_signals(start, start + length, job.targets, room)
        if len(loaded) == count and all_broken(loaded):
            raise none_usable(f"{source.name_of(0)}: {loaded[0].problem}", len(loaded), source)
        return cls(job, source, samples, count, (time.perf_counter() - began) / count, rooms)

    def of(self, samples: NDArray[np.int64], starts: NDArray[np.int64] | None = None) -> NDArray[Any]:
        """See `Finder`."""
        finder = finder_of(self.samples, self.job)
        if finder is None:
            raise ValueError("there is no cache to look into")
        places = samples % self.count
        if starts is not None and self.rooms is not None:
            starts = np.minimum(starts, self.rooms[places] - self.job.form.time)
        found: NDArray[Any] = finder.of(places, starts)
        return found

    def of_rows(self, plan: Planned, run: Run, rows: int) -> tuple[float, float | None]:
        """The time for one row, measured on the first rows of a plan, once everything is compiled; and the bytes that
        it takes encoded, if rows are."""
        job, count = self.job, max(1, min(rows, PROBE_BYTES // self.job.spec.row_bytes))
        columns = row_columns(self.source, job, plan, np.arange(len(self.source)))
        moved = Moved(plan, lambda parents: parents % self.count)
        backend.settle(rows, job.spec.row_bytes)
        maker = maker_of(job, columns, moved, Cache(self.samples), run)
        _make(job, maker, count)
        began = time.perf_counter()
        encoded_bytes = _make(job, maker, count)
        seconds = time.perf_counter() - began
        return seconds / count, encoded_bytes / count if job.spec.is_encoded else None


def _make(job: Job, maker: ShardMaker, rows: int) -> int:
    """Compute, encode and hash a shard without writing it. Returns what its encoded rows take."""
    values, encoded_bytes = maker.values(range(rows)), 0
    for column in job.spec.columns:
        codec = column.codec
        for block in values(column):
            if codec is None:
                hashlib.sha256(bytes_of(block))
                continue
            for data in codec.encode(block):
                encoded_bytes += heaped_bytes(len(data))
                hashlib.sha256(data)
    return encoded_bytes


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
