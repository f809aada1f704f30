"""Which tasks that failed are tried again, and how often. One rule for all engines."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic

from mixup_cli.engines.base import Result, Task, Tell
from mixup_cli.errors import RepeatedFailureError
from mixup_cli.wording import setting

ATTEMPTS = 3

PASSING_ERRNOS = frozenset(
    getattr(errno, name)
    for name in "EAGAIN EBUSY EINTR EMFILE ENFILE ENOBUFS ENOMEM ESTALE ETIMEDOUT EHOSTDOWN EHOSTUNREACH ENETDOWN "
    "ENETUNREACH".split()
    if hasattr(errno, name)
)
"""Errors of a busy system and of network drives. A full or a failing disk (EIO) should be reported at once."""

CONTINUE = "run the same command again: what is finished is kept"


class Died(Exception):
    """A worker process ended while it had a task. The text says which and how; `crashed`: it was not killed from
    outside."""

    def __init__(self, text: str, crashed: bool) -> None:
        super().__init__(text)
        self.crashed = crashed


def may_pass(problem: BaseException | None) -> bool:
    """Whether a task may succeed when it is tried again.

    Our own errors are about what the user gave, and stay; but the cause of a StorageError is one of the system.
    """
    while problem is not None:
        if isinstance(problem, MemoryError | Died):
            return True
        if isinstance(problem, OSError):
            return problem.errno in PASSING_ERRNOS
        problem = problem.__cause__
    return False


@dataclass(frozen=True)
class Attempt(Generic[Result]):
    """The `number`-th attempt at a task."""

    task: Callable[[], Result]
    number: int = 1

    def again(self, problem: BaseException, passes: bool, tell: Tell) -> Attempt[Result]:
        """The next attempt after one that failed. Raises the problem if it does not pass, or if this was the last."""
        if not passes:
            raise problem
        name = self.task.name if isinstance(self.task, Task) else "a task"
        found = "not enough memory" if isinstance(problem, MemoryError) else str(problem)
        if self.number == ATTEMPTS:
            if isinstance(problem, MemoryError | Died):
                text = f"{name}: failed {ATTEMPTS} times, the last time: {found}. {self._remedy(problem)}."
                raise RepeatedFailureError(text) from problem
            raise problem
        tell(f"{name}: {found.removesuffix('.')}. It is tried again (attempt {self.number + 1} of {ATTEMPTS}).")
        return replace(self, number=self.number + 1)

    def _remedy(self, problem: MemoryError | Died) -> str:
        if isinstance(problem, Died) and problem.crashed and isinstance(self.task, Task) and self.task.suspect:
            return f"{self.task.suspect}, and {CONTINUE}"
        smaller = f"{setting('workers')}, {setting('batch_size')} or {setting('shard_bytes')}"
        return f"Pass a smaller {smaller}, and {CONTINUE}"
