"""A worker process: one task after another, until the main process closes the connection or ends."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from queue import SimpleQueue
from types import FrameType
from typing import Any, Literal, TypeAlias

from mixup_cli.engines.base import Stopped, may_pass
from mixup_cli.engines.parcels import Message, Unpacking
from mixup_cli.wording import Spelling, spelled

Failed: TypeAlias = tuple[Literal["failed"], Exception, bool, Exception | None]
"""Why a task failed, whether that may pass, and its cause, which pickling would lose."""

Answer: TypeAlias = tuple[Literal["done"], Any] | Failed
"""A task's result, or why it failed."""

TERMINATED_SECONDS = 3.0
"""When SIGTERM goes to all processes, the main one stops its workers well before this."""

_cancelled = threading.Event()


def checkpoint() -> None:
    """Raises Stopped within a task that the main process cancelled."""
    if _cancelled.is_set():
        raise Stopped


def serve(connection: Connection, spelling: Spelling) -> None:
    """Run the tasks that come over `connection`. The end of the connection ends the process, even during a task: then
    the main process is gone. `spelling` is how messages name settings."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the main one decides
    signal.signal(signal.SIGTERM, _terminate_soon)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))  # see `processes._signals_held`
    inbox: SimpleQueue[Message] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, inbox), name="receive", daemon=True).start()
    unpacking = Unpacking()
    with spelled(spelling):
        while True:
            message = inbox.get()
            if message[0] == "task":
                connection.send_bytes(_answer(unpacking, message[2]))
            else:
                unpacking.take(message)


def _receive(connection: Connection, inbox: SimpleQueue[Message]) -> None:
    """In a thread, so that a running task can be cancelled, and the process ends with the main one."""
    try:
        while True:
            message: Message = connection.recv()
            if message[0] == "cancel":
                _cancelled.set()
                continue
            if message[0] == "task":
                _cancelled.clear()
            inbox.put(message)
    except (EOFError, OSError):
        os._exit(0)


def _answer(unpacking: Unpacking, data: bytes) -> bytes:
    try:
        task: Callable[[], Any] = unpacking.task(data)
        return _pickled(("done", task()))
    except Exception as problem:  # noqa: BLE001  # it is raised in the main process
        return _pickled(failed(problem))


def failed(problem: Exception) -> Failed:
    """The answer after a failure, which is being handled."""
    problem.add_note(f"In worker process {os.getpid()}:\n{traceback.format_exc()}")
    cause = _portable(problem.__cause__) if isinstance(problem.__cause__, Exception) else None
    return "failed", _portable(problem), may_pass(problem), cause


def _portable(problem: Exception) -> Exception:
    """The problem itself if it can be pickled, else a RuntimeError that says the same."""
    try:
        copied = pickle.loads(pickle.dumps(problem))
    except Exception:  # noqa: BLE001  # an exception's own pickling may raise anything
        copied = None
    if type(copied) is type(problem) and str(copied) == str(problem):
        return problem
    return RuntimeError(f"{type(problem).__name__}: {problem}")


def _pickled(answer: Answer) -> bytes:
    return pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)


def _terminate_soon(_signal: int, _frame: FrameType | None) -> None:
    """Give the main process some time to stop this one."""
    timer = threading.Timer(TERMINATED_SECONDS, os._exit, [128 + signal.SIGTERM])
    timer.daemon = True
    timer.start()
