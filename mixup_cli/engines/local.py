"""Runs tasks in threads: decoding, blending, hashing and writing release the GIL."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

from mixup_cli.engines.base import WAIT_SECONDS, Attempt, Engine, Report, Result, Stopped, ignore, may_pass


def available_cores() -> int:
    """The number of cores that this process may use: a container or `taskset` can allow fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class LocalEngine(Engine):
    """`workers` threads. `report` receives a line for each task that is tried again."""

    def __init__(self, workers: int, report: Report = ignore) -> None:
        self.workers = workers
        self._report = report
        self._stop = threading.Event()
        self._active = 0
        self._changed = threading.Condition()

    def checkpoint(self) -> None:
        """See `Engine.checkpoint`."""
        if self._stop.is_set():
            raise Stopped

    def close(self) -> None:
        """Nothing to release."""

    def _counted(self, task: Callable[[], Result]) -> Result:
        """Run a task, unless the run was stopped before."""
        with self._changed:
            self.checkpoint()
            self._active += 1
        try:
            return task()
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    def run(self, tasks: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """See `Engine.run`."""
        waiting = iter(tasks)
        self._stop.clear()
        with ThreadPoolExecutor(self.workers) as pool:
            try:
                running: dict[Future[Result], Attempt[Result]] = {}
                running |= {
                    pool.submit(self._counted, task): Attempt(task) for task in islice(waiting, 2 * self.workers)
                }
                while running:
                    done = wait(running, WAIT_SECONDS, FIRST_COMPLETED).done
                    for future in [each for each in running if each in done]:  # of two failures, the first
                        attempt = running.pop(future)
                        problem = future.exception()
                        if problem is not None:
                            attempt = attempt.again(problem, may_pass(problem), self._report)
                            running[pool.submit(self._counted, attempt.task)] = attempt
                            continue
                        running |= {pool.submit(self._counted, task): Attempt(task) for task in islice(waiting, 1)}
                        yield future.result()
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                with self._changed:  # the pool does not know a thread if it was interrupted while starting it
                    while not self._changed.wait_for(lambda: self._active == 0, WAIT_SECONDS):
                        pass  # to hear a second signal
                raise
