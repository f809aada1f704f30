"""The scan: every input is read, hashed and decoded once, into the cache. Broken inputs are settled here."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from socket import gethostname
from threading import Lock
from time import monotonic, thread_time
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import OnError
from mixup_cli.engines.base import EVERYWHERE, Engine, Shared, Task
from mixup_cli.errors import DataError, NoInputError
from mixup_cli.fields.target import Arrays, FormMismatch, Survey, Target, rows_of
from mixup_cli.fields.uneven import in_memory_as, put
from mixup_cli.listener import Listener
from mixup_cli.scan.room import cache_bytes, room_of, rooms_of
from mixup_cli.scan.table import table_of
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.loaded import Loaded, LoadedColumn
from mixup_cli.storage.source_table import SourceTable
from mixup_cli.wording import counted, setting

ATTEMPTS = 8
"""More than widening sizes and depths can take: a scan that never fits is a bug, and must end."""

CHUNK_BYTES = 4 << 20
"""Samples are scanned in runs of about this many decoded bytes …"""

CHUNKS_PER_WORKER = 8
"""… but in no fewer runs than this for each worker, so that a few large pictures keep all of them busy."""

QUICK_SECONDS, WAITING, MOST_IN_A_STEP = 0.00025, 2, 32
"""Samples that take a processor less than that each, and no more than twice that with waiting for a disk or for
Python's lock, are asked for in larger steps, and in turns. A network drive is slower: it is read side by side."""

SLACK_SECONDS = 0.02
"""So long may a few waits for Python's lock take together, 5 ms each, before samples count as slow."""

_turn = Lock()

PROBED = 8
"""At most this many samples, spread over the source, are examined to find out whether none can be used."""

CRASHED = "One of these inputs crashes the decoder. Find out which by leaving out half of them at a time, remove it"


@dataclass(frozen=True)
class Tolerance:
    """What to do about broken inputs: end the run, or leave out at most `max_errors` (None: any number)."""

    on_error: OnError = "fail"
    max_errors: int | None = None


Result = TypeVar("Result")


@dataclass(frozen=True)
class Chunk:
    """Some consecutive samples: the index of the first, and what the scan found of each. From a worker that cannot
    write into the cache, the samples as well, and the worker's host."""

    start: int
    loaded: list[Loaded]
    samples: Arrays = ()
    host: str = ""


def until_it_fits(survey: Survey, attempt: Callable[[], Result]) -> Result:
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
    source: Source,
    targets: Sequence[Target],
    cache: Arrays | None,
    tolerance: Tolerance,
    engine: Engine,
    listener: Listener,
) -> SourceTable:
    """Fill `cache` with the source's samples: maps of a file if the engine shares only files. Raises DataError for
    broken inputs as `tolerance` says, and FormMismatch where a sample does not fit its target.

    Without a cache, samples are only hashed here and decoded later, which finds damage that only decoding shows. They
    are decoded here too if broken ones are to be left out: that must be known before rows are planned.
    """
    is_mapped = cache is not None and all(isinstance(in_memory_as(each), np.memmap) for each in cache)
    if engine.shares_files and not (engine.shares_memory or is_mapped):
        raise ValueError("other processes cannot fill the memory of this one")
    loaded = LoadedColumn(len(source))
    broken = 0
    listener.begin("scan", len(source), "samples")
    decodes = cache is not None or tolerance.on_error == "skip"
    sends = cache is not None and not engine.shares_files
    kept, rooms = None if sends else cache, rooms_of(source, targets)
    reading = _Reading(source, targets, kept, decodes, sends, engine.checkpoint, rooms)
    chunks = engine.run(_tasks(reading, engine.workers))
    for start, results in _in_order(_stored(chunks, source, targets, cache) if sends and cache else chunks):
        loaded.put(start, results)
        for index, result in enumerate(results, start):
            if result.problem is not None:
                broken += 1
                found = f"{source.name_of(index)}: {result.problem}"
                _settle(found, broken, tolerance, partial(_all_unusable, source, targets, index), source)
        listener.advance(len(results))
    listener.end()
    _check_some_usable(source, loaded)
    return table_of(source, loaded)


