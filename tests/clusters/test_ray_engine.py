"""The Ray engine on three nodes: what they are sent, what they lack, and how they die."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixup_cli.engines.base import EVERYWHERE, Engine, Shared, Sight, Task
from mixup_cli.errors import ClusterError, RepeatedFailureError, StorageError, UsageError
from mixup_cli.scan.mapped import map_file
from tests.clusters.cluster import IS_BLIND, SEES_ALL, RayCluster
from tests.running import wait_until


@pytest.fixture
def told() -> list[str]:
    return []


def opened(cluster: RayCluster, told: list[str], **how: Any) -> Engine:
    from mixup_cli.engines.ray import Cluster, RayEngine  # takes a second

    settings: dict[str, Any] = {"workers": None, "takes_gpu": False, "identity": str, **how}
    return RayEngine(Cluster(cluster.address, **settings), told.append)


@pytest.fixture
def engine(cluster: RayCluster, told: list[str]) -> Iterator[Engine]:
    with opened(cluster, told) as engine:
        yield engine


def met(folder: Path, value: Any) -> tuple[str, Any]:
    """Waits until it runs on three hosts at a time; then what `value` gives on this one."""
    (folder / socket.gethostname()).touch()
    wait_until(lambda: len([*folder.iterdir()]) == 3)
    return socket.gethostname(), value()


def on_each(engine: Engine, folder: Path, value: Any) -> dict[str, Any]:
    """What a callable gives on each host."""
    folder.mkdir()
    return dict(engine.run([partial(met, folder, value)] * engine.workers))


def looked_at(shared: Shared[Any]) -> tuple[int, bool]:
    array = shared.value[3:]
    return int(array.sum()), array.base.base.filename.startswith("/proc/")


def test_hosts_map_the_file_itself_or_a_copy(engine: Engine, tmp_path: Path) -> None:
    assert engine.workers == 4
    expected = 0
    for run in range(2):  # the second file has the name of the first, and perhaps its inode
        array = map_file(new_file(tmp_path / "samples", 100), "<i8", (100,))
        array[:] = np.arange(100) + run
        expected = int(array[3:].sum())
        found = on_each(engine, tmp_path / f"hosts-{run}", partial(looked_at, Shared(array)))
        assert found == {
            socket.gethostname(): (expected, False),
            SEES_ALL: (expected, True),
            IS_BLIND: (expected, True),
        }


def new_file(path: Path, count: int) -> Path:
    path.unlink(missing_ok=True)
    path.write_bytes(bytes(8 * count))
    return path


def host() -> str:
    return f"numpy 1; host {socket.gethostname()}"


def test_a_node_with_other_versions_is_named(cluster: RayCluster, told: list[str], tmp_path: Path) -> None:
    with opened(cluster, told, identity=host) as engine, pytest.raises(ClusterError) as raised:
        on_each(engine, tmp_path / "hosts", str)
    assert str(raised.value) in {
        f"node {name}: has host {name}, and this run has host {socket.gethostname()}. Install the same versions on "
        "every node."
        for name in (SEES_ALL, IS_BLIND)
    }


def test_a_node_without_mixup_gen_is_named() -> None:
    """The code that runs there first needs nothing of ours."""
    from ray import cloudpickle

    from mixup_cli.engines.ray_worker import first_call

    script = "import pickle, sys; sys.modules['mixup_cli'] = None; print(pickle.load(sys.stdin.buffer)('', [], ()))"
    sent: bytes = cloudpickle.dumps(first_call())  # type: ignore[no-untyped-call]
    ended = subprocess.run([sys.executable, "-c", script], input=sent, capture_output=True, check=True)
    assert ended.stdout.decode().startswith(
        f"('unfit', \"node {socket.gethostname()}: cannot import mixup_cli (No module"
    )


def stay(checkpoint: Callable[[], None]) -> None:
    """Works until it is stopped."""
    while True:
        checkpoint()
        time.sleep(0.01)


def test_a_task_whose_node_sees_another_folder(engine: Engine, cluster: RayCluster, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    seen.write_bytes(b"this run")
    assert [*engine.run([Task("a", partial(int, 3), sight=Sight(seen, b"this run"))])] == [3]
    with pytest.raises(StorageError) as raised:
        list(engine.run([Task("a", partial(int, 3), sight=Sight(seen, b"another run"))]))
    assert str(raised.value).endswith(f"{seen}: another file is there. {EVERYWHERE}")
    hidden = cluster.hidden / "seen"
    hidden.write_bytes(b"this run")
    tasks = [Task("a", partial(stay, engine.checkpoint), sight=Sight(hidden, b"this run"))] * engine.workers
    with pytest.raises(StorageError) as raised:
        list(engine.run(tasks))
    assert str(raised.value) == f"node {IS_BLIND}: {hidden}: No such file or directory. {EVERYWHERE}"


def die_first(times: int, death: Callable[[], object], calls: Path) -> str:
    with calls.open("ab") as file:
        file.write(b".")
    if calls.stat().st_size <= times:
        death()
    return "done"


@pytest.mark.parametrize("death", [os.abort, pytest.param(partial(os._exit, 0), marks=pytest.mark.slow)])
def test_a_task_whose_process_dies_is_done_by_another(
    death: Callable[[], object], engine: Engine, told: list[str], tmp_path: Path
) -> None:
    left_behind = tmp_path / "half"
    left_behind.touch()
    task = Task("shard-7", partial(die_first, 1, death, tmp_path / "calls"), left_behind.unlink)
    assert [*engine.run([task])] == ["done"]
    assert told == [
        "shard-7: its worker process died: it crashed, or the system killed it where memory ran out. It is tried again "
        "(attempt 2 of 3)."
    ]
    assert not left_behind.exists()


@pytest.mark.slow
def test_a_task_that_always_dies_ends_the_run(engine: Engine, told: list[str], tmp_path: Path) -> None:
    task = Task("shard-7", partial(die_first, 9, os.abort, tmp_path / "calls"), suspect="Look at it closely")
    with pytest.raises(RepeatedFailureError, match=r"^shard-7: failed 3 times, .* Look at it closely, and run "):
        list(engine.run([task]))
    assert len(told) == 2


def deaf(began: Path) -> None:
    began.touch()
    time.sleep(1e6)


def test_a_task_that_does_not_stop_is_killed(cluster: RayCluster, told: list[str], tmp_path: Path) -> None:
    left_behind, began = tmp_path / "half", tmp_path / "began"
    left_behind.touch()

    def tasks() -> Iterator[Callable[[], object]]:
        yield Task("deaf", partial(deaf, began), left_behind.unlink)
        while not began.exists():
            yield partial(int, 1)
        os.kill(os.getpid(), signal.SIGINT)

    with opened(cluster, told) as engine:
        with pytest.raises(KeyboardInterrupt):
            list(engine.run(tasks()))
        assert not left_behind.exists()
        assert len([*engine.run([partial(int, 1)] * 9)]) == 9, "no worker is lost"


def test_a_cluster_without_a_gpu(cluster: RayCluster, told: list[str]) -> None:
    with pytest.raises(UsageError, match=r"^device=cuda: no node of the cluster has a GPU\. Pass device=cpu\."):
        opened(cluster, told, takes_gpu=True)
