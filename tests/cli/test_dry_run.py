"""`--dry-run` and the room on the disk: told before anything is written, and refused where it cannot fit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.data_sets import digests
from tests.running import Runner, error_line
from tests.small_sources import write_arrays


class Usage(NamedTuple):
    """As shutil.disk_usage returns it."""

    total: int
    used: int
    free: int


def leave_free(monkeypatch: pytest.MonkeyPatch, free_bytes: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, free_bytes))


def told(run_cli: Runner, *args: object) -> dict[str, Any]:
    ended = run_cli("generate", *args, "--dry-run", "--json")
    assert ended.returncode == 0, ended.stderr
    facts: dict[str, Any] = json.loads(ended.stdout)
    return facts


def test_it_writes_nothing(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    before = digests(photos)
    ended = run_cli("generate", photos, "--dry-run", cwd=tmp_path)
    heads = [line.split()[0] for line in ended.stdout.splitlines()]
    assert heads == "classes cat would each output cache disk time".split()
    assert "cat (4), dog (4)" in ended.stdout
    assert "differ in size" in ended.stderr
    assert list(tmp_path.iterdir()) == []
    assert digests(photos) == before


@pytest.mark.parametrize("options", [[], ["--labels", "dense"], ["--dtype", "float32"], ["--keep-originals"]])
def test_bytes_are_told_within_a_hundredth(options: list[str], run_cli: Runner, tmp_path: Path) -> None:
    source = write_arrays(tmp_path / "a.npz", 50, (400, 400, 3))
    facts = told(run_cli, source, "-o", tmp_path / "o", "--passes", 6, *options)
    run_cli("generate", source, "-o", tmp_path / "o", "--passes", 6, *options)
    made = list((tmp_path / "o").iterdir())
    assert facts["output_bytes"] == pytest.approx(sum(path.stat().st_size for path in made), rel=0.01)
    assert facts["shards"] == sum(path.suffix == ".h5" for path in made)
    assert facts["cache_bytes"] == 50 * 400 * 400 * 3


def test_what_cannot_fit_is_refused_before_it_starts(
    run_cli: Runner, arrays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_free(monkeypatch, 1000)
    refused = run_cli("generate", arrays, cwd=tmp_path)
    assert refused.returncode == 74
    message = error_line(refused)
    assert message.startswith("mixup-out: this run needs 1.0 MiB of disk and 1000 B are free. Make room")
    assert digests(tmp_path) == {}
    assert "would be refused" in run_cli("generate", arrays, "--dry-run").stderr


def test_what_is_there_already_needs_no_room(run_cli: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_arrays(tmp_path / "a.npz", 50, (100, 100, 3))
    run_cli("generate", source, "--passes", 2, cwd=tmp_path)
    leave_free(monkeypatch, 3_000_000)
    assert run_cli("generate", source, "--passes", 3).returncode == 0, "1.5 MB of shards and 1 MiB around them"
    assert run_cli("generate", source, "--passes", 6).returncode == 74


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_finished_one_needs_no_room(
    compression: str, run_cli: Runner, arrays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_cli("generate", arrays, "--compression", compression, cwd=tmp_path)
    leave_free(monkeypatch, 0)
    again = run_cli("generate", arrays, "--compression", compression)
    assert (again.returncode, again.stderr[:23]) == (0, "mixup-gen: nothing to d")


def test_forced_replacement_that_cannot_fit_leaves_what_is_there(
    run_cli: Runner, arrays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_cli("generate", arrays, cwd=tmp_path)
    before = digests(tmp_path, but=())
    leave_free(monkeypatch, 1000)
    assert run_cli("generate", arrays, "--passes", 99, "--force").returncode == 74
    assert {name: digest for name, digest in digests(tmp_path, but=()).items() if "lock" not in name} == before


def test_it_warns_where_labels_outweigh_pixels(run_cli: Runner, tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    np.savez(tmp_path / "a.npz", x=draw.integers(0, 256, (600, 4, 4, 3), dtype=np.uint8), y=np.arange(600))
    warned = run_cli("generate", "a.npz", "--dry-run", cwd=tmp_path)
    assert "dense labels take 2.3 KiB a sample and the pixels 48 B: --labels sparse stores" in warned.stderr
    assert "dense labels" not in run_cli("generate", "a.npz", "--labels", "sparse", "--dry-run").stderr


def test_a_data_set_that_is_there_is_taken_into_account(run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    run_cli("generate", arrays, "--samples-per-shard", 7, cwd=tmp_path)
    assert told(run_cli, arrays, "--passes", 2)["shards"] == 12
