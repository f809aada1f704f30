"""CIFAR-10 and photographs, where they lie beside the repository; `make test-slow` runs this."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from tests.data_sets import columns, digests, manifest
from tests.running import Runner, peak_bytes, run_process

SHARED = Path(__file__).parents[3] / "shared"
CIFAR, PHOTOS = SHARED / "data/cifar10-jpeg.tar.xz", SHARED / "data/photos.tar"
MAKE_ARCHIVE = SHARED / "tools/make_cifar_archive.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not CIFAR.exists(), reason=f"SKIPPED: {SHARED}/data is not there: real data were not tried"),
]


@pytest.fixture(scope="module")
def cifar_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`train` and `test`, each with a folder of pictures for every class."""
    root = tmp_path_factory.mktemp("real")
    with tarfile.open(CIFAR) as tar:
        tar.extractall(root, filter="data")
    (train,) = root.rglob("train")
    return train.parent


@pytest.fixture(scope="module")
def cifar_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("real") / "cifar-10-python.tar.gz"
    subprocess.run([sys.executable, MAKE_ARCHIVE, path], check=True)
    return path


def test_folder_and_archive_hold_the_same_samples(
    cifar_folder: Path, cifar_archive: Path, mixup_gen: Runner, tmp_path: Path
) -> None:
    counts = []
    for source in (cifar_folder, cifar_archive):
        ended = mixup_gen("generate", source, "-o", tmp_path / source.name)
        assert ended.returncode == 0, ended.stderr
        there = columns(tmp_path / source.name)
        assert np.abs(there["labels"].sum(axis=1, dtype=np.float64) - 1).max() == 0
        counts.append((len(there["images"]), np.bincount(there["source_label"][:, 0]).tolist()))
    assert counts == [(50_000, [5000] * 10)] * 2
    folder, archive = (manifest(tmp_path / source.name) for source in (cifar_folder, cifar_archive))
    assert folder["class_names"] == archive["class_names"]


def test_half_a_million_mixups_in_bounded_memory(cifar_archive: Path, mixup_gen: Runner, tmp_path: Path) -> None:
    one, ten = (
        peak_bytes("generate", cifar_archive, "--passes", passes, "-o", tmp_path / str(passes)) for passes in (1, 10)
    )
    assert manifest(tmp_path / "10")["totals"]["samples"] == 500_000
    assert ten < 1 << 30
    assert ten - one < 64 << 20, "ten times the samples take no more memory"
    assert mixup_gen("verify", tmp_path / "10").returncode == 0


def test_photographs_of_all_sizes(tmp_path: Path) -> None:
    with tarfile.open(PHOTOS) as tar:
        tar.extractall(tmp_path / "flat", filter="data")
    for path in [path for path in (tmp_path / "flat").rglob("*") if path.is_file()]:
        (tmp_path / "photos" / path.stem).mkdir(parents=True)
        path.rename(tmp_path / "photos" / path.stem / path.name)
    made = []
    for workers in (1, 3):
        ended = run_process(
            "generate", "photos", "--passes", 10, "--workers", workers, "-o", f"out-{workers}", cwd=tmp_path
        )
        assert ended.returncode == 0, ended.stderr
        assert "differ in size" in ended.stderr
        made.append(digests(tmp_path / f"out-{workers}"))
    assert made[0] == made[1]
    assert columns(tmp_path / "out-1")["images"].shape == (1600, 224, 224, 3)
    assert run_process("verify", "out-1", "--deep", cwd=tmp_path).returncode == 0
