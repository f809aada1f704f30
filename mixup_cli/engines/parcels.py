"""Messages from the main process to a worker process: pickled tasks, and each shared value before the first task that
needs it."""

from __future__ import annotations

import copyreg
import pickle
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, Literal, TypeAlias

from mixup_cli.engines.base import Shared

Message: TypeAlias = tuple[Literal["task", "share", "forget", "cancel"], int, bytes]
"""Its kind; the key of what is shared; and the pickled task or value."""

FORGET: Message = ("forget", 0, b"")
CANCEL: Message = ("cancel", 0, b"")

_reducers: dict[type, Callable[[Any], tuple[Any, ...]]] = {}


def reduce_with(kind: type, reducer: Callable[[Any], tuple[Any, ...]]) -> None:
    """Set how objects of exactly this type are pickled for worker processes only, as `copyreg.pickle` does for all."""
    _reducers[kind] = reducer


def parcels(task: Callable[[], object], known: set[int]) -> Iterator[Message]:
    """The messages that bring a task to a worker with the shared values `known`, and the values that it lacks."""
    data, met = pickled(task)
    for shared in met:
        if shared.key not in known:
            known.add(shared.key)
            yield "share", shared.key, pickled(shared.value)[0]
    yield "task", 0, data


def pickled(value: object) -> tuple[bytes, list[Shared[Any]]]:
    """A value for a worker process, and the shared values in it, of which it holds the keys."""
    pickler = _Pickler()
    return pickler.pickled(value), pickler.met


class _Pickler(pickle.Pickler):
    """Pickles a shared value as its key, and notes it in `met`."""

    def __init__(self) -> None:
        self._file = BytesIO()
        super().__init__(self._file, pickle.HIGHEST_PROTOCOL)
        self.dispatch_table = {**copyreg.dispatch_table, **_reducers}
        self.met: list[Shared[Any]] = []

    def pickled(self, value: object) -> bytes:
        self.dump(value)
        return self._file.getvalue()

    def persistent_id(self, value: object) -> int | None:
        if not isinstance(value, Shared):
            return None
        self.met.append(value)
        return value.key


class Unpacking:
    """The worker's side: the shared values that it received, each unpickled when a task first needs it."""

    def __init__(self) -> None:
        self._sent: dict[int, bytes] = {}
        self._values: dict[int, Shared[Any]] = {}

    def take(self, message: Message) -> None:
        """Note a message other than a task."""
        kind, key, data = message
        if kind == "forget":
            self._sent.clear()
            self._values.clear()
        elif kind == "share":
            self._sent[key] = data

    def task(self, data: bytes) -> Callable[[], Any]:
        """A task from its bytes. Raises whatever unpickling raises."""
        unpickler = _Unpickler(BytesIO(data))
        unpickler.find_shared = self._shared
        task: Callable[[], Any] = unpickler.load()
        return task

    def _shared(self, key: int) -> Shared[Any]:
        if key not in self._values:
            self._values[key] = Shared(pickle.loads(self._sent[key]))
            del self._sent[key]
        return self._values[key]


class _Unpickler(pickle.Unpickler):
    find_shared: Callable[[int], Shared[Any]]

    def persistent_load(self, key: int) -> Shared[Any]:
        return self.find_shared(key)
