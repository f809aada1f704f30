"""`--window` and `--cache none`: each picture is decoded once a pass, nothing is cached, the bytes are the same."""

from __future__ import annotations

import shutil
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mixup_cli.scan import cache
from mixup_cli.sources.pictures.source import PictureSource
from tests.covering import covering
from tests.data_sets import digests
from tests.faults.progress import meet_fault
from tests.running import Runner, error_line, peak_bytes

NONE = ["--cache", "none"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty pictures of noise in four class folders, of three sizes."""
    root = tmp_path_factory.mktemp("windows") / "pictures"
    draw = np.random.default_rng(2)
    for number in range(60):
        folder = root / f"class-{number // 15}"
        folder.mkdir(parents=True, exist_ok=True)
        size = (12 + number % 3, 10, 3)
        Image.fromarray(draw.integers(0, 256, size, dtype=np.uint8)).save(folder / f"{number:02d}.png")
    return root


def made(run_cli: Runner, source: object, out: Path, *options: object) -> dict[str, str]:
    ended = run_cli("generate", source, "-q", "-o", out, *options)
    assert ended.returncode == 0, ended.stderr
    return digests(out)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each picture was decoded."""
    counted: Counter[int] = Counter()
    lock = threading.Lock()
    original = PictureSource._load_one

    def counting(self: PictureSource, index: int, *rest: Any) -> Any:
        with lock:
            counted[index] += 1
        return original(self, index, *rest)

    monkeypatch.setattr(PictureSource, "_load_one", counting)
    return counted


RECIPES = {
    "plain": "--window 16",
    "originals and two methods": "--window 7 --method mixup,cutmix --keep-originals",
    "same class": "--window 10 --pair same-class",
    "four parents": "--window 9 --method mosaic,mixup",
    "views": "--window 13 --random-resized-crop --flip 0.5 --cache-size 11 --size 8",
    "a choice of each class": "--window 5 --per-class 7",
    "gzip": "--window 16 --compression gzip",
    "one window": "--window 1000",
}


@pytest.mark.parametrize(("recipe", "how"), covering([*RECIPES], ["--workers 1", "--workers 3 --batch-size 5"]))
def test_the_bytes_are_those_with_a_cache(
    recipe: str, how: str, run_cli: Runner, pictures: Path, tmp_path: Path
) -> None:
    options = [*RECIPES[recipe].split(), "--passes", 2, "--samples-per-shard", 23]
    expected = made(run_cli, pictures, tmp_path / "cached", *options)
    assert sum(name.startswith("shard-") for name in expected) >= 3
    assert made(run_cli, pictures, tmp_path / "out", *options, *NONE, *how.split()) == expected


@pytest.mark.parametrize(("source", "per_shard"), covering(["arrays", "cifar"], [4, 37, 1000]))
def test_arrays_too(
    source: str, per_shard: int, run_cli: Runner, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    options = ["--window", 6, "--passes", 3, "--samples-per-shard", per_shard]
    path = request.getfixturevalue(source)
    assert made(run_cli, path, tmp_path / "a", *options) == made(run_cli, path, tmp_path / "b", *options, *NONE)


def test_several_sources_too(run_cli: Runner, pictures: Path, photos: Path, tmp_path: Path) -> None:
    options = [photos, "--window", 9, "--samples-per-shard", 20]
    assert made(run_cli, pictures, tmp_path / "a", *options) == made(run_cli, pictures, tmp_path / "b", *options, *NONE)


def test_a_device_kernel_gets_windows_too(run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    options = ["--window", 8, "--samples-per-shard", 9]
    expected = made(run_cli, arrays, tmp_path / "a", *options)
    assert made(run_cli, arrays, tmp_path / "b", *options, *NONE, "--device", "cpu-torch") == expected


@pytest.mark.parametrize(("sizes", "workers"), covering([(16, 11), (5, 43), (60, 17), (7, 200)], [1, 2]))
def test_each_picture_is_decoded_once_a_pass(
    sizes: tuple[int, int], workers: int, run_cli: Runner, pictures: Path, tmp_path: Path, decoded: Counter[int]
) -> None:
    """Also where a shard cuts a window in two."""
    window, per_shard = sizes
    how = ["--window", window, "--samples-per-shard", per_shard, "--workers", workers, *NONE]
    made(run_cli, pictures, tmp_path / "out", *how, "--passes", 3)
    assert decoded == Counter(dict.fromkeys(range(60), 3))
    decoded.clear()
    made(run_cli, pictures, tmp_path / "with-originals", *how, "--keep-originals", "--on-error", "skip")
    assert decoded == Counter(dict.fromkeys(range(60), 3)), "once in the scan, once as an original, once mixed"


def test_only_the_windows_of_missing_shards_are_decoded(
    run_cli: Runner, pictures: Path, tmp_path: Path, decoded: Counter[int]
) -> None:
    how = ["--window", 10, "--samples-per-shard", 20, *NONE]
    expected = made(run_cli, pictures, tmp_path / "out", *how)
    (tmp_path / "out/shard-00001.h5").unlink()
    decoded.clear()
    assert made(run_cli, pictures, tmp_path / "out", *how) == expected
    assert sorted(decoded.values()) == [1] * 20, "two windows"
    decoded.clear()
    grown = made(run_cli, pictures, tmp_path / "out", *how, "--passes", 2)
    assert decoded == Counter(dict.fromkeys(range(60), 1))
    assert grown == made(run_cli, pictures, tmp_path / "whole", *how, "--passes", 2)


def test_killed_and_completed(run_cli: Runner, pictures: Path, tmp_path: Path) -> None:
    how = [pictures, "--window", 10, "--samples-per-shard", 3, "--passes", 3, *NONE]
    for _ in range(2):
        process = meet_fault("kill", "replace:13", "generate", *how, cwd=tmp_path)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "mixup-out/manifest.json").exists()
    ended = run_cli("generate", *how, cwd=tmp_path)
    assert "(resumed: " in ended.stderr
    cached = made(run_cli, pictures, tmp_path / "whole", *how[1:-2])
    assert digests(tmp_path / "mixup-out") == cached
    deep = run_cli("verify", "--deep", tmp_path / "mixup-out")
    assert (deep.returncode, deep.stdout) == (0, "")


@pytest.fixture
def damaged(pictures: Path, tmp_path: Path) -> Path:
    """The pictures, of which the last has lost its end: its header is whole."""
    place = tmp_path / "damaged"
    shutil.copytree(pictures, place)
    last = place / "class-3" / "59.png"
    last.write_bytes(last.read_bytes()[:-200])
    return place


def test_a_damaged_picture_ends_the_run_when_its_window_comes(run_cli: Runner, damaged: Path, tmp_path: Path) -> None:
    how = ["--window", 10, "--samples-per-shard", 5, *NONE, "--workers", 1]
    ended = run_cli("generate", damaged, "-o", tmp_path / "out", *how)
    assert ended.returncode == 65
    message = error_line(ended)
    assert message.startswith("class-3/59.png: cannot decode (")
    assert message.endswith(". Remove it, or pass --on-error skip; either way start over with --force.")
    done = len(list((tmp_path / "out").glob("shard-*.h5")))
    assert 0 < done < 12
    assert (tmp_path / "out/sources.csv").exists()
    assert not (tmp_path / "out/manifest.json").exists()


def test_broken_inputs_are_left_out_before_rows_are_planned(run_cli: Runner, damaged: Path, tmp_path: Path) -> None:
    how = ["--window", 10, "--on-error", "skip", "--samples-per-shard", 7]
    expected = made(run_cli, damaged, tmp_path / "cached", *how)
    assert made(run_cli, damaged, tmp_path / "out", *how, *NONE) == expected
    assert "class-3/59.png" in run_cli("generate", damaged, "-o", tmp_path / "told", *how, *NONE).stderr
    (damaged / "class-0" / "00.png").write_bytes(b"no picture")
    refused = run_cli("generate", damaged, "-o", tmp_path / "x", "--window", 10, *NONE)
    assert (refused.returncode, (tmp_path / "x/sources.csv").exists()) == (65, False)
    assert "class-0/00.png: not a picture Pillow can read. Remove it" in error_line(refused)


def test_a_picture_that_changes_meanwhile_ends_the_run(
    run_cli: Runner, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "changing"
    shutil.copytree(pictures, place)
    original = PictureSource._load_one

    def changing(self: PictureSource, index: int, *rest: Any) -> Any:
        shutil.copy(place / "class-0/00.png", place / "class-2/33.png")
        return original(self, index, *rest)

    monkeypatch.setattr(PictureSource, "_load_one", changing)
    ended = run_cli("generate", place, "-o", tmp_path / "out", "--window", 20, *NONE)
    assert ended.returncode == 65
    assert error_line(ended) == ("class-2/33.png: has changed since the scan. Restore it, or start over with --force.")


def test_sizes_and_depths_are_found_in_headers(
    run_cli: Runner, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The survey looks at some headers only: here at one."""
    monkeypatch.setattr("mixup_cli.runs.job.SURVEY_SAMPLES", 1)
    Image.fromarray(np.arange(140, dtype=np.uint16).reshape(14, 10) * 400).save(tmp_path / "deep.png")
    place = tmp_path / "sizes"
    shutil.copytree(pictures, place)
    shutil.copy(tmp_path / "deep.png", place / "class-2" / "99.png")
    how = ["--window", 20, "--dtype", "uint16"]
    expected = made(run_cli, place, tmp_path / "a", *how)
    assert made(run_cli, place, tmp_path / "b", *how, *NONE) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--cache", "none"],
            "--cache none: without a cache, samples can meet only within windows of the source. Pass ",
        ),
        (
            ["--cache", "none", "--window", 5, "--method", "saliencymix"],
            "--cache none: saliencymix looks at samples before ",
        ),
        (
            ["--window", 3, "--method", "mosaic"],
            "--window 3: up to 4 different samples are mixed. Give at least as many",
        ),
        (
            ["--window", 5, "--balance", "classes"],
            "--window: it goes with --pair any, same-class, cross-class, and without",
        ),
        (
            ["--window", 5, "--pair", "nearest"],
            "--window: it goes with --pair any, same-class, cross-class, and without",
        ),
        (["--window", 5, "--plan", "-"], "--window and --plan: the plan has decided that. Give one or the other."),
        (["--cache", "none", "--cache-folder", "x"], "--cache-folder: it goes with --cache disk."),
    ],
)
def test_what_does_not_go_together(
    options: list[object], message: str, run_cli: Runner, pictures: Path, tmp_path: Path
) -> None:
    refused = run_cli("generate", pictures, "-o", "out", *options, cwd=tmp_path)
    assert refused.returncode == 2
    assert error_line(refused).startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_a_plan_file_needs_a_cache(run_cli: Runner, pictures: Path, tmp_path: Path) -> None:
    assert run_cli("plan", pictures, "-o", "plan.csv", cwd=tmp_path).returncode == 0
    refused = run_cli("generate", pictures, "--plan", "plan.csv", "-o", "out", *NONE)
    assert refused.returncode == 2
    assert error_line(refused).startswith("--cache none: rows of a --plan can have any parents.")


def test_the_plan_needs_no_pixels(run_cli: Runner, pictures: Path, tmp_path: Path, decoded: Counter[int]) -> None:
    run_cli("plan", pictures, "--window", 8, "-o", "a.csv", cwd=tmp_path)
    decoded.clear()
    run_cli("plan", pictures, "--window", 8, "-o", "b.csv", *NONE)
    assert not decoded
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    cached = made(run_cli, pictures, tmp_path / "x", "--plan", "a.csv")
    there = made(run_cli, pictures, tmp_path / "y", "--window", 8)
    assert [cached[name] == there[name] for name in ("sources.csv",)] == [True]


def test_it_is_told_beforehand(run_cli: Runner, pictures: Path, tmp_path: Path) -> None:
    options = ["--window", 20, *NONE, "--size", 10, "--workers", 1, "--dry-run"]
    told = run_cli("generate", pictures, *options, cwd=tmp_path)
    assert "cache         none: up to 2 windows of 5.9 KiB in memory" in told.stdout
    assert (
        "--window 10: a window holds 1.3 of the 4 classes on average"
        in run_cli("generate", pictures, "--window", 10, *NONE).stderr
    )
    assert "windows       of 20 consecutive samples; samples of different windows never mix\n" in told.stdout
    config = run_cli("generate", pictures, "--window", 20, "--print-config")
    assert "window = 20\n" in config.stdout
    assert "windows       of 10 consecutive samples\n" in run_cli("inspect", "mixup-out").stdout


def test_another_window_is_another_recipe(run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    run_cli("generate", arrays, "--window", 8, cwd=tmp_path)
    refused = run_cli("generate", arrays, "--window", 9)
    assert refused.returncode == 73
    assert "window was 8 and is 9" in error_line(refused)


def test_deep_verification_needs_no_cache_either(
    run_cli: Runner, pictures: Path, tmp_path: Path, decoded: Counter[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one would not fit into memory: so what was too large for the disk can be verified."""
    made(run_cli, pictures, tmp_path / "out", "--window", 10, "--samples-per-shard", 7, "--passes", 2)
    monkeypatch.setattr(cache, "MEMORY_BYTES", 1000)
    monkeypatch.setattr(cache, "reserve", lambda *_: pytest.fail("a cache in a file"))
    decoded.clear()
    deep = run_cli("verify", "--deep", tmp_path / "out")
    assert (deep.returncode, deep.stdout) == (0, ""), deep.stderr
    assert decoded == Counter(dict.fromkeys(range(60), 3)), "in the scan, which finds broken ones, and in each pass"


def test_deep_verification_in_windows_finds_what_is_wrong(
    run_cli: Runner, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = [pictures, "--window", 10, "--samples-per-shard", 20, "--cache", "disk", "-q"]
    run_cli("generate", *how, cwd=tmp_path)
    (kept,) = (tmp_path / ".mixup-gen-cache").glob("*.samples")
    data = bytearray(kept.read_bytes())
    data[: len(data) // 2] = bytes(len(data) // 2)
    kept.write_bytes(data)
    monkeypatch.setattr("mixup_cli.scan.kept_entry.Kept.check", lambda *_: None)  # as if nothing guarded it
    run_cli("generate", *how, "--force")
    monkeypatch.setattr(cache, "MEMORY_BYTES", 1000)
    deep = run_cli("verify", "--deep")
    assert deep.returncode == 65
    assert "is not what the source gives" in deep.stdout


@pytest.mark.slow
def test_memory_is_that_of_windows_and_not_of_the_source(tmp_path: Path) -> None:
    """Six hundred pictures are 86 MiB; four windows of twenty are 11 MiB."""
    for count in (60, 600):
        for number in range(count):
            folder = tmp_path / f"{count}" / f"{number % 3}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 30), (number % 256, number // 256, 90)).save(folder / f"{number}.png")
    how = ["-q", "--size", 224, "--workers", 2, "--window", 20, "--samples-per-shard", 50]
    few, many = (
        peak_bytes("generate", tmp_path / name, "-o", tmp_path / f"out-{name}", *how, *NONE) for name in ("60", "600")
    )
    cached = peak_bytes("generate", tmp_path / "600", "-o", tmp_path / "out-cached", *how)
    assert many - few < 25 << 20
    assert cached - many > 50 << 20
