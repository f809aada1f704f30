"""`--engine processes` gives the bytes that threads give."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.data_sets import digests
from tests.running import Runner, child_pids, error_line
from tests.small_sources import write_photos

PROCESSES = ["--engine", "processes", "--workers", 2]


def same(run_cli: Runner, place: Path, *command: object) -> str:
    """Run with threads and with processes, compare, and return what the latter says on stderr."""
    assert run_cli("generate", *command, "--out", "threads", cwd=place).returncode == 0
    ended = run_cli("generate", *command, *PROCESSES, "--out", "processes", cwd=place)
    assert ended.returncode == 0, ended.stderr
    assert digests(place / "processes") == digests(place / "threads")
    assert child_pids(os.getpid()) == []
    assert not list(place.rglob("cache.bin"))
    return ended.stderr


def test_pictures(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    same(run_cli, tmp_path, photos, "--passes", 4, "--samples-per-shard", 5)
    told = json.loads((tmp_path / "processes/run.json").read_bytes())
    assert (told["engine"], told["workers"]) == ("processes", 2)
    again = run_cli("generate", photos, "--passes", 4, "--samples-per-shard", 5, "--out", "threads", *PROCESSES)
    assert "nothing to do" in again.stderr, "the engine is not in the recipe"


def test_a_picture_that_fits_no_form_surveyed(
    run_cli: Runner, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scan begins again, in the same processes."""
    monkeypatch.setattr("mixup_cli.runs.job.SURVEY_SAMPLES", 1)
    same(run_cli, tmp_path, photos)


def test_pictures_that_are_kept(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    assert "8 decoded samples are used again" in same(run_cli, tmp_path, photos, "--cache", "disk")
    kept = run_cli("generate", photos, *PROCESSES, "--cache", "disk", "--cache-folder", "kept", "--out", "third")
    assert "are kept for later runs in kept" in kept.stderr
    assert digests(tmp_path / "third") == digests(tmp_path / "threads")


def test_pictures_that_cannot_be_kept(run_cli: Runner, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos")
    (photos / "cat" / "gone.jpg").symlink_to("nowhere")
    told = same(run_cli, tmp_path, photos, "--cache", "disk", "--on-error", "skip")
    assert "decoded samples are not kept: some inputs could not be read" in told


def test_a_plan_from_a_file_carried_out_on_arrays(run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    options = ["--method", "mixup,cutmix,fmix", "-q"]
    assert run_cli("plan", arrays, *options, "-o", "plan.csv", cwd=tmp_path).returncode == 0
    same(run_cli, tmp_path, arrays, "--plan", "plan.csv", "--samples-per-shard", 9, "--compression", "gzip")


def test_a_broken_picture_is_told_as_threads_tell_it(run_cli: Runner, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos")
    (photos / "cat" / "0.jpg").write_bytes(b"nothing")
    threads = run_cli("generate", photos, "--workers", 1, cwd=tmp_path)
    processes = run_cli("generate", photos, "--workers", 1, "--engine", "processes")
    assert threads.returncode == processes.returncode == 65
    assert error_line(processes) == error_line(threads)
    assert not (tmp_path / "mixup-out").exists()


def test_memory_cannot_be_shared(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    refused = run_cli("generate", photos, *PROCESSES, "--cache", "memory", cwd=tmp_path)
    assert refused.returncode == 2
    assert error_line(refused) == ("--cache memory: worker processes share a file. Drop it, or pass --engine threads.")