def _stored(chunks: Iterable[Chunk], source: Source, targets: Sequence[Target], cache: Arrays) -> Iterator[Chunk]:
    """Copy samples that workers have sent into the cache. Raises NoInputError where a worker could not read an input
    that can be read here: it would count as broken."""
    for chunk in chunks:
        for room, samples in zip(cache, chunk.samples, strict=True):
            put(room, chunk.start, samples)
        for index, found in enumerate(chunk.loaded, chunk.start):
            if not found.sha256 and source.examine_signals(index, index + 1, targets)[0].sha256:
                where = f"node {chunk.host}: {source.location}: {source.name_of(index)}"
                raise NoInputError(f"{where}: {found.problem}.", EVERYWHERE)
        yield Chunk(chunk.start, chunk.loaded)


def _in_order(chunks: Iterable[Chunk]) -> Iterator[tuple[int, list[Loaded]]]:
    """Chunks as they follow each other in the source: of several broken inputs, the first is named."""
    early: dict[int, list[Loaded]] = {}
    start = 0
    for chunk in chunks:
        early[chunk.start] = chunk.loaded
        while start in early:
            yield start, early[start]
            start += len(early.pop(start))


def settle(source: Source, loaded: LoadedColumn, tolerance: Tolerance) -> SourceTable:
    """The table of samples that were scanned before. Raises DataError for broken inputs as `tolerance` says."""
    all_unusable = len(source) if len(loaded.problems) == len(source) else 0
    for broken, (index, problem) in enumerate(loaded.problems.items(), 1):
        _settle(f"{source.name_of(index)}: {problem}", broken, tolerance, lambda: all_unusable, source)
    _check_some_usable(source, loaded)
    return table_of(source, loaded)


@dataclass(frozen=True)
class _Reading:
    """What all runs of samples share. Without `decodes` they are only read and hashed. With `sends` the samples are
    part of the result."""

    source: Source
    targets: Sequence[Target]
    cache: Arrays | None
    decodes: bool
    sends: bool
    checkpoint: Callable[[], None]
    rooms: NDArray[np.int64] | None = None

    def room(self, start: int, stop: int) -> Arrays:
        """Where samples start … stop−1 go."""
        if self.cache is None:
            return room_of(self.rooms, self.targets, start, stop) if self.sends else ()
        return rows_of(self.cache, start, stop)

    def look(self, start: int, stop: int, room: Arrays) -> list[Loaded]:
        """Samples start … stop−1, decoded into their `room`, or into none that stays."""
        if not self.decodes:
            return self.source.examine_signals(start, stop, self.targets)
        room = room or room_of(self.rooms, self.targets, start, stop)
        return self.source.load_signals(start, stop, self.targets, room)


