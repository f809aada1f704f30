"""h5py, NumPy, h5dump and Hugging Face's datasets read the same values."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data_sets import columns, manifest
from tests.running import Runner
from tests.tools import require

VARIANTS = ["", "--dtype float32 --layout nchw", "--labels sparse --method cutmix", "--dtype uint16 --keep-originals"]


@pytest.fixture(params=VARIANTS)
def data_set(run_cli: Runner, arrays: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Forty rows or more in several shards."""
    run_cli("generate", arrays, "-o", tmp_path / "out", "--samples-per-shard", 17, *request.param.split())
    return tmp_path / "out"


def test_numpy_at_the_manifests_offsets(data_set: Path) -> None:
    told = manifest(data_set)
    expected = columns(data_set)
    assert {column["name"] for column in told["columns"]} == expected.keys()
    for shard in told["shards"]:
        for column in told["columns"]:
            offset = shard["columns"][column["name"]]["offset"]
            assert offset % 4096 == 0
            mapped: Any = np.memmap(
                data_set / shard["file"],
                np.dtype(column["dtype"]).newbyteorder("<"),
                "r",
                offset,
                (shard["stop"] - shard["start"], *column["shape"]),
            )
            assert (mapped == expected[column["name"]][shard["start"] : shard["stop"]]).all()


def test_hugging_face_datasets_offline(data_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(
        "hdf5", data_files=str(data_set / "shard-*.h5"), split="train", cache_dir=str(tmp_path / "cache")
    )
    expected = columns(data_set)
    assert set(loaded.column_names) == expected.keys()
    for name, column in expected.items():
        read = np.asarray(loaded.with_format("numpy")[:][name])
        assert (read.astype(column.dtype) == column).all(), name


def test_hugging_face_datasets_takes_the_folder(data_set: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(data_set), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded["index"] == columns(data_set)["index"].tolist()


def test_h5dump(data_set: Path) -> None:
    require("h5dump", package="hdf5-tools")
    path = data_set / "shard-00001.h5"
    rows = slice(17, 34)
    for name, column in columns(data_set).items():
        command = ["h5dump", "-y", "-w", "1", "-m", "%.9g", "-d", f"/{name}", str(path)]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        body = text.split("DATA {", 1)[1].split("}", 1)[0]
        read = np.array(body.replace("\n", " ").split(","), np.float64).astype(column.dtype)
        assert (read.reshape(column[rows].shape) == column[rows]).all(), name


def test_sha256sum_checks_it(data_set: Path) -> None:
    command = ["sha256sum", "-c", "SHA256SUMS"]
    checked = subprocess.run(command, cwd=data_set, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
