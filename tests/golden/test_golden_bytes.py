"""Pinned bytes of whole files: promise B, that uncompressed uint8 mixup, CutMix and Cutout without resizing give the
same bytes on every machine and in every version.

If a hash here moves, data sets made before can be neither extended nor verified deeply by this version, and nobody gets
from the same recipe what others got. So it takes a new FORMAT_VERSION, a line in CHANGELOG.md, and a reason. Where only
the `shard` moves and the columns stay, it is what stands in the file's metadata (a recipe with another field, the
layout by HDF5) that has changed. Measured: h5py 3.12.1 (HDF5 1.14.4) and 3.16.0 (HDF5 2.0.0) lay out the same bytes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from tests.data_sets import columns, digests, manifest
from tests.running import Runner

SOURCES = "0afe6a05184935faf0642f1d02f99ef8f29151af975afa09ab738d916d814d51"

SHARDS = {
    "mixup --alpha 0.2": (
        "7340238c5f4e7314ac2fa3ddcdb06524dc52d6fc0340dbd5f1b9aa1986cf2775",
        "7bbd1a166dec8325b16e6054467d04fd5b88c7c1dfcc63d935e9dbfaf232161b",
        "1d58ab4e93268d5ec21900629a08a6395ef6656684a5b93ffd7d596bb3abf5e9",
    ),
    "cutmix --alpha 1": (
        "7d8248ac09de254bb6344e6a59b98f0c55fe152c8e1c8adbe186a76666c822b0",
        "56f5bd6c34c0b7f5f83a381d4ca6414e080afe3673b735557c7e9cff224acf52",
        "8fe90445e74cc24bd4d1e1786c03e79647e178e05c168996fd85eec70cb915f3",
    ),
    "cutout --fill 7,8,9": (
        "c24b429733d7e0d2e365691f490967d2d1ac37cbe93a5faf92a261e599dbc717",
        "03ef8d3928d38835641673450729445c1abc19f70ad67c696a904f88a25b4dba",
        "84b17e0b7338dd431bcaddb61eb8872b122acbea7c5191697cd68f0bd6f47d63",
    ),
    "mixup:0.4:alpha=1,cutmix:0.4,cutout:0.2 --keep-originals --seed 5": (
        "474c2834cefe61d49ed0ec1cc221ccc3b7f31f4546cf6b19ba46c60cb71aef31",
        "d9ebbc623d3af7658c13b6bdb45662c59f926c118d721c6cfe6d824300a823f2",
        "96869b2e2c63382a7471fceb121fa8c5af4fb0f719f2c2755060fc90afcecc9a",
    ),
    "mixup,mosaic --window 5 --keep-originals --seed 3": (
        "1fc609ec6af4bf98b70a89429395df87f77d16a0624bae571b9e36a322375723",
        "65ef4b2aded1b3f2f32618bb2c6543877b08079b102e14a5f0ffaddd31a24185",
        "9c1dde3b1c6de1828343824a5c5e05e992c45cb84c8414bfb9d042a9455ac44e",
    ),
}
"""Options to the hashes of shard-00000.h5, of its images and of its labels."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Thirteen pictures of five by seven whose values are made of integers alone, in three classes."""
    n, y, x, c = np.ogrid[:13, :5, :7, :3]
    np.save(tmp_path / "x.npy", ((n * 37 + y * 53 + x * 11 + c * 101 + n * y * x) % 256).astype(np.uint8))
    np.save(tmp_path / "y.npy", np.arange(13) % 3)
    return tmp_path / "x.npy"


@pytest.mark.parametrize(("options", "expected"), SHARDS.items())
def test_bytes_are_those_of_every_version(
    options: str, expected: tuple[str, str, str], source: Path, run_cli: Runner, tmp_path: Path
) -> None:
    ended = run_cli(
        "generate", source, "--label-key", "y.npy", "--passes", 3, "--method", *options.split(), cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stderr
    files, there = digests(tmp_path / "mixup-out"), columns(tmp_path / "mixup-out")
    assert there["images"].dtype == np.uint8
    images, labels = (hashlib.sha256(there[name].tobytes()).hexdigest() for name in ("images", "labels"))
    assert (images, labels) == expected[1:]
    assert files["shard-00000.h5"] == expected[0], "the columns are the same: see above"
    assert files["sources.csv"] == SOURCES
    assert manifest(tmp_path / "mixup-out")["source"]["fingerprint"] == SOURCES
