"""The engines keep the contract."""

import pytest

from mixup_cli.engines.base import Engine, Report
from mixup_cli.engines.local import LocalEngine
from mixup_cli.engines.processes import ProcessEngine
from tests.clusters.cluster import ray_cluster
from tests.contracts.engine_contract import WORKERS, EngineContract


class TestThreads(EngineContract):
    @classmethod
    def open(cls, report: Report) -> Engine:
        return LocalEngine(WORKERS, report)


class TestProcesses(EngineContract):
    @pytest.fixture(autouse=True)
    def _patience(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """On a machine that stalls, a process may need longer to stop than a user would wait."""
        monkeypatch.setattr("mixup_cli.engines.processes.STOP_SECONDS", 60.0)

    @classmethod
    def open(cls, report: Report) -> Engine:
        return ProcessEngine(WORKERS, report)


class TestRay(EngineContract):
    @classmethod
    def open(cls, report: Report) -> Engine:
        from mixup_cli.engines.ray import Cluster, RayEngine  # takes a second

        return RayEngine(Cluster(ray_cluster().address, WORKERS, takes_gpu=False, identity=str), report)
