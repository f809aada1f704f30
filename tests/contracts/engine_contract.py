"""What every engine must do. A test class inherits `EngineContract` and says how its engine is opened.

Tasks are functions of this module, and report through files, so that they can run in another process.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from mixup_cli.engines.base import ATTEMPTS, Engine, Report, Shared, Stopped, Task
from mixup_cli.errors import DataError, RepeatedFailureError, StorageError
from mixup_cli.fields.target import FormMismatch

WORKERS = 2


def after(number: int, other: Path) -> int:
    """Returns when a file exists."""
    while not other.exists():
        time.sleep(0.001)
    return number


def long(folder: Path, checkpoint: Callable[[], None]) -> None:
    """Works until it is stopped, and says so."""
    (folder / "began").touch()
    try:
        while True:
            checkpoint()
            time.sleep(0.001)
    except Stopped:
        (folder / "stopped").touch()
        raise


def fail(problem: BaseException, folder: Path | None = None) -> None:
    """Fails, as soon as something else has begun."""
    while folder is not None and not (folder / "began").exists():
        time.sleep(0.001)
    raise problem


def calls(path: Path) -> int:
    """How often a task that notes its calls there has been called."""
    return path.stat().st_size if path.exists() else 0


def fail_first(times: int, problem: Exception, path: Path) -> str:
    with path.open("ab") as file:
        file.write(b".")
    if calls(path) <= times:
        raise problem
    return "done"


def store(folder: Path) -> None:
    """Meets what the system says while a file is written."""
    with (folder / "calls").open("ab") as file:
        file.write(b".")
    cause = OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    raise StorageError("a.h5: Connection timed out. Try again.") from cause


def look(shared: Shared[dict[str, int]], key: str) -> int:
    return shared.value[key]


class EngineContract(ABC):
    """Inherit it, and open the engine."""

    @classmethod
    @abstractmethod
    def open(cls, report: Report) -> Engine:
        """An engine of WORKERS workers."""

    @pytest.fixture(scope="class")
    @classmethod
    def told(cls) -> list[str]:
        return []

    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls, told: list[str]) -> Iterator[Engine]:
        """One for all tests: each finds it as the one before has left it."""
        with cls.open(told.append) as engine:
            yield engine

    @pytest.fixture(autouse=True)
    def _forget(self, told: list[str]) -> None:
        told.clear()

    @pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 100])
    def test_every_task_runs_once(self, engine: Engine, count: int) -> None:
        assert sorted(engine.run(partial(int, number) for number in range(count))) == list(range(count))

    def test_results_come_as_they_are_ready(self, engine: Engine, tmp_path: Path) -> None:
        """The first waits until the result of the second was taken."""
        results = engine.run([partial(after, 0, tmp_path / "go"), *(partial(int, number) for number in range(1, 9))])
        others = [next(results) for _ in range(8)]
        (tmp_path / "go").touch()
        assert sorted(others) == list(range(1, 9))
        assert list(results) == [0]

    def test_few_tasks_wait_in_line(self, engine: Engine) -> None:
        made: list[int] = []

        def tasks() -> Iterator[Callable[[], int]]:
            for number in range(100):
                made.append(number)
                yield partial(int, number)

        results = engine.run(tasks())
        next(results)
        assert len(made) <= 4 * WORKERS
        results.close()  # type: ignore[attr-defined]  # it is a generator
        assert list(engine.run([partial(int, 3)])) == [3], "what was given up does not linger"

    def test_a_failure_is_raised_and_stops_the_others(self, engine: Engine, tmp_path: Path) -> None:
        tasks = [partial(long, tmp_path, engine.checkpoint), partial(fail, ValueError("broken"), tmp_path)]
        with pytest.raises(ValueError, match=r"^broken"):
            list(engine.run(tasks))
        assert (tmp_path / "stopped").exists()

    def test_a_failure_among_the_tasks_themselves(self, engine: Engine, tmp_path: Path) -> None:
        def tasks() -> Iterator[Callable[[], object]]:
            yield partial(long, tmp_path, engine.checkpoint)
            fail(LookupError("no more"), tmp_path)

        with pytest.raises(LookupError, match="no more"):
            list(engine.run(tasks()))

    def test_an_interrupt_stops_the_tasks(self, engine: Engine, tmp_path: Path) -> None:
        def interrupt() -> None:
            while not (tmp_path / "began").exists():
                time.sleep(0.001)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            list(engine.run([partial(long, tmp_path, engine.checkpoint)]))
        thread.join()
        assert (tmp_path / "stopped").exists()

    @pytest.mark.parametrize(
        "problem",
        [
            DataError("a.png: cannot decode"),
            FormMismatch("a.png", (3, 4), "uint16"),
            FileNotFoundError(errno.ENOENT, "No such file", "a.png"),
            OSError(errno.ENOSPC, "No space left on device", "a.h5"),
            OSError(errno.EIO, "Input/output error", "a.h5"),
            KeyError("a"),
        ],
        ids=lambda problem: type(problem).__name__,
    )
    def test_failures_keep_type_and_message_and_are_not_tried_again(
        self, engine: Engine, told: list[str], problem: Exception, tmp_path: Path
    ) -> None:
        with pytest.raises(type(problem)) as raised:
            list(engine.run([partial(fail_first, 9, problem, tmp_path / "calls")]))
        assert type(raised.value) is type(problem)
        assert str(raised.value) == str(problem)
        assert vars(raised.value).items() >= vars(problem).items()
        assert calls(tmp_path / "calls") == 1
        assert told == []

    @pytest.mark.parametrize("problem", [OSError(errno.EMFILE, "Too many open files"), MemoryError()], ids=str)
    def test_what_may_pass_is_tried_again(
        self, engine: Engine, told: list[str], problem: Exception, tmp_path: Path
    ) -> None:
        task = Task("shard-7", partial(fail_first, ATTEMPTS - 1, problem, tmp_path / "calls"))
        tasks: list[Callable[[], str]] = [task, partial(str, "other")]
        assert sorted(engine.run(tasks)) == ["done", "other"]
        found = str(problem) or "not enough memory"
        assert told == [f"shard-7: {found}. It is tried again (attempt {number} of {ATTEMPTS})." for number in (2, 3)]

    def test_three_strikes(self, engine: Engine, told: list[str], tmp_path: Path) -> None:
        with pytest.raises(RepeatedFailureError) as raised:
            list(engine.run([Task("shard-7", partial(fail_first, 9, MemoryError(), tmp_path / "calls"))]))
        assert str(raised.value) == (
            "shard-7: failed 3 times, the last time: not enough memory. Pass a smaller workers, batch_size or "
            "shard_bytes, and run the same command again: what is finished is kept."
        )
        assert (calls(tmp_path / "calls"), len(told)) == (3, 2)

    def test_our_errors_are_tried_again_where_the_system_was_the_cause(self, engine: Engine, tmp_path: Path) -> None:
        with pytest.raises(StorageError, match=r"^a\.h5: Connection timed out"):
            list(engine.run([partial(store, tmp_path)]))
        assert calls(tmp_path / "calls") == ATTEMPTS

    def test_large_results(self, engine: Engine) -> None:
        sizes = [len(each) for each in engine.run(partial(bytes, 30_000_000) for _ in range(3))]
        assert sizes == [30_000_000] * 3

    def test_shared_values(self, engine: Engine) -> None:
        shared = Shared({"a": 1, "b": 2})
        assert sorted(engine.run(partial(look, shared, key) for key in "abab")) == [1, 1, 2, 2]

    def test_nothing_is_printed(self, engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
        list(engine.run([partial(int, 1)]))
        with pytest.raises(ValueError, match="broken"):
            list(engine.run([partial(fail, ValueError("broken"))]))
        assert capfd.readouterr() == ("", "")
