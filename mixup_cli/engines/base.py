"""The interface of every engine, the tasks that it runs, and the rule which failed tasks are tried again."""

from __future__ import annotations

import errno
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Generic, Self, TypeVar

from mixup_cli.errors import RepeatedFailureError
from mixup_cli.wording import setting

Result = TypeVar("Result")
Value = TypeVar("Value")

Report = Callable[[str], None]
"""Takes one line for the user."""


def ignore(_text: str) -> None:
    """Drops the line."""


class Stopped(Exception):
    """Raised inside a task when the run stops."""


EVERYWHERE = "Use a folder that every node sees under the same path."
"""What to do where a task does not find a file on its node."""


@dataclass(frozen=True)
class Sight:
    """A file that another host must see as this one does, since a task writes beside it."""

    path: Path
    content: bytes


@dataclass(frozen=True)
class Task(Generic[Result]):
    """A callable with a name for messages.

    `undo` is called in the main process when a worker process died during the task: it removes what is half done.
    `suspect` says what the user should do if the task crashes its process every time. `sight` is for engines whose
    workers may be on other hosts.
    """

    name: str
    call: Callable[[], Result]
    undo: Callable[[], None] | None = None
    suspect: str = ""
    sight: Sight | None = None

    def __call__(self) -> Result:
        return self.call()


WAIT_SECONDS = 0.1
"""How long the main thread waits at a time. A signal that comes just before the wait does not end it: Python handles it
afterwards."""

_keys = count()


class Shared(Generic[Value]):
    """A value that many tasks need. Each worker process receives it once. It is not part of another shared value."""

    def __init__(self, value: Value) -> None:
        self.value = value
        self.key = next(_keys)


class Engine(ABC):
    """Runs tasks, `workers` at a time. Long tasks call `checkpoint` now and then, so that a run can be stopped. As a
    context, an engine closes at the end.

    An engine that does not share memory (`shares_memory`) pickles tasks, which then work on copies. Where it does not
    share files either, tasks may run on other hosts: they read copies of files that are mapped here.
    """

    shares_memory: ClassVar[bool] = True
    shares_files: ClassVar[bool] = True
    workers: int

    @abstractmethod
    def checkpoint(self) -> None:
        """Raises Stopped if another task failed or the user interrupted the run."""

    @abstractmethod
    def run(self, tasks: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """The results as they come. Few tasks are taken ahead, so memory does not grow with their number. Failures that
        may pass are tried again (see `Attempt`). Any other failure, or an interrupt of the main thread, stops all tasks
        and is raised here."""

    @abstractmethod
    def close(self) -> None:
        """Release what is held between runs."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _problem: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


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

    def again(self, problem: BaseException, passes: bool, report: Report) -> Attempt[Result]:
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
        report(f"{name}: {found.removesuffix('.')}. It is tried again (attempt {self.number + 1} of {ATTEMPTS}).")
        return replace(self, number=self.number + 1)

    def _remedy(self, problem: MemoryError | Died) -> str:
        if isinstance(problem, Died) and problem.crashed and isinstance(self.task, Task) and self.task.suspect:
            return f"{self.task.suspect}, and {CONTINUE}"
        smaller = f"{setting('workers')}, {setting('batch_size')} or {setting('shard_bytes')}"
        return f"Pass a smaller {smaller}, and {CONTINUE}"
