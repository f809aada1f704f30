"""Without a cache: only the windows that are being mixed are in memory.

A few threads decode a window piece by piece, so that all cores take part, and one window is fetched ahead. A window
that several shards need is decoded once, and released when the last of them is done with it. Shards start in order, so
there are at most two windows for each worker: the one it mixes, and the one at the end of its shard, if the worker of
the next shard has needed it before. The last shard that started has no second window, but the one ahead.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, StorageError
from mixup_cli.fields.target import Arrays, FormMismatch, Target, room_for, rows_of, sample_bytes
from mixup_cli.pairing import Visit, WindowSchedule
from mixup_cli.scan.scan import chunk_samples, in_steps
from mixup_cli.scan.supply import Portion
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.loaded import LoadedColumn
from mixup_cli.wording import setting

PATIENCE_SECONDS = 0.1
"""How long a worker waits for a window before it checks whether the run was given up."""


def most_windows(workers: int) -> int:
    """How many windows are in memory at once, at most."""
    return 2 * workers


@dataclass(frozen=True)
class Inputs:
    """A source, the forms that its samples are decoded to, and what the scan found of each."""

    source: Source
    targets: tuple[Target, ...]
    loaded: LoadedColumn


@dataclass
class _Window:
    """A window's samples, good when all `pieces` are done. `users` is how many shards still need it,
    `is_ahead` says that none of them has asked for it yet."""

    samples: Arrays
    pieces: list[Future[None]]
    users: int
    is_ahead: bool = True


class WindowStore:
    """A `Supply` that decodes each window once a pass. Raises DataError, when the window comes, for a sample that
    cannot be decoded or has changed since the scan."""

    def __init__(self, inputs: Inputs, schedule: WindowSchedule, workers: int, checkpoint: Callable[[], None]) -> None:
        self._inputs, self._schedule = inputs, schedule
        self._workers, self._checkpoint = workers, checkpoint
        self._lock = threading.Lock()
        self._windows: dict[int, _Window] = {}
        self._shards: Sequence[range] = ()
        self._furthest = 0
        self._pool = ThreadPoolExecutor(workers, "decode")

    @contextmanager
    def serving(self, shards: Sequence[range]) -> Iterator[None]:
        """See `Supply.serving`. It can be entered once."""
        self._shards = shards
        try:
            yield
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._windows.clear()

    def portions(self, rows: range) -> Iterator[Portion]:
        """See `Supply.portions`."""
        visits = [*self._schedule.visits(rows.start, rows.stop)]
        for visit, following in pairwise([*visits, None]):
            if visit is None:
                return
            window = self._asked_for(visit, following)
            try:
                self._wait_for(window)
                within = range(max(visit.start, rows.start), min(visit.stop, rows.stop))
                yield Portion(within, window.samples, visit.samples, is_cached=False)
            finally:
                self._done_with(visit)

    def _asked_for(self, visit: Visit, following: Visit | None) -> _Window:
        """The window of a visit, decoded or being decoded. If no other is ahead, this starts one: that of `following`,
        or else the next that any shard needs."""
        with self._lock:
            window = self._windows.get(visit.number) or self._fetch(visit)
            window.is_ahead = False
            if not any(each.is_ahead for each in self._windows.values()):
                ahead = following or self._next_needed()
                if ahead is not None and ahead.number not in self._windows:
                    self._fetch(ahead)
        return window

    def _next_needed(self) -> Visit | None:
        """The first visit that some shard needs, beyond all that were fetched before."""
        number = bisect_right(self._shards, self._furthest, key=attrgetter("stop"))
        if number == len(self._shards):
            return None
        row = max(self._furthest, self._shards[number].start)
        return next(self._schedule.visits(row, row + 1))

    def _fetch(self, visit: Visit) -> _Window:
        """Begin to decode a window."""
        targets, count = self._inputs.targets, len(visit.samples)
        try:
            samples = room_for(targets, count)
        except MemoryError as problem:
            remedy = f"Pass a smaller {setting('window')}."
            raise StorageError(f"a window does not fit into memory ({problem}).", remedy) from None
        piece = chunk_samples(sample_bytes(targets), count, self._workers)
        read = partial(_read, self._inputs, self._checkpoint)
        pieces = [
            self._pool.submit(read, visit.samples[first : first + piece], rows_of(samples, first, first + piece))
            for first in range(0, count, piece)
        ]
        first_user = bisect_right(self._shards, visit.start, key=attrgetter("stop"))
        users = bisect_left(self._shards, visit.stop, key=attrgetter("start")) - first_user
        self._furthest = max(self._furthest, visit.stop)
        window = self._windows[visit.number] = _Window(samples, pieces, users)
        return window

    def _wait_for(self, window: _Window) -> None:
        pending = set(window.pieces)
        while pending:
            self._checkpoint()
            done, pending = wait(pending, PATIENCE_SECONDS, FIRST_EXCEPTION)
            for piece in done:
                piece.result()

    def _done_with(self, visit: Visit) -> None:
        with self._lock:
            window = self._windows.get(visit.number)  # None if the run was given up
            if window is not None:
                window.users -= 1
                if not window.users:
                    del self._windows[visit.number]


def _read(inputs: Inputs, checkpoint: Callable[[], None], indices: NDArray[np.int64], out: Arrays) -> None:
    """Decode the samples `indices` int64 (m), ascending, into `out`."""
    place = 0
    for run in np.split(indices, np.flatnonzero(np.diff(indices) != 1) + 1):
        for first, last in in_steps(inputs.source, int(run[0]), int(run[-1]) + 1):
            checkpoint()
            _read_run(inputs, first, last, rows_of(out, place, place + last - first))
            place += last - first


def _read_run(inputs: Inputs, first: int, last: int, out: Arrays) -> None:
    try:
        found = inputs.source.load_signals(first, last, inputs.targets, out)
    except FormMismatch as mismatch:
        raise DataError(f"{mismatch} is not what the scan read.", f"Restore it, or pass {setting('size')}.") from None
    for index, now in enumerate(found, first):
        name = inputs.source.name_of(index)
        if now.sha256 != inputs.loaded[index].sha256:
            remedy = f"Restore it, or start over with {setting('force')}."
            raise DataError(f"{name}: has changed since the scan.", remedy)
        if now.problem is not None:
            remedy = f"Remove it, or pass {setting('on_error', 'skip')}; either way start over with {setting('force')}."
            raise DataError(f"{name}: {now.problem}.", remedy)
