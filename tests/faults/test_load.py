"""Twenty million rows, two hundred thousand files, two million paths: memory stays flat and nothing takes for ever."""

from __future__ import annotations

import resource
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
    return place / "mixup-out", watch(*soak(place), cwd=place)


def soak(place: Path) -> list[object]:
    """Its command."""
    return ["generate", place / "a.npz", "--passes", 200, "--samples-per-shard", 5000]


def test_a_soak_takes_no_more_memory_and_files_as_it_goes_on(soaked: tuple[Path, Watched]) -> None:
    out, seen = soaked
    sound(seen)
    assert len(list(out.glob("shard-*.h5"))) == 4000
    assert seen.growth_bytes() < 64 * MIB
    assert seen.peak_bytes < 800 * MIB
    assert max(seen.descriptors) < 40


def test_a_manifest_of_thousands_of_shards_opens(soaked: tuple[Path, Watched]) -> None:
    """How long that takes: unit/storage/test_manifest.py."""
    assert read_manifest(soaked[0]).totals.samples == 20_000_000


READ = """
import sys
import numpy as np
from mixup_cli.readers.numpy import MixedArrays
arrays = MixedArrays(sys.argv[1])
rows = np.random.default_rng(2).integers(0, len(arrays), 40_000)
for name in ("images", "index", "share", "labels"):
    taken = arrays.column(name).take(rows)
    assert name != "index" or (taken == rows).all()
"""


def test_thousands_of_shards_are_read_with_few_descriptors(soaked: tuple[Path, Watched]) -> None:
    """As many as macOS allows; there are sixteen times as many shards."""
    ended = subprocess.run(
        [sys.executable, "-c", READ, str(soaked[0])],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_thousands_of_shards_are_verified(soaked: tuple[Path, Watched]) -> None:
    out, _ = soaked
    checked = watch("verify", out, cwd=out.parent)
    assert checked.code == 0, checked.stderr
    assert checked.growth_bytes() < 64 * MIB
    assert max(checked.descriptors) < 40


def test_one_shard_of_thousands_is_made_again(soaked: tuple[Path, Watched]) -> None:
    """The last of these tests: all others are resumed, which takes no more than making them."""
    out, made = soaked
    before = (out / "manifest.json").read_bytes()
    lost = (out / "shard-02000.h5").read_bytes()
    (out / "shard-02000.h5").unlink()
    resumed = sound(watch(*soak(out.parent), cwd=out.parent))
    assert "(resumed: 1 made now)" in resumed.stderr
    assert (out / "shard-02000.h5").read_bytes() == lost
    assert (out / "manifest.json").read_bytes() == before
    assert resumed.peak_bytes < 800 * MIB
    assert resumed.processor_seconds < 2 * made.processor_seconds


def test_a_folder_of_two_hundred_thousand_pictures(tmp_path: Path) -> None:
    """Ten times as many take no more than fifteen times as long."""
    write_many(tmp_path / "few", 20_000)
    few = sound(watch("generate", tmp_path / "few", "-o", "few-out", "-q", cwd=tmp_path))
    write_many(tmp_path / "many", 200_000)
    seen = sound(watch("generate", tmp_path / "many", "-q", cwd=tmp_path))
    assert seen.peak_bytes < 900 * MIB
    assert seen.processor_seconds < 15 * few.processor_seconds
    assert max(seen.descriptors) < 40


def write_many(root: Path, count: int, classes: int = 100) -> None:
    """`count` pictures of 4 × 4 pixels; those of a class are equal."""
    for number in range(classes):
        (root / f"{number:03}").mkdir(parents=True)
        picture = BytesIO()
        Image.new("RGB", (4, 4), (number, 2 * number, 0)).save(picture, "png")
        for other in range(count // classes):
            (root / f"{number:03}/{other}.png").write_bytes(picture.getvalue())


PATHS = 2_000_000


def path(number: int) -> str:
    """One of two million, of which the first thousand exist."""
    return f"some/{number % 100:03}/{number // 100}.png"


def watch_list(*options: object, cwd: Path) -> Watched:
    """Run with the list on stdin, through a pipe."""
    with subprocess.Popen(["cat", cwd / "list"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writer:
        command = ["generate", "--files-from", "-", "--on-error", "skip", "--samples", 1000]
        return watch(*command, *options, cwd=cwd, stdin=writer.stdout)


def test_two_million_paths_on_stdin(tmp_path: Path) -> None:
    """Most of them of no file, which are left out one by one."""
    write_many(tmp_path / "some", 1000)
    with (tmp_path / "list").open("w") as paths:
        paths.writelines(f"{path(number)}\n" for number in range(PATHS))
    seen = sound(watch_list(cwd=tmp_path))
    assert "1,999,000 of 2,000,000 inputs left out" in seen.stderr
    assert seen.peak_bytes < 2048 * MIB
    refused = watch_list("--max-errors", 5, "-o", "o", cwd=tmp_path)
    assert refused.code == 65
    assert "--max-errors allows 5" in refused.stderr


def test_a_csv_of_two_million_paths(tmp_path: Path) -> None:
    """metadata.csv: the run reads all of it, reports the first missing file with its line, and refuses one. Ten times
    as many take no more than fifteen times as long."""
    write_many(tmp_path / "some", 1000)
    few = watch_csv(PATHS // 10, tmp_path)
    refused = watch_csv(PATHS, tmp_path)
    told = f"metadata.csv, line 1002: no file {path(1000)}, nor 1,998,999 more that it names"
    assert told in refused.stderr
    assert refused.peak_bytes < 2048 * MIB
    assert refused.processor_seconds < 15 * few.processor_seconds


def watch_csv(count: int, folder: Path) -> Watched:
    """Refuse one that names so many paths."""
    with (folder / "metadata.csv").open("w") as rows:
        rows.write("file_name,label\n")
        rows.writelines(f"{path(number)},{number % 7}\n" for number in range(count))
    refused = watch("generate", folder, "-o", folder / "out", cwd=folder)
    assert refused.code == 65
    reason = ".png: cannot read (No such file or directory). Remove it, or pass --on-error skip."
    assert refused.stderr.splitlines()[-1].endswith(reason)
    return refused
