"""Survey, job, scan, until it fits: how every command reads a source.

Commands differ in what is asked (`Asked`: a user's recipe, or one that a data set records), in what is read (all of it
into a cache, or a few samples), and in where the cache lies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.target import Arrays, Survey, room_for
from mixup_cli.runs.job import Asked, Job
from mixup_cli.scan.fill import CachePlace, ScanSettings, fill
from mixup_cli.scan.room import allocate_for
from mixup_cli.scan.scan import Tolerance, scan, until_it_fits
from mixup_cli.scan.stored_samples import StoredSamples
from mixup_cli.scan.table import table_of
from mixup_cli.sources.chosen import ChosenSamples
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.source_table import SourceTable
from mixup_cli.wording import counted

Read = TypeVar("Read")


@dataclass(frozen=True)
class Scanned:
    """A source that has been read: the job that fits every sample, the samples of each signal, and what became of
    them. `cache` holds all samples, or those of the source indices `indices` int64 (m), ascending. It is None where
    windows of samples are decoded when they are mixed, and where an earlier run has read the source. `samples` are
    those that readers mix, where the run stores its plan."""

    source: Source
    job: Job
    cache: Arrays | None
    table: SourceTable
    indices: NDArray[np.int64] | None = None
    samples: StoredSamples | None = None

    def notices(self) -> Iterator[str]:
        """What the user should know of the source, the job, and inputs that were left out."""
        yield from self.source.notices
        yield from self.job.notices
        skipped = list(self.table.skipped())
        if skipped:
            _, key, reason = skipped[0]
            first = f"{key}: {reason}" if len(skipped) == 1 else f"the first is {key}: {reason}"
            yield f"{len(skipped):,} of {counted(len(self.table.keys), 'input')} left out ({first}); see sources.csv"


def fitting(asked: Asked, read: Callable[[Job], Read], survey: Survey | None = None) -> Read:
    """What `read` returns, once the job fits every sample that it reads. `survey` is a look that was taken before; the
    samples that do not fit widen it."""
    seen = survey or asked.survey()
    return until_it_fits(seen, lambda: read(asked.job(seen)))


def with_samples(before: Scanned, indices: NDArray[np.int64], place: CachePlace, how: ScanSettings) -> Scanned:
    """What was scanned before, with the samples `indices` int64 (m), ascending, in a cache. The table has what is found
    of these now; the others count as unchanged. Raises FormMismatch, and what `allocate` raises."""
    source, targets = before.source, before.job.targets
    if not len(indices):
        return replace(before, cache=room_for(targets, 0), indices=indices)
    chosen = ChosenSamples(source, indices)
    cache = allocate_for(chosen, targets, place.work, place.kind)
    found = scan(chosen, targets, cache, Tolerance("skip"), how.engine, how.listener).loaded
    table = table_of(source, before.table.loaded.updated(indices, found))
    is_all = len(indices) == len(source)
    return replace(before, cache=cache, table=table, indices=None if is_all else indices)


def scanned(
    asked: Asked, how: ScanSettings, place: Callable[[Job], CachePlace], survey: Survey | None = None
) -> Scanned:
    """Read all samples into a cache that lies where `place` says. Raises what `fill` raises."""

    def read(job: Job) -> Scanned:
        return Scanned(asked.source, job, *fill(asked.source, job.targets, place(job), how))

    return fitting(asked, read, survey)
