"""Runs tasks on a Ray cluster: Ray chooses nodes and starts worker processes there. A task whose process or node died
is tried again, as with worker processes of our own. Tasks are pickled, so they hold functions of modules.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

import numpy as np

from mixup_cli.engines.base import WAIT_SECONDS, Attempt, Died, Engine, Report, Result, Task, ignore
from mixup_cli.engines.files import File
from mixup_cli.engines.local import available_cores
from mixup_cli.engines.parcels import pickled
from mixup_cli.engines.ray_worker import STOP_SECONDS, Answer, Order, Setup, checkpoint, first_call
from mixup_cli.errors import ClusterError, UsageError, from_extra
from mixup_cli.wording import setting, spelling

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")  # Ray would print the deaths of workers on our stdout
with from_extra("ray", "it", field="engine", value="ray"):
    import ray
    from ray import exceptions

KILL_SECONDS = 0.2
"""How long Ray may take to report the end of a process."""

NOWHERE = "mixup-gen: no node has this"
"""A resource, for a task that never runs."""

PIECE_BYTES = 64 << 20
"""Files travel through the object store in pieces of this size."""


@dataclass(frozen=True)
class Cluster:
    """Which cluster, and how to use it.

    `address` None is that of RAY_ADDRESS, or else a cluster on this machine that ends with the engine. `workers` is how
    many tasks run at a time (None: as many as the cluster has CPUs, or GPUs if tasks take one). `identity` says what
    must be equal on all nodes, `copies_in` where nodes copy files to.
    """

    address: str | None
    workers: int | None
    takes_gpu: bool
    identity: Callable[[], str]
    copies_in: Path | None = None


class RayEngine(Engine):
    """Connects to a cluster, or uses the one that this process is connected to. `report` receives a line for each task
    that is tried again."""

    shares_memory = False
    shares_files = False
    checkpoint = staticmethod(checkpoint)  # a function of a module, which tasks can take along

    def __init__(self, cluster: Cluster, report: Report = ignore) -> None:
        self._cluster = cluster
        self._report = report
        self._expected = cluster.identity()
        self._running: _Running | None = None
        self._session = None if ray.is_initialized() else _connected(cluster)
        unit = "GPU" if cluster.takes_gpu else "CPU"
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        count = int(resources.get(unit, 0))
        if cluster.takes_gpu and not count:
            self.close()
            remedy = f"Pass {setting('device', 'cpu')}."
            raise UsageError("no node of the cluster has a GPU.", remedy, field="device", value="cuda")
        self.workers = cluster.workers or max(1, count)
        self._most = cluster.workers or 2 * self.workers  # Ray queues those for which it has no CPU yet
        self._call = ray.remote(max_retries=0, num_cpus=1, num_gpus=int(cluster.takes_gpu))(first_call())

    def run(self, tasks: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """See `Engine.run`. Ray's own `max_retries` is 0: it would neither undo what is half done nor report."""
        waiting = map(Attempt[Result], tasks)
        self._stop()
        running = self._running = _Running(self._call, _Store(self._setup()))
        try:
            running.start(islice(waiting, self._most))
            while running.attempts:
                for reference in ray.wait([*running.attempts], timeout=WAIT_SECONDS)[0]:
                    attempt, answer = running.attempts.pop(reference), _answer(reference)
                    results, again = self._settled(attempt, answer, running.store)
                    running.start(again or islice(waiting, 1))
                    yield from results
        finally:
            running.stop()

    def _setup(self) -> Setup:
        return Setup(
            run=uuid4().hex,
            spelling=spelling(),
            host=socket.gethostname(),
            folder=os.getcwd(),
            identity=self._cluster.identity,
            expected=self._expected,
            copies_in=self._cluster.copies_in,
        )

    def _settled(
        self, attempt: Attempt[Any], answer: Answer | Died, store: _Store
    ) -> tuple[list[Any], list[Attempt[Any]]]:
        """The result, or the attempt to make next. Raises what does not pass."""
        if isinstance(answer, Died):
            _undo(attempt)
            return [], [attempt.again(answer, True, self._report)]
        match answer:
            case "done", result:
                return [result], []
            case "lacks", File() as file:
                store.put_file(file)
                return [], [attempt]
            case "unfit", str(found):
                raise ClusterError(found, "Install the same versions on every node.")
            case "failed", problem, passes, cause:
                problem.__cause__ = cause
                return [], [attempt.again(problem, passes, self._report)]
        raise ValueError(f"a worker answered {answer!r:.100}")

    def close(self) -> None:
        """Leave the cluster; one that this engine started ends. A run that was given up may still have tasks there."""
        self._stop()
        if self._session is not None:
            ray.shutdown()
            self._remove_session()

    def _stop(self) -> None:
        """Stop a run that was given up half-way, if its generator is not closed yet."""
        if self._running is not None:
            self._running.stop()

    def _remove_session(self) -> None:
        if self._session:
            shutil.rmtree(self._session, ignore_errors=True)

    def __exit__(
        self, kind: type[BaseException] | None, _problem: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is None or issubclass(kind, Exception):
            self.close()
        else:  # an interrupt: Ray takes more than a second to shut down, and its processes end with this one
            self._remove_session()


def _connected(cluster: Cluster) -> str:
    """Connect. Returns the folder of the session if this process starts the cluster, else an empty text."""
    address = cluster.address or os.environ.get("RAY_ADDRESS") or "local"
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL, "include_dashboard": False}
    if address == "local":
        quiet["num_cpus"] = cluster.workers or available_cores()
    elif address.startswith("ray://"):
        remedy = "Run this on a node of the cluster, and pass HOST:PORT or auto."
        raise UsageError("Ray Client is not supported.", remedy, field="ray_address", value=address)
    where = setting("ray_address", address) if cluster.address else f"RAY_ADDRESS={address}"
    try:
        if address not in ("local", "auto"):
            _knock(address)
        context: Any = ray.init(address, **quiet)
    except (RuntimeError, ValueError, OSError) as problem:
        why = " ".join(str(problem).split())[:300]
        if address == "local":
            remedy = f"Fix that, or pass {setting('engine', 'processes')}."
            raise ClusterError(f"Ray does not start on this machine ({why}).", remedy) from problem
        remedy = (
            "Start one (ray start --head; if it uses tokens, set RAY_AUTH_MODE=token), or leave it out for one here."
        )
        raise ClusterError(f"{where}: no Ray cluster to use there ({why}).", remedy) from problem
    return str(context.address_info["session_dir"]) if address == "local" else ""


