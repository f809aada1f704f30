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
"""A process whose connection has come to its end is gone in less."""

CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


@contextmanager
def _signals_held() -> Iterator[None]:
    """A process that starts inside begins with signals held back, until it knows what to do about them: Ctrl-C reaches
    it too, and it would say so at length."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # started with the first process, and lets go of signals by itself
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Child:
    """A new process. It is never forked from this one, whose threads may hold locks at that moment.

    `attempt` is what it is at work on. `torn` is true where an interrupt has cut off a message, so that the rest of the
    connection is of no use.
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
        """Have its task raise Stopped at the next checkpoint."""
        self._send(CANCEL)

    def forget(self) -> None:
        """Have it let go of the values that tasks shared."""
        self._known.clear()
        self._send(FORGET)

    def _send(self, message: Message) -> None:
        with self._whole(), suppress(ConnectionError):  # it has died, and `hear` will tell
            self.connection.send(message)

    def hear(self) -> bytes | None:
        """What it answers, or None if it has died."""
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
        """After its end: clear up what it left, and tell how the end came."""
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
        """End it at once, and clear up what its task left half done."""
        self.connection.close()
        self._process.kill()
        self._process.join()
        task = None if self.attempt is None else self.attempt.task
        if isinstance(task, Task) and task.undo is not None:
            with suppress(OSError):  # the disk may be why it ended; the next run clears up then
                task.undo()

    def join(self) -> None:
        """Wait for the end of an idle process whose connection was closed."""
        self._process.join(END_SECONDS)
        self.kill()
