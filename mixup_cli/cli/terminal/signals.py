"""SIGINT and SIGTERM: the command cleans up and ends within about a second.

The first signal raises `Interrupt` in the main thread, so that unfinished files are removed and threads end. A second
one ends the process at once. So does the first after GRACE_SECONDS: a large image may take longer to decode, and an
exception that Python raises in a callback of a C library is lost. The next run removes what is left behind.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

GRACE_SECONDS = 1.0

WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}

AGAIN = "Run the same command again."
CONTINUE = "Run the same command again to continue: finished shards are kept."


class Interrupt(BaseException):
    """A signal asks the command to end."""


class _State:
    """Which signal has come, and what to do about it."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self.unwinds = True
        self.remedy = AGAIN
        self.said = _thread.allocate_lock()  # a signal's handler must not wait for locks of the threads it stops


_state = _State()


def listen() -> None:
    """From now on signals end the command in good order. Signals that are ignored (`nohup`) stay ignored."""
    global _state  # noqa: PLW0603  # signals are the process's own, and tests run many commands in one
    if _state.signal is None:  # else one has come, and its exception may have been lost
        _state = _State()
    for number in WORDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def advise(remedy: str) -> None:
    """Set what to advise if the command that now begins is stopped."""
    _state.remedy = remedy


def nothing_to_unwind() -> None:
    """The command is over: signals end the process at once, for Python shows what is raised at its own end."""
    _state.unwinds = False


def is_asked() -> bool:
    """Whether a signal has come."""
    return _state.signal is not None


def end() -> NoReturn:
    """Say how to go on, once, and end the process without waiting for its threads."""
    number = _state.signal or signal.SIGTERM
    if _state.said.acquire(blocking=False):
        with suppress(OSError):  # stderr may be closed
            os.write(2, f"mixup-gen: {WORDS[number]}. {_state.remedy}\n".encode())
    os._exit(128 + number)


def _stop(number: int, _frame: FrameType | None) -> None:
    is_first = _state.signal is None
    _state.signal = _state.signal or signal.Signals(number)
    if not (is_first and _state.unwinds):
        end()
    shown = sys.unraisablehook

    def hook(lost: Any) -> None:
        if not issubclass(lost.exc_type, Interrupt):
            shown(lost)

    sys.unraisablehook = hook
    _thread.start_new_thread(_end_soon, ())
    raise Interrupt


def _end_soon() -> None:
    time.sleep(GRACE_SECONDS)
    end()
