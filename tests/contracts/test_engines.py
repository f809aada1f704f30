"""The engines keep the contract."""

from mixup_cli.engines.base import Engine, Tell
from mixup_cli.engines.local import LocalEngine
from mixup_cli.engines.processes import ProcessEngine
from tests.contracts.engine_contract import WORKERS, EngineContract


class TestThreads(EngineContract):
    @classmethod
    def open(cls, tell: Tell) -> Engine:
        return LocalEngine(WORKERS, tell)


class TestProcesses(EngineContract):
    @classmethod
    def open(cls, tell: Tell) -> Engine:
        return ProcessEngine(WORKERS, tell)
