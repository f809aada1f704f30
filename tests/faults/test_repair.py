"""`repair` replaces sealed files, so it is killed and let down by the disk before every step, too."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.attempts import Attempt
from tests.faults.cases import DAMAGES, Fallen, check_completed, fall_repairing, told_by_verify
from tests.faults.test_disk import check_told
from tests.running import Runner

SLOW = [pytest.param(name, None, 25, marks=pytest.mark.slow) for name in DAMAGES]


def check_repaired(fallen: Fallen, left: Attempt, damaged: set[str], run_cli: Runner) -> None:
    """Nothing more is damaged than was, and the next repair brings back what was sealed."""
    assert told_by_verify(run_cli, left.place / "mixup-out") <= damaged | {".mixup-gen"}, left
    check_completed(fallen, left, run_cli)
    assert not (left.place / "mixup-out/.mixup-gen").exists(), left


@pytest.mark.parametrize(("name", "of_each", "least"), [("much", 1, 6), ("manifest", 1, 6), *SLOW])
def test_killed_before_every_step(
    name: str, of_each: int | None, least: int, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    fallen, damaged = fall_repairing(name, "kill", run_cli, colours, tmp_path, of_each=of_each)
    assert len(fallen.attempts) >= least
    for left in fallen.attempts:
        assert left.ended == -signal.SIGKILL
        check_repaired(fallen, left, damaged, run_cli)


@pytest.mark.parametrize(("name", "of_each", "least"), [("much", 1, 6), ("manifest", 1, 6), *SLOW])
@pytest.mark.parametrize("fault", ["ENOSPC", pytest.param("EIO+", marks=pytest.mark.slow)])
def test_every_step_fails_once(
    fault: str, name: str, of_each: int | None, least: int, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    fallen, damaged = fall_repairing(name, fault, run_cli, colours, tmp_path, of_each=of_each)
    assert len(fallen.attempts) >= least
    for left in fallen.attempts:
        check_told(left, fault)
        check_repaired(fallen, left, damaged, run_cli)
