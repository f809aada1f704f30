"""The Ray engine in a worker process of Ray, which has one task at a time."""

from __future__ import annotations

import os
import pickle
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mixup_cli.engines import worker
from mixup_cli.engines.base import EVERYWHERE, Sight, Stopped
from mixup_cli.engines.copies import copy_here, forget_copies
from mixup_cli.engines.files import File, MissingFileError
from mixup_cli.engines.parcels import Unpacking
from mixup_cli.errors import NoInputError, StorageError
from mixup_cli.wording import Spelling, setting, spelled

Answer: TypeAlias = worker.Answer | tuple[Literal["lacks"], File] | tuple[Literal["unfit"], str]
"""As from other worker processes; or a file of which this host needs a copy; or why this node is of no use."""


@dataclass(frozen=True)
class Setup:
    """What all tasks of a run have in common: how messages name settings, the driver's host and current folder, what
    must be equal on all nodes and what it is there, and the folder for copies of the driver's files."""

    run: str
    spelling: Spelling
    host: str
    folder: str
    identity: Callable[[], str]
    expected: str
    copies_in: Path | None


Order: TypeAlias = tuple[bytes, Mapping[int, Any], Sequence[tuple[bytes, Any]], bytes]
"""A pickled task; references to the shared values in it, by their keys; files, pickled, with a reference to the list of
their pieces; and what the task's node must see (`Sight`), pickled. Nothing that only mixup_cli can read: the node may
lack it."""


@dataclass
class _State:
    """What this process keeps from task to task of one run. `stopped`: the driver gave the run up; `idle`: no task is
    under way."""

    setup: Setup
    unpacking: Unpacking = field(default_factory=Unpacking)
    known: set[int] = field(default_factory=set)
    is_fit: bool = False
    stopped: threading.Event = field(default_factory=threading.Event)
    idle: threading.Event = field(default_factory=threading.Event)

    def watch(self, wait: Callable[[], object]) -> None:
        """In a thread: note when the run stops, and end this process if its task does not stop soon."""
        wait()
        self.stopped.set()
        if not self.idle.wait(STOP_SECONDS):
            os._exit(1)


STOP_SECONDS = 0.4
"""How long a task may take to reach a checkpoint when the run stops. The rest of `signals.GRACE_SECONDS` is for the
driver to hear of it, and to clean up."""

_state: _State | None = None


def checkpoint() -> None:
    """Raises Stopped within a task of a run that the driver gave up."""
    if _state is not None and _state.stopped.is_set():
        raise Stopped


def first_call() -> Callable[..., Any]:
    """The function that Ray calls on a node. It belongs to no module, so its code is sent along, and can say that
    mixup_cli is not there."""

    def call(run: str, of_run: Any, order: Any) -> Any:
        import socket

        import ray

        try:
            from mixup_cli.engines.ray_worker import serve
        except ImportError as problem:
            return "unfit", f"node {socket.gethostname()}: cannot import mixup_cli ({problem})."
        return serve(run, of_run, order, ray)

    return call


def serve(run: str, of_run: Sequence[Any], order: Order, ray: Any) -> Answer:
    """Carry out an order. `of_run` are references to the pickled `Setup` and to what is ready when the run stops."""
    state = _state_of(run, of_run, ray)
    state.idle.clear()
    try:
        with spelled(state.setup.spelling):
            return _answer(state, order, ray.get)
    finally:
        state.idle.set()


def _state_of(run: str, of_run: Sequence[Any], ray: Any) -> _State:
    """The state of this run; what is left of another one goes."""
    global _state  # noqa: PLW0603  # a process has one
    if _state is None or _state.setup.run != run:
        _state = None
        forget_copies()
        setup, stop = of_run
        _state = _State(pickle.loads(ray.get(setup)))
        with suppress(OSError):  # where it is missing, the first relative path will be, too
            os.chdir(_state.setup.folder)
        threading.Thread(target=_state.watch, args=(partial(ray.wait, [stop]),), name="watch", daemon=True).start()
    return _state


def _answer(state: _State, order: Order, get: Callable[[Any], Any]) -> Answer:
    if not state.is_fit and (found := _misfit(state.setup)):
        return "unfit", found
    state.is_fit = True
    try:
        try:
            task = _task(state, order, get)
        except (AttributeError, ImportError) as problem:  # other code under the same version
            return "unfit", f"node {socket.gethostname()}: cannot read the tasks of this run ({problem})."
        checkpoint()
        return "done", task()
    except MissingFileError as missing:
        return "lacks", missing.file
    except Exception as problem:  # noqa: BLE001  # it is raised in the main process
        return worker.failed(_of_node(problem, state.setup))


def _misfit(setup: Setup) -> str | None:
    """How this node differs from the driver, if it does."""
    found, expected = (text.split("; ") for text in (setup.identity(), setup.expected))
    pairs = [pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1]]
    if not pairs:
        return None
    theirs, ours = pairs[-1]  # versions come last, and explain other differences
    return f"node {socket.gethostname()}: has {theirs}, and this run has {ours}."


def _task(state: _State, order: Order, get: Callable[[Any], Any]) -> Callable[[], Any]:
    """The task, unpickled, with what it needs. Raises MissingFileError, StorageError and what unpickling raises."""
    task, shared, files, sight = order
    _look(pickle.loads(sight))
    for key, reference in shared.items():
        if key not in state.known:
            state.known.add(key)
            state.unpacking.take(("share", key, get(reference)))
    for file, pieces in files:
        _copy(pickle.loads(file), pieces, state.setup, get)
    return state.unpacking.task(task)


def _look(sight: Sight | None) -> None:
    """Raises StorageError if this node does not see what it must."""
    if sight is None:
        return
    try:
        found = sight.path.read_bytes()
    except OSError as problem:
        raise StorageError(f"{sight.path}: {problem.strerror}.", EVERYWHERE) from problem
    if found != sight.content:
        raise StorageError(f"{sight.path}: another file is there.", EVERYWHERE)


def _copy(file: File, pieces: Any, setup: Setup, get: Callable[[Any], Any]) -> None:
    try:
        file.here()
    except MissingFileError:
        try:
            copy_here(file, setup.run, map(get, get(pieces)), setup.copies_in)
        except OSError as problem:
            where = setup.copies_in or "the folder of temporary files"
            remedy = f"Make room there, or pass {setting('cache_folder')}, a folder of that node."
            raise StorageError(f"{where}: cannot copy the decoded samples ({problem}).", remedy) from problem


def _of_node(problem: Exception, setup: Setup) -> Exception:
    """The problem; if it is one of files on another host than the driver's, with that host's name."""
    host = socket.gethostname()
    if not isinstance(problem, StorageError | NoInputError) or host == setup.host:
        return problem
    named = type(problem)(f"node {host}: {problem.found}", problem.remedy, problem.fields, problem.value)
    named.__cause__ = problem.__cause__
    return named
