"""A run that is killed at any moment leaves a folder that the same command completes to the same bytes."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.data_sets import digests
from tests.faults import crash_at_every_step
from tests.running import Runner, clean_environment, error_line, start_process

FRESH = ["--samples-per-shard", "7", "--workers", "1"]


def complete(run_cli: Runner, place: Path, *command: object) -> dict[str, str]:
    """What is there once the command has run to its end, and verify has found nothing."""
    ended = run_cli("generate", *command, cwd=place)
    assert ended.returncode == 0, ended.stderr
    checked = run_cli("verify")
    assert checked.returncode == 0, checked.stdout
    return digests(place)


@pytest.mark.parametrize(
    ("before", "options", "whole"),
    [
        (None, [], []),
        (["--passes", "1"], ["--passes", "2"], ["--passes", "2"]),
        (["--seed", "1"], ["--force"], []),
        (["--part", "1/2"], ["--part", "2/2"], []),
    ],
    ids=["fresh", "extended", "forced", "part"],
)
def test_killed_before_every_step(
    before: list[str] | None, options: list[str], whole: list[str], run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    command = [str(colours), *FRESH, *options]
    (tmp_path / "whole").mkdir()
    expected = complete(run_cli, tmp_path / "whole", str(colours), *FRESH, *whole)
    attempts = tmp_path / "attempts"
    attempts.mkdir()
    if before is not None:
        (attempts / "0").mkdir()
        made = run_cli("generate", str(colours), *FRESH, *before, cwd=attempts / "0")
        assert made.returncode == 0, made.stderr
    script = [sys.executable, crash_at_every_step.__file__, str(attempts), "generate", "-q", *command]
    subprocess.run(script, env=clean_environment(), check=True, capture_output=True, timeout=200)
    killed = sorted(int(path.name) for path in attempts.iterdir() if int(path.name) > 0)[:-1]
    assert len(killed) > 30
    for step in killed:
        left = run_cli("verify", attempts / str(step) / "mixup-out")
        told = {line.split(":")[0] for line in left.stdout.splitlines()}
        assert left.returncode == 66 or told <= {".mixup-gen"}, f"a manifest and damage, before step {step}"
        assert complete(run_cli, attempts / str(step), *command) == expected, f"killed before step {step}"


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


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_signals_end_it_in_good_order(
    number: signal.Signals, code: int, word: str, run_cli: Runner, long_run: list[object], tmp_path: Path
) -> None:
    process = start_process(*long_run, cwd=tmp_path)
    wait_for(process, tmp_path / "mixup-out", 5)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (code, "")
    assert stderr == f"mixup-gen: {word}. Run the same command again to continue: finished shards are kept.\n"
    assert not list((tmp_path / "mixup-out").rglob("*.part")), "it cleans up behind itself"
    ended = run_cli(*long_run, cwd=tmp_path)
    assert "(resumed: " in ended.stderr
    assert run_cli("verify").returncode == 0


@pytest.mark.parametrize("write", [1, 4, 9, 14])
def test_a_full_disk_is_told_and_survived(
    write: int, run_cli: Runner, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = complete(run_cli, tmp_path, colours, *FRESH)
    shutil.rmtree(tmp_path / "mixup-out")
    calls = iter(range(1, 1000))

    def fsync(_descriptor: int) -> None:
        if next(calls) == write:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        refused = run_cli("generate", colours, *FRESH)
    assert refused.returncode == 74
    assert "No space left on device. Make room, and run the same command again" in error_line(refused)
    assert not list(tmp_path.rglob("*.part"))
    assert complete(run_cli, tmp_path, colours, *FRESH) == expected


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
