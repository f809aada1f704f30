"""Classes counted by pixels, and what card, metadata, page and inspect say of masks and instances."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.report import mask_counts
from mixup_cli.report.mask_counts import MaskCounts
from tests.data_sets import columns
from tests.mask_scenes import VOID
from tests.mask_sources import ROWS, write_masked
from tests.running import Runner


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_masked(tmp_path_factory.mktemp("masks"), "mask")


@pytest.fixture(scope="module")
def instances(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pycocotools")
    return write_masked(tmp_path_factory.mktemp("instances"), "instances")


def counts_of(folder: Path) -> MaskCounts:
    found = MaskCounts.of_rows(MixedArrays(folder))
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["heavier", "both"])
def test_every_pixel_is_counted(kind: Any, masks: Path, tmp_path: Path) -> None:
    folder = masks if kind == "heavier" else write_masked(tmp_path, "mask", "mixup", masks="both")
    found, stored = counts_of(folder), columns(folder)["mask"]
    values, counts = np.unique(stored, return_counts=True)
    expected = dict(zip(map(str, values.tolist()), counts.tolist(), strict=True))
    assert (found.rows, found.void) == (ROWS, expected.pop(str(VOID)))
    assert found.facts["pixels"] == expected
    assert sum(part for _, part in found.shares) == pytest.approx(1)
    assert [name for name, _ in found.shares] == [*sorted(expected, key=lambda name: -expected[name]), "none"]


def test_of_many_masks_some_are_counted(masks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of rows spread evenly, a few at a time."""
    size = columns(masks)["mask"][0].size
    monkeypatch.setattr(mask_counts, "READ_BYTES", 5 * size)
    monkeypatch.setattr(mask_counts, "AT_ONCE_BYTES", 2 * size)
    found, rows = counts_of(masks), np.linspace(0, ROWS - 1, 5).astype(int)
    assert found.rows == 5
    assert found.pixels.tolist() == np.bincount(columns(masks)["mask"][rows].ravel())[: len(found.pixels)].tolist()


def test_other_data_sets_have_none(instances: Path) -> None:
    assert MaskCounts.of_rows(MixedArrays(instances)) is None


def test_a_stored_plan_is_not_mixed_to_be_counted(run_cli: Runner, masks: Path, tmp_path: Path) -> None:
    options = ("--method", "cutmix", "--store", "plan", "-q", "-o", tmp_path / "plan")
    ended = run_cli("generate", masks.parent / "source", *options)
    assert ended.returncode == 0, ended.stderr
    assert MaskCounts.of_rows(MixedArrays(tmp_path / "plan")) is None
    assert "pixels" not in run_cli("inspect", tmp_path / "plan").stdout


def test_a_signal_of_this_name_is_not_a_mask(run_cli: Runner, tmp_path: Path) -> None:
    """Arrays may be called so: their numbers are blended, and are not classes."""
    images = np.zeros((6, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "arrays.npz", x=images, mask=images[..., 0], y=np.arange(6) % 2)
    data = ("--data-key", "x,mask", "--label-key", "y")
    ended = run_cli("generate", tmp_path / "arrays.npz", *data, "-q", "-o", tmp_path / "made")
    assert ended.returncode == 0, ended.stderr
    assert MaskCounts.of_rows(MixedArrays(tmp_path / "made")) is None
    assert "ignore_index" not in (tmp_path / "made" / "README.md").read_text()
    ended = run_cli("export", tmp_path / "made", "--to", "voc", "-o", tmp_path / "voc")
    assert (ended.returncode, "has no objects, whose boxes voc is for" in ended.stderr) == (2, True)


def test_inspect_shows_them(run_cli: Runner, masks: Path, instances: Path) -> None:
    shown = run_cli("inspect", masks).stdout
    assert re.search(r"^labels +masks: a class for each pixel$", shown, re.MULTILINE)
    assert re.search(r"^pixels +0 \([\d.]+ %\), .*, none \([\d.]+ %\)$", shown, re.MULTILINE)
    assert json.loads(run_cli("inspect", masks, "--json").stdout)["masks"] == counts_of(masks).facts
    assert "pixels" not in run_cli("inspect", instances).stdout


def test_the_page_shows_them(run_cli: Runner, masks: Path, instances: Path, tmp_path: Path) -> None:
    pages = []
    for place in (masks, instances, masks.parent / "source"):
        options = ["--method", "cutmix"] if place.name == "source" else []
        ended = run_cli("report", place, *options, "-q", "-o", tmp_path / "page.html", "--force")
        assert ended.returncode == 0, ended.stderr
        pages.append((tmp_path / "page.html").read_text())
    assert 'id="masks"' in pages[0]
    assert "cross_entropy(logits, mask.long(), ignore_index=255)" in pages[0]
    assert all('id="masks"' not in page for page in pages[1:])
    assert "images, labels" not in pages[1].split('id="reading"')[1].split("NumPy")[0]


def test_card_and_metadata_say_what_maps_hold(masks: Path, instances: Path, tmp_path: Path) -> None:
    both = write_masked(tmp_path, "mask", "mixup", masks="both")
    for folder, said in (
        (masks, "the class of each pixel; 255 where it has none"),
        (both, "the class of each pixel; 255 where it has none, in the map of each parent"),
        (instances, "its place in the columns of objects plus 1; 0 outside of all"),
    ):
        assert f"{said} |" in (folder / "README.md").read_text()
        assert f"{said}. " in json.loads((folder / "croissant.json").read_text())["description"]
    cards = [(folder / "README.md").read_text() for folder in (masks, both, instances)]
    assert ["ignore_index=255" in each for each in cards] == [True, True, False]
    assert "each times its `share`" in cards[1]
    assert all("unlabelled" not in each for each in cards)
    assert "objects: boxes with a class, and their pixels" in cards[2]
