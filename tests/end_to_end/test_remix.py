"""A finished data set is a source: soft labels go in, and dense ones come out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data_sets import columns, manifest
from tests.end_to_end.test_pixel_shares import ROUNDING, shares_of_colours
from tests.running import Runner


@pytest.mark.parametrize(
    "options", ["", "--labels sparse", "--labels dense --compression gzip", "--samples-per-shard 5"]
)
@pytest.mark.parametrize("named", ["first", "first/manifest.json"])
def test_mixtures_of_mixtures_still_tell_their_colours(
    options: str, named: str, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    run_cli("generate", colours, "--alpha", 1, "--passes", 2, "-o", "first", *options.split(), cwd=tmp_path)
    ended = run_cli("generate", named, "--alpha", 1, "-o", "second")
    assert ended.returncode == 0, ended.stderr
    first, second = columns(tmp_path / "first"), columns(tmp_path / "second")
    assert second.keys() == {"images", "labels", "index", "source_index", "share", "method", "box"}
    assert manifest(tmp_path / "second")["source"]["kind"] == "mixup-gen"
    assert np.abs(shares_of_colours(second["images"]) - second["labels"]).max() <= 2 * ROUNDING
    assert np.abs(second["labels"].sum(axis=1, dtype=np.float64) - 1).max() <= 1e-6
    if "labels" in first:
        parents = first["labels"].astype(np.float64)[second["source_index"]]
        assert np.abs((parents * second["share"][..., None]).sum(axis=1) - second["labels"]).max() < 1e-7


def test_an_unlabelled_one_stays_unlabelled(run_cli: Runner, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(5 * 12, dtype=np.uint8).reshape(5, 2, 2, 3))
    run_cli("generate", "a.npz", "-o", "first", cwd=tmp_path)
    run_cli("generate", "first", "-o", "second")
    assert "labels" not in columns(tmp_path / "second")
    assert manifest(tmp_path / "second")["class_names"] == []


def test_it_can_be_verified_deeply(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("generate", colours, "-o", "first", cwd=tmp_path)
    run_cli("generate", "first", "-o", "second")
    assert run_cli("verify", "second", "--deep").returncode == 0
    run_cli("generate", colours, "-o", "first", "--seed", 1, "--force")
    assert run_cli("verify", "second", "--deep").returncode == 65
