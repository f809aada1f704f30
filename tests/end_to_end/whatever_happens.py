"""A data set is the same whatever happens: checks that tests of each kind of samples call with a source and options."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.data_sets import digests
from tests.faults.progress import meet_fault
from tests.running import Runner

HOW = ["--workers 3 --batch-size 1", "--workers 2 --batch-size 7 --device cpu-torch", "--engine processes --workers 2"]


def make(run_cli: Runner, source: Path | tuple[Path, ...], out: Path, *options: str) -> Path:
    """The data set `out` of a source or of several, with options as a shell would split them."""
    given = [word for option in options for word in option.split()]
    sources = source if isinstance(source, tuple) else (source,)
    ended = run_cli("generate", *sources, "-q", "-o", out, *given)
    assert ended.returncode == 0, ended.stderr
    return out


def check_how(run_cli: Runner, source: Path, tmp_path: Path, options: str) -> None:
    """Workers, batches, devices and engines change no byte."""
    wanted = (f"{options} --samples-per-shard 7", "--passes 3")
    expected = digests(make(run_cli, source, tmp_path / "plain", *wanted, "--workers 1"))
    assert len([name for name in expected if name.endswith(".h5")]) == 7
    for number, how in enumerate(HOW):
        assert digests(make(run_cli, source, tmp_path / str(number), *wanted, how)) == expected, how


def check_killed(run_cli: Runner, source: Path, tmp_path: Path, options: str) -> None:
    """Killed, made again and grown, it is the same."""
    given = f"{options} --samples-per-shard 5".split()
    expected = digests(make(run_cli, source, tmp_path / "plain", *given, "--passes 3"))
    command = ["generate", source, "-q", "-o", tmp_path / "killed", *given, "--passes", 2]
    victim = meet_fault("kill", "replace:9", *command, cwd=tmp_path)
    assert victim.wait() == -signal.SIGKILL
    make(run_cli, source, tmp_path / "killed", *given, "--passes 2")
    make(run_cli, source, tmp_path / "killed", *given, "--passes 3")
    assert digests(tmp_path / "killed") == expected


def check_repaired(run_cli: Runner, source: Path | tuple[Path, ...], tmp_path: Path, options: str) -> Path:
    """It is verified, and repaired from its source. Returns the data set, whole again."""
    out = make(run_cli, source, tmp_path / "out", options, "--samples-per-shard 7")
    before = digests(out)
    assert run_cli("verify", "--deep", out).returncode == 0
    for damage in ("manifest.json", "shard-00001.h5"):
        (out / damage).write_bytes(b"damaged")
        ended = run_cli("repair", out)
        assert ended.returncode == 0, ended.stderr
        assert digests(out) == before
    return out
