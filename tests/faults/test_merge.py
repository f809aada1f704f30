"""A merge that is cut off at any step, or finds a full disk, leaves no half data set, and the same command goes on."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from tests.faults.attempts import attempts
from tests.faults.cases import FRESH, Fallen, check_completed, check_what_is_left, complete
from tests.faults.test_disk import small_disk
from tests.running import Runner, error_line

__all__ = ["small_disk"]

MERGE = ("merge", "a", "b", "-o", "mixup-out")


@pytest.fixture
def members(run_cli: Runner, colours: Path, tmp_path: Path) -> Path:
    """A folder with two data sets, as attempts find it."""
    place = tmp_path / "attempts/0"
    place.mkdir(parents=True)
    for seed, name in enumerate("ab"):
        assert run_cli("generate", colours, *FRESH, "--seed", seed, "-o", place / name).returncode == 0
    return place


@pytest.mark.parametrize(
    ("options", "of_each", "least"),
    [((), 1, 8), *(pytest.param(options, None, 40, marks=pytest.mark.slow) for options in [(), ("--force",)])],
)
def test_killed_before_every_step(
    options: tuple[str, ...], of_each: int | None, least: int, run_cli: Runner, members: Path, tmp_path: Path
) -> None:
    if options:
        assert run_cli("generate", "a", *FRESH, "-q", cwd=members).returncode == 0
    command: list[object] = [*MERGE, *options]
    met = attempts(members.parent, "kill", *command, "-q", of_each=of_each)
    for name in "ab":
        shutil.copytree(members / name, tmp_path / "whole" / name)
    expected = complete(run_cli, tmp_path / "whole", *command)
    assert len(met) >= least
    for left in met:
        assert left.ended == -signal.SIGKILL
        check_what_is_left(left, run_cli)
        check_completed(Fallen(command, met, expected), left, run_cli)


def test_a_full_disk(small_disk: Path, run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    """There, shards are copied."""
    for seed in (0, 1):
        run_cli("generate", arrays, "--size", 64, "--samples-per-shard", 10, "--seed", seed, "-o", tmp_path / f"{seed}")
    command = ("merge", tmp_path / "0", tmp_path / "1", "-o", small_disk / "out")
    (small_disk / "ballast").write_bytes(bytes(5_300_000))
    full = run_cli(*command)
    assert full.returncode == 74
    assert "No space left on device. Make room, and run the same command again" in error_line(full)
    assert not list(small_disk.rglob("*.part"))
    done = {path: path.stat().st_mtime_ns for path in (small_disk / "out").glob("shard-*.h5")}
    assert done
    (small_disk / "ballast").unlink()
    assert "8 shards copied" in run_cli(*command).stderr
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert run_cli("verify", small_disk / "out").returncode == 0
