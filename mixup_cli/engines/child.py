"""One worker process, as the main process sees it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, resource_tracker
from typing import Any

from mixup_cli.engines.attempts import Attempt, Died
from mixup_cli.engines.base import Task
from mixup_cli.engines.parcels import CANCEL, FORGET, Message, parcels
from mixup_cli.engines.worker import serve
from mixup_cli.wording import spelling

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
