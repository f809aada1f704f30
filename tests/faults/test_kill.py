"""A run that is killed at any moment leaves a folder that the same command completes to the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.data_sets import digests
from tests.faults import kill_at_random
from tests.faults.attempts import Attempt, attempts
from tests.running import Runner, clean_environment, start_process

FRESH = ["--samples-per-shard", "7", "--workers", "1"]


def complete(run_cli: Runner, place: Path, *command: object) -> dict[str, str]:
    """What is there once the command has run to its end, and verify has found nothing."""
    ended = run_cli("generate", *command, cwd=place)
    assert ended.returncode == 0, ended.stderr
    checked = run_cli("verify")
    assert checked.returncode == 0, checked.stdout
    return digests(place)


@dataclass(frozen=True)
class Case:
    """A command that is killed, and what it finds: the output of `before`, and a stranger's files in its folder."""

    options: tuple[str, ...] = ()
    before: tuple[str, ...] | None = None
    strangers: bool = False
    source: str = "colours"


CASES = {
    "fresh": Case(),
    "extended": Case(("--passes", "2"), before=("--passes", "1")),
    "forced": Case(("--force",), before=("--seed", "1"), strangers=True),
    "compressed": Case(("--compression", "gzip")),
    "cached": Case(("--cache", "disk", "--size", "9")),
    "part": Case(("--part", "2/2"), before=("--part", "1/2")),
    "planned": Case(("--plan", "../../plan.csv")),
    "views": Case(("--method", "cutmix", "--crop-pad", "2", "--dtype", "float16")),
}

STRANGERS = ["notes.txt", "notes-00000.h5", "shard-00000.h5.bak", "sub/shard-00000.h5", "sub/manifest.json"]
"""What a data set's folder may hold besides, which nobody but its owner may touch."""


@dataclass(frozen=True)
class Fallen:
    """What attempts left, the command that goes on, and what is to come of it."""

    command: list[object]
    attempts: list[Attempt]
    expected: dict[str, str]


def fall(case: Case, fault: str, stride: int, run_cli: Runner, colours: Path, tmp_path: Path) -> Fallen:
    """Let a command meet a fault at each step, and an uninterrupted one come through."""
    folder = tmp_path / "attempts"
    run_cli("plan", colours, "-q", "-o", tmp_path / "plan.csv")
    for place in (folder / "0", tmp_path / "x/whole"):
        place.mkdir(parents=True)
        if case.before is not None:
            assert run_cli("generate", colours, *FRESH, *case.before, cwd=place).returncode == 0
        for name in STRANGERS if case.strangers else ():
            (place / "mixup-out" / name).parent.mkdir(exist_ok=True)
            (place / "mixup-out" / name).write_text(f"mine: {name}")
    command = [colours, *FRESH, *case.options]
    expected = complete(run_cli, tmp_path / "x/whole", *command)
    fallen = attempts(folder, fault, "generate", "-q", *command, stride=stride)
    return Fallen(command, fallen, expected)


def check_what_is_left(case: Case, left: Attempt, run_cli: Runner) -> None:
    """A manifest and damage never stand together, and nothing that is not ours was touched."""
    out = left.place / "mixup-out"
    checked = run_cli("verify", out)
    told = {line.split(":")[0] for line in checked.stdout.splitlines()}
    assert checked.returncode == 66 or told <= {".mixup-gen"}, f"a manifest and damage, after {left}"
    if case.strangers:
        assert [(out / name).read_text() for name in STRANGERS] == [f"mine: {name}" for name in STRANGERS], left


def check_completed(fallen: Fallen, left: Attempt, run_cli: Runner) -> None:
    """The same command makes the same bytes, and leaves no file besides."""
    found = complete(run_cli, left.place, *fallen.command)
    unequal = {name for name in found.keys() | fallen.expected if found.get(name) != fallen.expected.get(name)}
    assert all(name.startswith(".mixup-gen-cache/") for name in unequal), left  # its names tell inodes and times
    assert not list(left.place.rglob("*.part")), left