def _knock(address: str) -> None:
    """Raises OSError or ValueError if nothing listens there: Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()):
        raise ValueError("it is neither auto nor HOST:PORT, such as 10.0.0.7:6379")
    socket.create_connection((host.strip("[]"), int(port)), 10.0).close()


@dataclass
class _Running:
    """The tasks of one run that Ray has.

    `ray.cancel` is not used on them: Ray 2.60 ends the driver where a task ends at the same moment ("Tried to complete
    task that was not pending"). Instead workers wait for the result of a task that no node can run, which only ends by
    being cancelled.
    """

    call: Any
    store: _Store
    attempts: dict[Any, Attempt[Any]] = field(default_factory=dict)
    is_over: bool = False

    @cached_property
    def _stopping(self) -> Any:
        return ray.remote(max_retries=0, num_cpus=0, resources={NOWHERE: 1})(checkpoint).remote()

    def start(self, attempts: Iterable[Attempt[Any]]) -> None:
        """Give Ray tasks."""
        for attempt in attempts:
            run, order = self.store.setup.run, self.store.order(attempt)
            self.attempts[self.call.remote(run, [self.store.setup_reference, self._stopping], order)] = attempt

    def stop(self) -> None:
        """End the run: the tasks that are left stop at their next checkpoint, or their processes end."""
        if self.is_over:
            return
        self.is_over = True
        ray.cancel(self._stopping)
        left = [*self.attempts]
        late = ray.wait(left, num_returns=len(left), timeout=STOP_SECONDS + KILL_SECONDS)[1] if left else []
        for reference, attempt in self.attempts.items():
            if reference in late or _is_dead(reference):
                _undo(attempt)


def _is_dead(reference: Any) -> bool:
    """Whether the process of a task that is over died."""
    try:
        return isinstance(_answer(reference), Died)
    except Exception:  # noqa: BLE001  # whatever Ray says now, another problem is being reported
        return True


@dataclass
class _Store:
    """What one run has put into Ray's object store: each value once. References in lists are not fetched by Ray."""

    setup: Setup
    _shared: dict[int, Any] = field(default_factory=dict)
    _files: dict[File, Any] = field(default_factory=dict)

    @cached_property
    def setup_reference(self) -> Any:
        return _put(pickled(self.setup)[0])

    def order(self, attempt: Attempt[Any]) -> Order:
        """What a worker is sent for an attempt."""
        task = attempt.task
        sight = task.sight if isinstance(task, Task) else None
        data, met = pickled(task.call if isinstance(task, Task) else task)
        for shared in met:
            if shared.key not in self._shared:
                self._shared[shared.key] = _put(pickled(shared.value)[0])
        references = {shared.key: self._shared[shared.key] for shared in met}
        files = [(pickled(file)[0], pieces) for file, pieces in self._files.items()]
        return data, references, files, pickled(sight)[0]

    def put_file(self, file: File) -> None:
        """Put a file that tasks map, in pieces. Ray moves to its disk what does not fit into memory."""
        if file not in self._files:
            whole = np.memmap(file.path, np.uint8, "r")
            pieces = [_put(whole[start : start + PIECE_BYTES]) for start in range(0, len(whole), PIECE_BYTES)]
            self._files[file] = ray.put(pieces)


def _put(data: Any) -> Any:
    """Bytes in the object store, as an array, of which no process makes a copy."""
    return ray.put(np.frombuffer(data, np.uint8))


def _answer(reference: Any) -> Answer | Died:
    """What a worker answered, or how it died."""
    try:
        answer: Answer = ray.get(reference)
        return answer
    except exceptions.OutOfMemoryError:
        return Died("Ray ended its worker process, because memory ran out on its node", crashed=False)
    except exceptions.WorkerCrashedError:
        return Died("its worker process died: it crashed, or the system killed it where memory ran out", crashed=True)
    except (exceptions.NodeDiedError, exceptions.ObjectLostError):
        return Died("its node is gone", crashed=False)
    except exceptions.RayTaskError:
        raise
    except exceptions.RayError as problem:
        found = " ".join(str(problem).split())[:300]
        raise ClusterError(f"Ray reports: {found}.", "Fix that, and run the same command again.") from problem


def _undo(attempt: Attempt[Any]) -> None:
    """Remove what a task left half done when its process died."""
    if isinstance(attempt.task, Task) and attempt.task.undo is not None:
        with suppress(OSError):  # the disk may be the reason; then the next run cleans up
            attempt.task.undo()
