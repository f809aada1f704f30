"""Every label equals the pixel share: where each class is one colour, a mixture's mean colour tells its label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data_sets import columns
from tests.running import Runner

ROUNDING = 0.5 / 255
"""What one value of a picture may differ from the mixture by; means of equal values keep it."""


def shares_of_colours(images: np.ndarray) -> np.ndarray:
    """The part of class 0 (blue), 1 (green) and 2 (red) in each picture: float64 (n, 3)."""
    means: np.ndarray = images.mean(axis=(1, 2), dtype=np.float64)[:, ::-1] / 255
    return means


@pytest.mark.parametrize(
    ("method", "tolerance"),
    [("mixup --alpha 1", ROUNDING), ("cutmix", 2.0**-24), ("mixup,cutmix", ROUNDING), ("none", 0.0)],
)
@pytest.mark.parametrize("source", ["colours", "colours_of_many_sizes"])
@pytest.mark.parametrize("size", [None, "1x1", "13x5", "32", "57x64"])
def test_label_is_the_share_of_each_colour(
    method: str,
    tolerance: float,
    source: str,
    size: str | None,
    run_cli: Runner,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    options = [*method.split(), *(["--size", size] if size else []), "--passes", "6", "--seed", str(len(method))]
    path = request.getfixturevalue(source)
    ended = run_cli("generate", path, "--method", *options, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    there = columns(tmp_path / "mixup-out")
    assert np.abs(shares_of_colours(there["images"]) - there["labels"]).max() <= tolerance
    mixed = (there["labels"] > 0).sum(axis=1) > 1
    assert mixed.any() == (method != "none" and (size != "1x1" or "mixup" in method)), "so that this shows something"
    assert (there["labels"].sum(axis=1, dtype=np.float64) == 1).all(), "exactly"


def test_cutout_fill_counts_for_nobody(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("generate", colours, "--method", "cutout:side=0.5", "--passes", 6, "--size", 12, cwd=tmp_path)
    there = columns(tmp_path / "mixup-out")
    shown = shares_of_colours(there["images"])
    top, left, bottom, right = there["box"].T
    assert np.allclose(shown.sum(axis=1), 1 - (bottom - top) * (right - left) / 144, atol=1e-12)
    assert (shown.argmax(axis=1) == there["labels"].argmax(axis=1)).all()
    assert (there["labels"].max(axis=1) == 1).all()


def test_shares_tell_the_parents(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("generate", colours, "--method", "mixup,cutmix", "--alpha", 1, "--passes", 20, cwd=tmp_path)
    there = columns(tmp_path / "mixup-out")
    summed = np.zeros_like(there["labels"])
    for parent in (0, 1):
        np.add.at(summed, (np.arange(len(summed)), there["source_label"][:, parent]), there["label_share"][:, parent])
    assert (summed == there["labels"]).all()
    assert (there["source_index"] // 4 == there["source_label"]).all(), "four pictures of each class, in order"
    assert (there["source_index"][:, 0] != there["source_index"][:, 1]).all()
