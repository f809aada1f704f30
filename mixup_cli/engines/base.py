"""What every engine offers, and what it is given. Engines know callables, not images."""

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
"""Takes what the user should know, in one line."""


def tell_nobody(_text: str) -> None:
    """For engines whose user need not know."""


class Stopped(Exception):
    """Raised inside a task when the run is being given up."""


@dataclass(frozen=True)
class Task(Generic[Result]):
    """A callable with a name for messages.

    `undo` is called in the main process when a worker process died on the task: it removes what was left half done.
    `suspect` tells what to do where the task takes its process down again and again.
    """

    name: str
    call: Callable[[], Result]
    undo: Callable[[], None] | None = None
    suspect: str = ""

    def __call__(self) -> Result:
        return self.call()


WAIT_SECONDS = 0.1
"""How long the main thread waits at a time. A signal that comes just before it begins to wait does not wake it: Python
answers it afterwards."""

_keys = count()


class Shared(Generic[Value]):
    """A value that many tasks need: a worker process is sent it once, and not within another one."""

    def __init__(self, value: Value) -> None:
        self.value = value
        self.key = next(_keys)


class Engine(ABC):
    """Runs tasks, `workers` at a time. Tasks that take long call `checkpoint` now and then, so that a run can be
    stopped. As a context it is closed in the end.

    Where an engine does not share memory (`shares_memory`), tasks are pickled, and work on copies of what they hold.
    """

    shares_memory: ClassVar[bool] = True
    workers: int

    @abstractmethod
    def checkpoint(self) -> None:
        """Raises Stopped if another task failed or the user interrupted."""

    @abstractmethod
    def run(self, tasks: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """The tasks' results as they come. A few tasks wait in line at a time, so memory does not grow with their
        number. What may pass is tried again (`attempts`). Any other failure stops the others and is raised here; so is
        an interrupt of the main thread."""

    @abstractmethod
    def close(self) -> None:
        """Give back what is held between runs."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _problem: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()
