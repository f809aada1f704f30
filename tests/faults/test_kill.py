"""A run that is killed at any moment leaves a folder that the same command completes to the same bytes."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest

from tests.data_sets import digests
from tests.faults import kill_at_random
from tests.faults.attempts import Attempt
from tests.faults.cases import CASES, FRESH, Fallen, check_completed, check_what_is_left, complete, fall
from tests.faults.progress import meet_fault, sidecars
from tests.running import Runner, start_process


@pytest.mark.parametrize(
    ("name", "of_each", "least"),
    [
        ("fresh", 1, 7),
        ("extended", 1, 7),
        ("forced", 1, 7),
        *(pytest.param(name, None, 45, marks=pytest.mark.slow) for name in CASES),
    ],
)
def test_killed_before_every_step(
    name: str, of_each: int | None, least: int, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    fallen = fall(CASES[name], "kill", run_cli, colours, tmp_path, of_each=of_each)
    assert len(fallen.attempts) >= least
    for left in fallen.attempts:
        assert left.ended == -signal.SIGKILL
        check_what_is_left(left, run_cli, strangers=CASES[name].strangers)
        check_completed(fallen, left, run_cli)


def test_killed_again_and_again(run_cli: Runner, long_run: list[object], tmp_path: Path) -> None:
    """At random steps, each a few shards after the last."""
    command, draw, out = [*long_run, "--passes", 4], np.random.default_rng(11), tmp_path / "mixup-out"
    for _ in range(4):
        process = meet_fault("kill", str(draw.integers(60, 240)), *command, cwd=tmp_path)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not (out / "manifest.json").exists()
    (tmp_path / "whole").mkdir()
    expected = complete(run_cli, tmp_path / "whole", *command)
    complete(run_cli, tmp_path, *command)
    assert {f"mixup-out/{name}": digest for name, digest in digests(out).items()} == expected


def test_a_shard_that_lost_its_end_is_made_again(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    """As after a power cut on a disk that does not keep its promises."""
    command = ["generate", colours, *FRESH, "--passes", 20]
    (tmp_path / "whole").mkdir()
    expected = complete(run_cli, tmp_path / "whole", *command)
    victim = meet_fault("kill", "replace:15", *command, cwd=tmp_path)
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    out = tmp_path / "mixup-out"
    assert sidecars(out) == 6
    shard = out / "shard-00000.h5"
    shard.write_bytes(shard.read_bytes()[:-5000])
    (out / ".mixup-gen/done/00001.json").write_text("{")
    complete(run_cli, tmp_path, *command)
    assert {f"mixup-out/{name}": digest for name, digest in digests(out).items()} == expected


RANDOM = ["fresh", "compressed", "cached", "views"]


@pytest.mark.parametrize(
    ("name", "seed", "count"),
    [
        ("fresh", 9, 4),
        *(pytest.param(name, seed, 15, marks=pytest.mark.slow) for name in RANDOM for seed in range(4)),
    ],
)
def test_killed_at_random_moments(
    name: str, seed: int, count: int, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    """Of the whole of a run, which may have been killed before: two hundred kills and more in all."""
    command = ["generate", colours, *FRESH, *CASES[name].options, "--passes", 8, "--workers", 2]
    folder = tmp_path / "attempts"
    for place in (folder, tmp_path / "whole"):
        place.mkdir()
    expected = complete(run_cli, tmp_path / "whole", *command)
    script = start_process(count, seed, folder, *command, "-q", script=kill_at_random.__file__)
    out, err = script.communicate()
    assert script.returncode == 0, err
    killed, through = map(int, out.split())
    assert killed == count
    for number in range(through + 1):
        left = Attempt(number, "kill", "a file", -signal.SIGKILL, folder / str(number))
        if left.place.exists():
            check_what_is_left(left, run_cli)
            check_completed(Fallen(command, [], expected), left, run_cli)
