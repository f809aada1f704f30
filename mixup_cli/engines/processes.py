"""Runs tasks in worker processes. If one dies (killed, crashed, out of memory), the others go on, and its task is tried
again in another process. Tasks are pickled, so they hold functions of modules, and values that can be pickled.
"""

from __future__ import annotations

import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import wait
from time import monotonic
from typing import Any

from mixup_cli.engines.base import WAIT_SECONDS, Attempt, Died, Engine, Report, Result, Task, ignore
from mixup_cli.engines.parcels import CANCEL, FORGET, Message, parcels
from mixup_cli.engines.worker import Answer, checkpoint, serve
from mixup_cli.wording import spelling

STOP_SECONDS = 0.5
"""How long tasks may take to reach a checkpoint when a run stops; then their processes are killed. (A process that is
still importing reaches none.) The other half of `stopping.GRACE_SECONDS` is left for cleaning up."""


END_SECONDS = 1.0
"""A process whose connection was closed ends sooner."""


CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


@contextmanager
def _signals_held() -> Iterator[None]:
    """A process that starts inside begins with signals blocked, until it has its handlers: Ctrl-C reaches it, too, and
    it would print a traceback."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # starts with the first process, and handles signals itself
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Child:
    """A new process, spawned: a fork could copy locks that threads of this process hold.

    `attempt` is its current task. `torn`: an interrupt cut off a message, so the connection is useless.
    """

    def __init__(self) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, spelling()), name="mixup-gen-worker", daemon=True)
        try:
            with _signals_held():
                self._process.start()
        finally:
            theirs.close()  # so that the connection ends when the process does
        self.attempt: Attempt[Any] | None = None
        self.torn = False
        self._known: set[int] = set()

    def give(self, attempt: Attempt[Any]) -> None:
        """Send it a task."""
        self.attempt = attempt
        task = attempt.task
        for message in parcels(task.call if isinstance(task, Task) else task, self._known):
            self._send(message)

    def cancel(self) -> None:
        """Make its task raise Stopped at the next checkpoint."""
        self._send(CANCEL)

    def forget(self) -> None:
        """Make it drop the values that tasks shared."""
        self._known.clear()
        self._send(FORGET)

    def _send(self, message: Message) -> None:
        with self._whole(), suppress(ConnectionError):  # it died, as `hear` will report
            self.connection.send(message)

    def hear(self) -> bytes | None:
        """Its answer, or None if it died."""
        with self._whole():
            try:
                return self.connection.recv_bytes()
            except (EOFError, ConnectionError):
                return None

    @contextmanager
    def _whole(self) -> Iterator[None]:
        self.torn = True
        yield
        self.torn = False

    def buried(self) -> Died:
        """After its death: clean up, and say how it died."""
        self._process.join(END_SECONDS)
        code = self._process.exitcode
        self.kill()
        who = f"its worker process {self._process.pid}"
        if code is None:
            return Died(f"{who} no longer answered", crashed=True)
        if code >= 0:
            return Died(f"{who} ended with exit code {code}", crashed=True)
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"  # a real-time one
        if -code in CRASHES:
            return Died(f"{who} crashed ({name})", crashed=True)
        why = ", as the system does where memory runs out" if -code == signal.SIGKILL else ""
        return Died(f"{who} was killed by {name}{why}", crashed=False)

    def kill(self) -> None:
        """Kill it, and remove what its task left half done."""
        self.connection.close()
        self._process.kill()
        self._process.join()
        task = None if self.attempt is None else self.attempt.task
        if isinstance(task, Task) and task.undo is not None:
            with suppress(OSError):  # the disk may be the reason; then the next run cleans up
                task.undo()

    def join(self) -> None:
        """Wait for the end of an idle process whose connection was closed."""
        self._process.join(END_SECONDS)
        self.kill()


class ProcessEngine(Engine):
    """At most `workers` processes, started when needed and kept until `close`. They end with this process, however it
    ends. `report` receives a line for each task that is tried again.
    """

    shares_memory = False
    checkpoint = staticmethod(checkpoint)  # a function of a module, which tasks can take along

    def __init__(self, workers: int, report: Report = ignore) -> None:
        self.workers = workers
        self._report = report
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
            failed.append(attempt.again(child.buried(), True, self._report))
            return []
        child.attempt = None
        self._idle.append(child)
        answer: Answer = pickle.loads(data)
        if answer[0] == "done":
            return [answer[1]]
        _, problem, passes, cause = answer
        problem.__cause__ = cause
        failed.append(attempt.again(problem, passes, self._report))
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
