"""Twenty million rows, two hundred thousand files, two million paths: memory stays flat and nothing takes for ever."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.storage.manifest import read_manifest
from tests.faults.watching import Watched, watch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

MIB = 1 << 20


def sound(seen: Watched) -> Watched:
    assert seen.code == 0, seen.stderr
    assert seen.stdout
    return seen


@pytest.fixture(scope="module")
def soaked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Watched]:
    """Twenty million rows of one pixel in four thousand shards, and how they were made."""
    place = tmp_path_factory.mktemp("soak")
    draw = np.random.default_rng(1)
    pixels = draw.integers(0, 256, (100_000, 1, 1), dtype=np.uint8)
    np.savez(place / "a.npz", x=pixels, y=np.arange(100_000) % 3)
    command = ["generate", place / "a.npz", "--passes", 200, "--samples-per-shard", 5000, "-q"]
    return place / "mixup-out", watch(*command, cwd=place)


def test_a_soak_takes_no_more_memory_and_files_as_it_goes_on(soaked: tuple[Path, Watched]) -> None:
    out, seen = soaked
    sound(seen)
    assert len(list(out.glob("shard-*.h5"))) == 4000
    assert seen.growth_bytes() < 64 * MIB
    assert seen.peak_bytes < 800 * MIB
    assert max(seen.descriptors) < 40


def test_a_manifest_of_thousands_of_shards_opens_in_a_second(soaked: tuple[Path, Watched]) -> None:
    began = time.monotonic()
    manifest = read_manifest(soaked[0])
    assert time.monotonic() - began < 1
    assert manifest.totals.samples == 20_000_000


def test_thousands_of_shards_are_read_with_few_descriptors(soaked: tuple[Path, Watched]) -> None:
    arrays = MixedArrays(soaked[0])
    rows = np.random.default_rng(2).integers(0, len(arrays), 40_000)
    before = len(os.listdir("/proc/self/fd"))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    for name in ("images", "index", "share", "labels"):
        taken = arrays.column(name).take(rows)
        assert name != "index" or (taken == rows).all()
    assert len(os.listdir("/proc/self/fd")) - before <= limits[0] // 2


def test_thousands_of_shards_are_verified_and_resumed(soaked: tuple[Path, Watched]) -> None:
    out, _ = soaked
    checked = watch("verify", out, cwd=out.parent)
    assert checked.code == 0, checked.stderr
    assert checked.growth_bytes() < 64 * MIB
    assert max(checked.descriptors) < 40


def test_a_folder_of_two_hundred_thousand_pictures(tmp_path: Path) -> None:
    write_many(tmp_path / "many", 200_000)
    seen = sound(watch("generate", tmp_path / "many", "-q", cwd=tmp_path))
    assert seen.peak_bytes < 900 * MIB
    assert seen.seconds < 300
    assert max(seen.descriptors) < 40


def write_many(root: Path, count: int, classes: int = 100) -> None:
    """So many names of a few pictures of 4 × 4 pixels: hard links are as good as files, and quicker made."""
    for number in range(classes):
        (root / f"{number:03}").mkdir(parents=True)
        first = root / f"{number:03}/0.png"
        Image.new("RGB", (4, 4), (number, 2 * number, 0)).save(first)
        for other in range(1, count // classes):
            os.link(first, root / f"{number:03}/{other}.png")


def test_two_million_paths_on_stdin(tmp_path: Path) -> None:
    """Most of them of no file, which are left out one by one."""
    write_many(tmp_path / "some", 1000)
    with (tmp_path / "list").open("w") as paths:
        paths.writelines(f"some/{number % 100:03}/{number // 100}.png\n" for number in range(2_000_000))
    seen = sound(watch("generate", "--files-from", "list", "--on-error", "skip", "--samples", 1000, cwd=tmp_path))
    assert "1,999,000 of 2,000,000 inputs left out" in seen.stderr
    assert seen.peak_bytes < 4096 * MIB
    refused = watch(
        "generate", "--files-from", "list", "--on-error", "skip", "--max-errors", 5, "-o", "o", cwd=tmp_path
    )
    assert refused.code == 65
    assert "--max-errors allows 5" in refused.stderr
