"""Worker processes: what they are sent, how they die, and that none is left."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.engines.base import Shared, Task
from mixup_cli.engines.processes import ProcessEngine
from mixup_cli.errors import RepeatedFailureError, StorageError
from mixup_cli.scan.mapped import map_file
from tests.forking.client import Running
from tests.running import child_pids, is_alive, session_pids, start_process, wait_until


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def engine(told: list[str]) -> Iterator[ProcessEngine]:
    with ProcessEngine(1, told.append) as engine:
        yield engine


FOREVER = 1e6
"""A test that waited for it would be ended by the limit of pytest-timeout."""


def kill_self(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(FOREVER)


DEATHS: dict[str, tuple[Callable[[], object], str]] = {
    "SIGKILL": (partial(kill_self, signal.SIGKILL), "was killed by SIGKILL, as the system does where memory runs out"),
    "SIGTERM": (partial(kill_self, signal.SIGTERM), "ended with exit code 143"),
    "real-time signal": (partial(kill_self, 40), "was killed by signal 40"),
    "exit": (partial(os._exit, 3), "ended with exit code 3"),
    "exit 0": (partial(os._exit, 0), "ended with exit code 0"),
    "abort": (os.abort, "crashed (SIGABRT)"),
    "segfault": (partial(ctypes.string_at, 0), "crashed (SIGSEGV)"),
}


def full_disk() -> None:
    try:
        raise OSError(errno.ENOSPC, "full")
    except OSError as problem:
        raise StorageError("there is no room") from problem


def test_the_cause_of_an_error_comes_along(engine: ProcessEngine) -> None:
    """What the system said decides what the user is told."""
    with pytest.raises(StorageError, match="no room") as caught:
        list(engine.run([full_disk]))
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.ENOSPC


def die_first(times: int, death: Callable[[], object], path: Path) -> int:
    with path.open("ab") as file:
        file.write(b".")
    if path.stat().st_size <= times:
        death()
    return os.getpid()


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n == "SIGTERM" else n for n in DEATHS])
def test_a_task_whose_process_dies_is_done_by_another(
    name: str, new_children: Callable[[], list[int]], engine: ProcessEngine, told: list[str], tmp_path: Path
) -> None:
    death, how = DEATHS[name]
    left_behind = tmp_path / "half"
    left_behind.touch()
    first = next(engine.run([os.getpid]))
    second = next(engine.run([Task("shard-7", partial(die_first, 1, death, tmp_path / "calls"), left_behind.unlink)]))
    assert first != second
    assert told == [f"shard-7: its worker process {first} {how}. It is tried again (attempt 2 of 3)."]
    assert not left_behind.exists()
    assert new_children() == [second]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("exit", "Look at it closely"), ("SIGKILL", "Pass a smaller workers, batch_size or shard_bytes")],
)
def test_a_task_that_always_dies_ends_the_run(
    name: str,
    remedy: str,
    new_children: Callable[[], list[int]],
    engine: ProcessEngine,
    told: list[str],
    tmp_path: Path,
) -> None:
    death, how = DEATHS[name]
    task = Task("shard-7", partial(die_first, 9, death, tmp_path / "calls"), suspect="Look at it closely")
    with pytest.raises(RepeatedFailureError) as raised:
        list(engine.run([task]))
    text = str(raised.value)
    assert text.startswith("shard-7: failed 3 times, the last time: its worker process ")
    assert text.endswith(f"{how}. {remedy}, and run the same command again: what is finished is kept.")
    assert (len(told), new_children()) == (2, [])


class Loud:
    """Notes where it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.__dict__ = state
        (self.folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()


def use(shared: Shared[Loud], times: int, calls: Path) -> int:
    """Dies after some calls."""
    assert shared.value.folder.exists()
    return die_first(0 if calls.exists() and calls.stat().st_size != times else 9, partial(os._exit, 1), calls)


def test_shared_values_are_sent_once_to_each_process(engine: ProcessEngine, told: list[str], tmp_path: Path) -> None:
    (tmp_path / "sent").mkdir()
    (tmp_path / "calls").write_bytes(b".")
    shared = Shared(Loud(tmp_path / "sent"))
    used_by = list(engine.run(partial(use, shared, 4, tmp_path / "calls") for _ in range(9)))
    assert len(set(used_by)) == 2
    assert len(told) == 1
    assert len(list((tmp_path / "sent").iterdir())) == 2
    list(engine.run([partial(use, shared, 0, tmp_path / "calls")]))
    assert len(list((tmp_path / "sent").iterdir())) == 3, "and let go of after each run"


class Unwilling(Exception):
    """Cannot be made again from its message."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


def refuse() -> None:
    raise Unwilling(1, 2)


def test_what_cannot_be_pickled_is_told(engine: ProcessEngine) -> None:
    with pytest.raises(RuntimeError, match=r"^Unwilling: 1 and 2"):
        list(engine.run([refuse]))
    with pytest.raises(Exception, match="pickle"):
        list(engine.run([lambda: 1]))
    with pytest.raises(Exception, match="pickle"):
        list(engine.run([partial(open, os.devnull)]))
    assert list(engine.run([partial(int, 5)])) == [5]


def test_failures_tell_where_they_came_from(engine: ProcessEngine) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        list(engine.run([partial(divmod, 1, 0)]))
    assert any("In worker process" in note and "ZeroDivisionError" in note for note in raised.value.__notes__)


def deaf(path: Path) -> None:
    path.touch()
    time.sleep(FOREVER)


def test_a_task_that_does_not_stop_is_killed(
    new_children: Callable[[], list[int]], told: list[str], tmp_path: Path
) -> None:
    left_behind = tmp_path / "half"
    left_behind.touch()

    def tasks() -> Iterator[Callable[[], object]]:
        yield Task("deaf", partial(deaf, tmp_path / "began"), left_behind.unlink)
        wait_until((tmp_path / "began").exists)
        raise LookupError

    with ProcessEngine(2, told.append) as engine:
        with pytest.raises(LookupError):
            list(engine.run(tasks()))
        assert new_children() == []
    assert not left_behind.exists()


def test_a_message_that_an_interrupt_cut_off(
    new_children: Callable[[], list[int]], engine: ProcessEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What follows on that connection would be read as something else."""

    def interrupted(connection: Connection) -> bytes:
        assert os.read(connection.fileno(), 2)
        raise KeyboardInterrupt

    left_behind = tmp_path / "half"
    left_behind.touch()
    with monkeypatch.context() as patched:
        patched.setattr(Connection, "recv_bytes", interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(engine.run([Task("shard-7", os.getpid, left_behind.unlink)]))
    assert not left_behind.exists()
    assert new_children() == []
    assert list(engine.run([partial(int, 3)])) == [3]


def fill(array: NDArray[np.uint8], value: int) -> tuple[int, ...]:
    array[...] += value
    return array.shape


def test_an_array_in_a_file_is_not_copied(engine: ProcessEngine, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(bytes(range(24)))
    array = map_file(tmp_path / "cache", "uint8", (2, 3, 4))
    views = [array, array[1:], np.moveaxis(array, 1, 2), array[..., None], array[:, ::-1, 1::2]]
    shapes = list(engine.run(partial(fill, view, 10) for view in views))
    assert shapes == [view.shape for view in views]
    expected = np.arange(24, dtype=np.uint8).reshape(2, 3, 4) + 30
    expected[1:] += 10
    expected[:, :, 1::2] += 10
    assert (array == expected).all()
    assert list(engine.run([partial(fill, array[[0, 1]], 1)])) == [(2, 3, 4)], "computed from it: a copy"
    assert (array == expected).all()


def test_an_offset_is_kept(engine: ProcessEngine, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(bytes(9000))
    array = np.memmap(tmp_path / "cache", "uint8", "r+", 5001, (100,))
    list(engine.run([partial(fill, array[1:3], 7)]))
    assert (tmp_path / "cache").read_bytes()[5000:5006] == bytes([0, 0, 7, 7, 0, 0])


PARENT = """
import sys, time
from functools import partial
from pathlib import Path
from mixup_cli.engines.processes import ProcessEngine

def work(number):
    Path(str(number)).touch()
    time.sleep(1e6)

if __name__ == "__main__":
    try:
        list(ProcessEngine(2).run([partial(work, 0), partial(work, 1)]))
    except KeyboardInterrupt:
        sys.exit(130)
"""
"""Two processes that work for ever, each of which says so by a file of its number."""


@pytest.fixture
def parent(tmp_path: Path) -> Running:
    (tmp_path / "parent.py").write_text(PARENT)
    return start_process(cwd=tmp_path, script=str(tmp_path / "parent.py"), own_group=True)


MOMENTS: dict[str, Callable[[list[int], Path], bool]] = {
    "one process": lambda children, _: len(children) == 1,
    "two processes": lambda children, _: len(children) == 2,
    "one at work": lambda _, folder: (folder / "0").exists(),
    "both at work": lambda _, folder: (folder / "0").exists() and (folder / "1").exists(),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
def test_an_interrupt_while_processes_start(
    moment: Callable[[list[int], Path], bool], parent: Running, tmp_path: Path
) -> None:
    """It reaches all of them, as in a terminal, and only the main process minds it."""
    wait_until(lambda: moment(child_pids(parent.pid), tmp_path) or (tmp_path / "1").exists())
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.communicate()[1] == ""
    assert parent.returncode == 130
    wait_until(lambda: not session_pids(parent.pid))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_processes_end_with_the_one_that_started_them(number: signal.Signals, parent: Running, tmp_path: Path) -> None:
    wait_until(lambda: MOMENTS["both at work"]([], tmp_path))
    children = child_pids(parent.pid)
    assert len(children) == 2
    parent.send_signal(number)
    parent.communicate()
    wait_until(lambda: not any(map(is_alive, children)))
