"""Runs tasks in threads. Knows callables, not images: decoding, blending, hashing and writing all release the GIL."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Result = TypeVar("Result")


def available_cores() -> int:
    """How many cores this process may use: a container or `taskset` may leave fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Stopped(Exception):
    """Raised inside a task when the run is being given up."""


class LocalEngine:
    """`workers` threads. Tasks that take long call `checkpoint` now and then, so that a run can be stopped."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._stop = threading.Event()

    def checkpoint(self) -> None:
        """Raises Stopped if another task failed or the user interrupted."""
        if self._stop.is_set():
            raise Stopped

    def run(self, tasks: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """The tasks' results as they come. A few tasks wait in line at a time, so memory does not grow with their
        number. The first failure stops the others and is raised here; so is an interrupt of the main thread."""
        waiting = iter(tasks)
        self._stop.clear()
        with ThreadPoolExecutor(self.workers) as pool:
            try:
                running: set[Future[Result]] = {pool.submit(task) for task in islice(waiting, 2 * self.workers)}
                while running:
                    finished, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in finished)
                    running |= {pool.submit(task) for task in islice(waiting, len(finished))}
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