def _tasks(reading: _Reading, workers: int) -> Iterator[Task[Chunk]]:
    source, shared = reading.source, Shared(reading)
    chunk = chunk_samples(cache_bytes(source, reading.targets) // max(1, len(source)), len(source), workers)
    for start in range(0, len(source), chunk):
        stop = min(start + chunk, len(source))
        names = dict.fromkeys((source.name_of(start), source.name_of(stop - 1)))
        inputs = f"{' to '.join(names)} ({counted(stop - start, 'input')})"
        yield Task(inputs, partial(_scan_chunk, shared, start, stop), suspect=CRASHED)


def chunk_samples(each_bytes: int, count: int, workers: int) -> int:
    """How many of `count` samples, which take so much on average, to decode in one go."""
    return max(1, min(CHUNK_BYTES // max(1, each_bytes), math.ceil(count / (CHUNKS_PER_WORKER * workers))))


def in_steps(source: Source, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """The ranges in which to ask for samples start … stop−1, so that a run can be given up between two of them.

    Of a source that wants one at a time, steps grow while samples are quick, and threads take turns with them: these
    are mostly Python's work, and threads that fight for its lock take longer than one after the other.
    """
    if source.load_limit != 1:
        step = source.load_limit or max(1, stop - start)
        yield from ((first, min(first + step, stop)) for first in range(start, stop, step))
        return
    step, is_quick, count, worked, lasted = 1, True, 0, 0.0, 0.0
    while start < stop:
        with _turn if is_quick else nullcontext():
            began, before = monotonic(), thread_time()
            yield start, min(start + step, stop)
            count, worked, lasted = count + step, worked + thread_time() - before, lasted + monotonic() - began
            most = QUICK_SECONDS * count
            is_quick = is_quick and worked < most and lasted < WAITING * most + SLACK_SECONDS
        start += step
        step = min(2 * step, MOST_IN_A_STEP) if is_quick else 1


def _scan_chunk(reading: Shared[_Reading], start: int, stop: int) -> Chunk:
    loaded: list[Loaded] = []
    room = reading.value.room(start, stop)
    for first, last in in_steps(reading.value.source, start, stop):
        reading.value.checkpoint()
        loaded += reading.value.look(first, last, rows_of(room, first - start, last - start))
    return Chunk(start, loaded, room, gethostname()) if reading.value.sends else Chunk(start, loaded)


def _all_unusable(source: Source, targets: Sequence[Target], broken: int) -> int:
    """How many samples were looked at if none of them can be used: `broken`, and some spread over the source, as far as
    headers show. 0 as soon as one can be used."""
    count = min(PROBED, len(source))
    indices = dict.fromkeys(step * len(source) // count for step in range(count))
    others = [index for index in indices if index != broken]
    try:
        found = (source.examine_signals(index, index + 1, targets)[0] for index in others)
        return len(others) + 1 if all(each.problem is not None for each in found) else 0
    except FormMismatch:  # it can be read, and does not fit the target
        return 0


def all_broken(loaded: Sequence[Loaded]) -> bool:
    """Whether all of these samples, and at least one, cannot be used."""
    return bool(loaded) and all(each.problem is not None for each in loaded)


def none_usable(found: str, looked_at: int, source: Source) -> DataError:
    """What to raise after this many inputs were examined and all have the problem `found`."""
    count, remedy = len(source), "Give other inputs."
    if source.list_folder is not None and os.strerror(errno.ENOENT) in found:
        remedy = f"Paths in the list start from {source.list_folder}. Run this in their folder, or correct the paths."
    if count == 1:
        return DataError(f"{found}. It is the only input. {remedy}")
    which = f"the {count:,} inputs" if looked_at == count else f"{looked_at} examined inputs, of {count:,},"
    return DataError(f"{found}. None of {which} can be used. {remedy}")


def _check_some_usable(source: Source, loaded: LoadedColumn) -> None:
    if len(source) and len(loaded.problems) == len(source):
        raise none_usable(f"{source.name_of(0)}: {loaded.problems[0]}", len(source), source)


def _settle(found: str, broken: int, tolerance: Tolerance, all_unusable: Callable[[], int], source: Source) -> None:
    """Raise DataError for a broken input, number `broken`, unless it may be left out."""
    if tolerance.on_error == "fail":
        if looked_at := all_unusable():
            raise none_usable(found, looked_at, source)
        raise DataError(f"{found}.", f"Remove it, or pass {setting('on_error', 'skip')}.")
    if tolerance.max_errors is not None and broken > tolerance.max_errors:
        allowed = f"{setting('max_errors')} allows {tolerance.max_errors}"
        remedy = "Remove such inputs, or allow more."
        raise DataError(f"{found}. That is broken input number {broken}, and {allowed}.", remedy)
