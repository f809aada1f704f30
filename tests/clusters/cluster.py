"""A Ray cluster of three nodes on this machine, two of which are like other hosts: namespaces of Linux give them host
names and processes of their own, and one of them does not see a folder. To end its first process ends such a node."""

from __future__ import annotations

import atexit
import logging
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.running import LAST_RESORT_SECONDS, wait_until

SEES_ALL, IS_BLIND = "node-b", "node-c"
PRIVATE = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
MEMORY_BYTES = 100_000_000
ROOT = Path(__file__).parents[2]
RAY = Path(sys.executable).with_name("ray")


@cache
def as_other_host() -> list[str] | None:
    """The command that runs another one as on another host, or None where this system allows none."""
    for command in (PRIVATE, [*PRIVATE, "--map-root-user"]):
        try:
            ended = subprocess.run([*command, "hostname", SEES_ALL], capture_output=True, check=False)
        except FileNotFoundError:
            return None
        if ended.returncode == 0:
            return command
    return None


class RayCluster:
    """The head of the cluster on this host, with two cores, and both others. `hidden` is the folder that one of them
    does not see."""

    def __init__(self, hidden: Path) -> None:
        from ray.cluster_utils import Cluster

        self.hidden = hidden
        self._environment = dict(os.environ)
        head: dict[str, Any] = {"num_cpus": 2, "include_dashboard": False, "object_store_memory": MEMORY_BYTES}
        head["_system_config"] = {"health_check_period_ms": 200}  # a node that died is found after five of them
        self._cluster: Any = Cluster(initialize_head=True, head_node_args=head)
        self.address = str(self._cluster.address)
        self._others: dict[str, subprocess.Popen[bytes]] = {}
        if as_other_host() is not None:
            for name in (SEES_ALL, IS_BLIND):
                self._begin(name)
            self._wait()

    @property
    def has_others(self) -> bool:
        return bool(self._others)

    def begin(self, name: str) -> None:
        """Start a node, and wait until it has joined. The one that had its name has left by then."""
        self._wait()
        self._begin(name)
        self._wait()

    def _begin(self, name: str) -> None:
        script = [f"hostname {name}", "mount -t tmpfs none /tmp/ray"]  # Ray's files, which hosts do not share
        if name == IS_BLIND:
            script.append(f"mount -t tmpfs none {shlex.quote(str(self.hidden))}")
        start = [RAY, "start", "--block", f"--address={self.address}", "--num-cpus=1"]
        script.append(shlex.join(map(str, ["exec", *start, f"--object-store-memory={MEMORY_BYTES}"])))
        self._others[name] = subprocess.Popen(
            [*(as_other_host() or []), "sh", "-ec", "\n".join(script)],
            env={
                **self._environment,
                "TMPDIR": "/tmp/ray",
                "RAY_raylet_start_wait_time_s": str(int(LAST_RESORT_SECONDS)),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self, name: str) -> None:
        """End a node with all its processes, as a power cut does. The cluster counts it until it misses it."""
        self._others[name].kill()
        self._others.pop(name).wait()

    def _wait(self) -> None:
        nodes: Callable[[], list[dict[str, Any]]] = self._cluster.global_state.node_table
        wait_until(lambda: sum(node["Alive"] for node in nodes()) == 1 + len(self._others))

    @contextmanager
    def busy_but_for(self, name: str, folder: Path) -> Iterator[None]:
        """Within the context, only this node has a core to spare. This process is connected to the cluster."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

        ray.init(self.address, log_to_driver=False, logging_level=logging.CRITICAL, include_dashboard=False)
        hold: Any = ray.remote(max_retries=0)(_hold)
        held: list[Any] = []
        nodes: Callable[[], list[dict[str, Any]]] = ray.nodes
        for node in nodes():
            if node["Alive"] and node["NodeManagerHostname"] != name:
                for _ in range(int(node["Resources"]["CPU"])):
                    place = folder / str(len(held))
                    held.append(hold.options(scheduling_strategy=On(node["NodeID"], soft=False)).remote(place))
        wait_until(lambda: all((folder / str(number)).exists() for number in range(len(held))))
        try:
            yield
        finally:
            for number in range(len(held)):
                (folder / str(number)).unlink()
            ray.get(held)
            ray.shutdown()

    def close(self) -> None:
        for name in [*self._others]:
            self.kill(name)
        session = self._cluster.head_node.get_session_dir_path()
        self._cluster.shutdown()
        shutil.rmtree(session, ignore_errors=True)


def _hold(place: Path) -> None:
    """Takes a core while a file exists."""
    place.touch()
    wait_until(lambda: not place.exists())


@cache
def ray_cluster() -> RayCluster:
    """One for all tests of this process, started when the first one asks for it."""
    os.environ.update({"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"})  # no token in the home folder
    hidden = Path(tempfile.mkdtemp(prefix="hidden-"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)  # tasks of tests are functions of test modules
        cluster = RayCluster(hidden)

    def end() -> None:
        cluster.close()
        shutil.rmtree(hidden)

    atexit.register(end)
    return cluster