@pytest.mark.parametrize(
    ("name", "stride", "least"),
    [
        ("fresh", 5, 12),
        ("extended", 9, 8),
        ("forced", 9, 8),
        *(pytest.param(name, 1, 45, marks=pytest.mark.slow) for name in CASES),
    ],
)
def test_killed_before_every_step(
    name: str, stride: int, least: int, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    fallen = fall(CASES[name], "kill", stride, run_cli, colours, tmp_path)
    assert len(fallen.attempts) >= least
    for left in fallen.attempts:
        assert left.ended == -signal.SIGKILL
        check_what_is_left(CASES[name], left, run_cli)
        check_completed(fallen, left, run_cli)


@pytest.fixture
def long_run(tmp_path: Path) -> list[object]:
    """A command that makes five hundred shards of one row."""
    draw = np.random.default_rng(3)
    np.savez(tmp_path / "a.npz", x=draw.integers(0, 256, (20, 4, 4, 3), dtype=np.uint8), y=np.arange(20) % 3)
    return ["generate", tmp_path / "a.npz", "--samples-per-shard", 1, "--passes", 25]


def sidecars(out: Path) -> int:
    try:
        return len(os.listdir(out / ".mixup-gen/done"))
    except FileNotFoundError:
        return 0


def wait_for(process: subprocess.Popen[str], out: Path, count: int) -> None:
    """Until so many shards are finished."""
    limit = time.monotonic() + 60
    while sidecars(out) < count:
        assert process.poll() is None, f"it ended too early: {process.communicate()}"
        assert time.monotonic() < limit
        time.sleep(0.0005)


def test_killed_again_and_again(run_cli: Runner, long_run: list[object], tmp_path: Path) -> None:
    """Real processes and SIGKILL at moments that nobody chose: after some more shards, or after some time."""
    draw = np.random.default_rng(11)
    out = tmp_path / "mixup-out"
    for moment in range(22):
        process = start_process(*long_run, cwd=tmp_path)
        if moment % 4 == 0:
            time.sleep(draw.uniform(0, 0.45))
        else:
            wait_for(process, out, sidecars(out) + int(draw.integers(1, 14)))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not (out / "manifest.json").exists()
    assert sidecars(out) > 20
    (tmp_path / "whole").mkdir()
    assert run_cli(*long_run, cwd=tmp_path / "whole").returncode == 0
    expected = digests(tmp_path / "whole")
    complete(run_cli, tmp_path, *long_run[1:])
    assert {f"mixup-out/{name}": digest for name, digest in digests(out).items()} == expected


def test_a_shard_that_lost_its_end_is_made_again(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    """As after a power cut on a disk that does not keep its promises."""
    expected = complete(run_cli, tmp_path, colours, *FRESH)
    out = tmp_path / "mixup-out"
    monkey = start_process("generate", colours, *FRESH, "--passes", 60, cwd=tmp_path)
    wait_for(monkey, out, 6)
    monkey.kill()
    monkey.communicate()
    shard = out / "shard-00000.h5"
    shard.write_bytes(shard.read_bytes()[:-5000])
    (out / ".mixup-gen/done/00001.json").write_text("{")
    complete(run_cli, tmp_path, colours, *FRESH, "--passes", 60)
    assert digests(out)["shard-00000.h5"] == expected["mixup-out/shard-00000.h5"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["fresh", "compressed", "cached", "views"])
def test_killed_at_random_moments(name: str, seed: int, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    """Two hundred kills and more in all, of runs that were killed before."""
    command = [colours, *FRESH, *CASES[name].options, "--passes", 8, "--workers", 2]
    folder = tmp_path / "attempts"
    for place in (folder, tmp_path / "whole"):
        place.mkdir()
    expected = complete(run_cli, tmp_path / "whole", *command)
    script = [sys.executable, kill_at_random.__file__, 15, seed, folder, "generate", "-q", *command]
    environment = clean_environment({"PYTHONPATH": os.pathsep.join(sys.path)})
    told = subprocess.run(
        [*map(str, script)], env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert told.returncode == 0, told.stderr
    killed, through = map(int, told.stdout.split())
    assert killed == 15
    for number in range(through + 1):
        left = Attempt(number, "kill", -signal.SIGKILL, folder / str(number))
        if left.place.exists():
            check_what_is_left(CASES[name], left, run_cli)
            check_completed(Fallen(command, [], expected), left, run_cli)
