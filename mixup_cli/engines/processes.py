"""Runs tasks in worker processes. If one dies (killed, crashed, out of memory), the others go on, and its task is tried
again in another process. Tasks are pickled, so they hold functions of modules, and values that can be pickled.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait
from time import monotonic
from typing import Any

from mixup_cli.engines.attempts import Attempt
from mixup_cli.engines.base import WAIT_SECONDS, Engine, Result, Tell, tell_nobody
from mixup_cli.engines.child import Child
from mixup_cli.engines.worker import Answer, checkpoint

STOP_SECONDS = 0.5
"""How long tasks may take to reach a checkpoint when a run stops; then their processes are killed. (A process that is
still importing reaches none.) The other half of `stopping.GRACE_SECONDS` is left for cleaning up."""


class ProcessEngine(Engine):
    """At most `workers` processes, started when needed and kept until `close`. They end with this process, however it
    ends. `tell` receives a line for each task that is tried again.
    """

    shares_memory = False
    checkpoint = staticmethod(checkpoint)  # a function of a module, which tasks can take along

    def __init__(self, workers: int, tell: Tell = tell_nobody) -> None:
        self.workers = workers
        self._tell = tell
        self._idle: list[Child] = []
        self._busy: dict[object, Child] = {}  # by connection

    def run(self, tasks: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """See `Engine.run`. Each process has one task at a time; none is sent ahead."""
        for child in self._idle:
            child.forget()
        waiting = map(Attempt[Result], tasks)
        failed: deque[Attempt[Result]] = deque()
        try:
            self._hand_out(failed, waiting)
            while self._busy:
                for child in self._answering(WAIT_SECONDS):
                    results = self._settle(child, failed)
                    self._hand_out(failed, waiting)
                    yield from results
        except BaseException:
            self._stop()
            raise

    def _hand_out(self, failed: deque[Attempt[Result]], waiting: Iterator[Attempt[Result]]) -> None:
        """Give every idle process a task; tasks that failed come first."""
        while len(self._busy) < self.workers:
            attempt = failed.popleft() if failed else next(waiting, None)
            if attempt is None:
                return
            child = self._idle.pop() if self._idle else Child()
            self._busy[child.connection] = child
            child.give(attempt)

    def _settle(self, child: Child, failed: deque[Attempt[Any]]) -> list[Any]:
        """Take a process's answer: the result, or none if the task will be tried again. Raises what does not pass."""
        attempt, data = child.attempt, child.hear()
        del self._busy[child.connection]
        if attempt is None:
            raise ValueError("a process without a task answered")
        if data is None:
            failed.append(attempt.again(child.buried(), True, self._tell))
            return []
        child.attempt = None
        self._idle.append(child)
        answer: Answer = pickle.loads(data)
        if answer[0] == "done":
            return [answer[1]]
        _, problem, passes, cause = answer
        problem.__cause__ = cause
        failed.append(attempt.again(problem, passes, self._tell))
        return []

    def _answering(self, seconds: float) -> list[Child]:
        """The processes that answer or die within some seconds."""
        ready = wait([child.connection for child in self._busy.values()], seconds)
        return [self._busy[connection] for connection in ready]

    def _stop(self) -> None:
        """Stop the current tasks at their next checkpoint. Processes that take too long are killed."""
        limit = monotonic() + STOP_SECONDS
        try:
            for child in [child for child in self._busy.values() if child.torn]:
                self._busy.pop(child.connection).kill()
            for child in self._busy.values():
                child.cancel()
            while self._busy and (left := limit - monotonic()) > 0:
                for child in self._answering(left):
                    del self._busy[child.connection]
                    if child.hear() is None:
                        child.kill()
                    else:
                        child.attempt = None
                        self._idle.append(child)
        finally:
            while self._busy:
                self._busy.popitem()[1].kill()

    def close(self) -> None:
        """End the processes."""
        idle, self._idle = self._idle, []
        for child in idle:
            child.connection.close()
        for child in idle:
            child.join()
