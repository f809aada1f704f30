"""The interface of every engine, and of the tasks that it runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import ClassVar, Generic, Self, TypeVar

Result = TypeVar("Result")
Value = TypeVar("Value")

Tell = Callable[[str], None]
"""Takes one line for the user."""


def tell_nobody(_text: str) -> None:
    """Drops the line."""


class Stopped(Exception):
    """Raised inside a task when the run stops."""


@dataclass(frozen=True)
class Task(Generic[Result]):
    """A callable with a name for messages.

    `undo` is called in the main process when a worker process died during the task: it removes what is half done.
    `suspect` says what the user should do if the task crashes its process every time.
    """

    name: str
    call: Callable[[], Result]
    undo: Callable[[], None] | None = None
    suspect: str = ""

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

    An engine that does not share memory (`shares_memory`) pickles tasks, which then work on copies.
    """

    shares_memory: ClassVar[bool] = True
    workers: int

    @abstractmethod
    def checkpoint(self) -> None:
        """Raises Stopped if another task failed or the user interrupted the run."""

    @abstractmethod
    def run(self, tasks: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """The results as they come. Few tasks are taken ahead, so memory does not grow with their number. Failures that
        may pass are tried again (`attempts`). Any other failure, or an interrupt of the main thread, stops all tasks
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
