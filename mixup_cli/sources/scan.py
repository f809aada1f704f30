"""The scan: every input is read, hashed and decoded once, into the cache. Broken inputs are settled here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import OnError
from mixup_cli.engines.base import Engine, Shared, Task
from mixup_cli.errors import DataError
from mixup_cli.listener import Listener
from mixup_cli.sources.base import FormMismatch, Loaded, Source, Survey, Target
from mixup_cli.sources.loaded import LoadedColumn
from mixup_cli.sources.table import SourceTable
from mixup_cli.wording import counted

ATTEMPTS = 8
"""More than widening sizes and depths can take: a scan that never fits is a bug, and must not go on for ever."""

CHUNK_BYTES = 4 << 20
"""Samples are scanned in runs of about this many decoded bytes …"""

CHUNKS_PER_WORKER = 8
"""… but in no fewer runs than this for each worker, so that a few large pictures keep all of them busy."""

CRASHED = "One of these inputs crashes the decoder. Find out which by leaving out half of them at a time, remove it"


@dataclass(frozen=True)
class Tolerance:
    """What to do about broken inputs: end the run, or leave out at most `max_errors` (None: any number)."""

    on_error: OnError = "fail"
    max_errors: int | None = None


Scanned = TypeVar("Scanned")


def until_it_fits(survey: Survey, attempt: Callable[[], Scanned]) -> Scanned:
    """Attempt a scan; if a sample does not fit the form that the survey suggested, add it to the survey and try again.

    `attempt` decides on a form from the survey as it then is. Sizes and depths only widen, so two or three are enough.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except FormMismatch as mismatch:
            survey.sizes[mismatch.size] += 1
            survey.dtypes[mismatch.dtype] += 1
    return attempt()


def scan(
    source: Source, target: Target, cache: NDArray[Any], tolerance: Tolerance, engine: Engine, listener: Listener
) -> SourceTable:
    """Fill `cache` (n, *form.shape) with the source's samples. Where the engine shares no memory, it is the map of a
    file. Raises DataError for broken inputs as `tolerance` says, and FormMismatch where a sample does not fit the
    target."""
    if not (engine.shares_memory or isinstance(cache, np.memmap)):
        raise ValueError("other processes cannot fill memory that is this one's")
    loaded = LoadedColumn(len(source))
    broken = 0
    listener.begin("scan", len(source), "samples")
    for start, results in engine.run(_tasks(source, target, cache, engine)):
        loaded.put(start, results)
        for index, result in enumerate(results, start):
            if result.problem is not None:
                broken += 1
                _settle(source.name_of(index), result.problem, broken, tolerance)
        listener.advance(len(results))
    listener.end()
    return SourceTable.of(source, loaded)


def settle(source: Source, loaded: LoadedColumn, tolerance: Tolerance) -> SourceTable:
    """The table of samples that were scanned before. Raises DataError for broken inputs as `tolerance` says."""
    for broken, (index, problem) in enumerate(loaded.problems.items(), 1):
        _settle(source.name_of(index), problem, broken, tolerance)
    return SourceTable.of(source, loaded)


@dataclass(frozen=True)
class _Reading:
    """What all runs of samples have in common."""

    source: Source
    target: Target
    cache: NDArray[Any]
    checkpoint: Callable[[], None]


def _tasks(
    source: Source, target: Target, cache: NDArray[Any], engine: Engine
) -> Iterator[Task[tuple[int, list[Loaded]]]]:
    by_bytes = CHUNK_BYTES // max(1, target.form.sample_bytes)
    by_workers = math.ceil(len(source) / (CHUNKS_PER_WORKER * engine.workers))
    chunk = max(1, min(by_bytes, by_workers))
    reading = Shared(_Reading(source, target, cache, engine.checkpoint))
    for start in range(0, len(source), chunk):
        stop = min(start + chunk, len(source))
        names = dict.fromkeys((source.name_of(start), source.name_of(stop - 1)))
        inputs = f"{' to '.join(names)} ({counted(stop - start, 'input')})"
        yield Task(inputs, partial(_scan_chunk, reading, start, stop), suspect=CRASHED)


def _scan_chunk(reading: Shared[_Reading], start: int, stop: int) -> tuple[int, list[Loaded]]:
    each = reading.value
    loaded: list[Loaded] = []
    for first in range(start, stop, each.source.load_limit or stop - start):
        each.checkpoint()
        last = min(stop, first + (each.source.load_limit or stop - start))
        loaded += each.source.load(first, last, each.target, each.cache[first:last])
    return start, loaded


def _settle(name: str, problem: str, broken: int, tolerance: Tolerance) -> None:
    if tolerance.on_error == "fail":
        raise DataError(f"{name}: {problem}. Remove it, or pass --on-error skip.")
    if tolerance.max_errors is not None and broken > tolerance.max_errors:
        raise DataError(
            f"{name}: {problem}. That is broken input number {broken}, and --max-errors allows {tolerance.max_errors}."
        )
