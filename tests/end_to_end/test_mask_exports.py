"""Masks and instances in the files of other libraries: every number as it is stored, whatever images are encoded as."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.fields.colours import VOC_COLOURS
from tests.contracts.exporter_contract import leaving_files_open
from tests.data_sets import columns
from tests.mask_sources import ROWS, write_masked
from tests.panoptic_scenes import write_panoptic
from tests.running import Runner, error_line

VIEWS: dict[str, Any] = {"flip": 0.5, "crop_pad": 5}


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_masked(tmp_path_factory.mktemp("masks"), "mask", **VIEWS)


@pytest.fixture(scope="module")
def instances(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pycocotools")
    return write_masked(tmp_path_factory.mktemp("instances"), "instances", **VIEWS)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pycocotools")
    return write_masked(tmp_path_factory.mktemp("both"), "instances", "mixup", masks="both")


def export(run_cli: Runner, folder: Path, to: str, out: Path, *options: str) -> Path:
    ended = run_cli("export", folder, "--to", to, "-o", out, "-q", *options)
    assert ended.returncode == 0, ended.stderr
    return out


def numbers_in(folder: Path) -> NDArray[Any]:
    """The masks in a folder, each with Pascal VOC's palette."""
    found = []
    for path in sorted(folder.iterdir()):
        with Image.open(path) as picture:
            assert picture.mode == "P"
            assert picture.getpalette() == VOC_COLOURS.ravel().tolist()
            found.append(np.array(picture))
    return np.stack(found)


def test_voc_has_class_masks(run_cli: Runner, masks: Path, tmp_path: Path) -> None:
    out = export(run_cli, masks, "voc", tmp_path / "voc")
    np.testing.assert_array_equal(numbers_in(out / "SegmentationClass"), columns(masks)["mask"], strict=True)
    assert (out / "ImageSets/Segmentation/train.txt").read_text().split() == [f"{row:09}" for row in range(ROWS)]
    assert sorted(each.name for each in out.iterdir() if each.is_dir() and not each.name.startswith(".")) == [
        "ImageSets",
        "JPEGImages",
        "SegmentationClass",
    ]


def test_an_export_as_voc_is_a_source(run_cli: Runner, masks: Path, tmp_path: Path) -> None:
    """Unmixed again, images and masks are those that were exported."""
    out = export(run_cli, masks, "voc", tmp_path / "voc")
    ended = run_cli("generate", out, "--task", "segment", "--method", "none", "-q", "-o", tmp_path / "again")
    assert ended.returncode == 0, ended.stderr
    again, stored = columns(tmp_path / "again"), columns(masks)
    for name in ("images", "mask"):
        np.testing.assert_array_equal(again[name][np.argsort(again["source_index"][:, 0])], stored[name])


def test_voc_has_classes_and_numbers_of_instances(run_cli: Runner, instances: Path, tmp_path: Path) -> None:
    out, stored = export(run_cli, instances, "voc", tmp_path / "voc"), columns(instances)
    classes, objects = (numbers_in(out / f"Segmentation{name}") for name in ("Class", "Object"))
    assert stored["object_crowd"].any()
    for row, (count, own) in enumerate(zip(stored["object_count"], stored["instances"], strict=True)):
        assert ((own == 0) == (classes[row] == 0)).all()
        for place in range(count):
            is_crowd = stored["object_crowd"][row, place]
            expected = (255, 255) if is_crowd else (stored["object_class"][row, place] + 1, place + 1)
            seen = own == place + 1
            assert {*zip(classes[row][seen].tolist(), objects[row][seen].tolist(), strict=True)} == {expected}
    assert "<segmented>1</segmented>" in (out / "Annotations/000000000.xml").read_text()
    for name in ("Main", "Segmentation"):
        assert len((out / "ImageSets" / name / "train.txt").read_text().split()) == ROWS


def test_voc_has_masks_and_instances_side_by_side(run_cli: Runner, tmp_path: Path) -> None:
    write_panoptic(tmp_path / "source")
    out = tmp_path / "made"
    ended = run_cli("generate", tmp_path / "source", "--method", "cutmix", "-q", "-o", out)
    assert ended.returncode == 0, ended.stderr
    made, stored = export(run_cli, out, "voc", tmp_path / "voc"), columns(out)
    np.testing.assert_array_equal(numbers_in(made / "SegmentationClass"), stored["mask"])
    crowd = np.take_along_axis(np.pad(stored["object_crowd"], ((0, 0), (1, 0))), stored["instances"].reshape(8, -1), 1)
    expected = np.where(crowd.reshape(stored["instances"].shape), 255, stored["instances"])
    assert crowd.any()
    np.testing.assert_array_equal(numbers_in(made / "SegmentationObject"), expected)


@pytest.mark.parametrize("kind", ["instances", "both"])
def test_coco_has_the_pixels_of_each_object(run_cli: Runner, kind: str, request: Any, tmp_path: Path) -> None:
    """As pycocotools reads them."""
    from pycocotools.coco import COCO

    folder = request.getfixturevalue(kind)
    stored, read = columns(folder), COCO(export(run_cli, folder, "coco", tmp_path / "coco") / "annotations.json")
    assert len(read.anns) == stored["object_count"].sum()
    for row in range(ROWS):
        entries = read.loadAnns(read.getAnnIds(imgIds=row))
        for place, entry in enumerate(entries):
            own = stored["instances"][row]
            seen = (own if kind == "instances" else own[stored["object_parent"][row, place]]) == place + 1
            np.testing.assert_array_equal(read.annToMask(entry).astype(bool), seen)
            assert entry["area"] == seen.sum()
            ys, xs = np.nonzero(seen)
            assert entry["bbox"] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]


def test_an_export_as_coco_is_a_source_with_the_same_pixels(run_cli: Runner, instances: Path, tmp_path: Path) -> None:
    out = export(run_cli, instances, "coco", tmp_path / "coco")
    options = ("--task", "segment", "--method", "none", "--min-visible", "0")
    ended = run_cli("generate", out, *options, "-q", "-o", tmp_path / "again")
    assert ended.returncode == 0, ended.stderr
    again, stored = columns(tmp_path / "again"), columns(instances)
    order = np.argsort(again["source_index"][:, 0])
    np.testing.assert_array_equal(again["instances"][order], stored["instances"])
    for name in ("object_count", "object_crowd"):
        places = again[name].shape[1:] or ()
        kept = stored[name][:, : places[0]] if places else stored[name]
        np.testing.assert_array_equal(again[name][order], kept)
    places = again["object_box"].shape[1]
    np.testing.assert_array_equal(again["object_box"][order], stored["object_box"][:, :places])


@pytest.mark.parametrize("kind", ["masks", "instances"])
def test_masks_lose_nothing_where_images_do(run_cli: Runner, kind: str, request: Any, tmp_path: Path) -> None:
    """WebDataset and Parquet with JPEG have PNG of the masks."""
    webdataset, datasets = pytest.importorskip("webdataset"), pytest.importorskip("datasets")
    folder = request.getfixturevalue(kind)
    name = "mask" if kind == "masks" else "instances"
    expected = columns(folder)[name]
    tars = export(run_cli, folder, "webdataset", tmp_path / "tars", "--image-format", "jpeg:90")
    found = []
    with leaving_files_open():
        for sample in webdataset.WebDataset([str(each) for each in sorted(tars.glob("*.tar"))], shardshuffle=False):
            assert {"jpg", f"{name}.png"} <= sample.keys()
            found.append(np.array(Image.open(io.BytesIO(sample[f"{name}.png"]))))
    np.testing.assert_array_equal(np.stack(found), expected)
    facts = json.loads((tars / "mixup-gen.json").read_text())
    assert facts.get("ignore_index") == (255 if kind == "masks" else None)
    table = export(run_cli, folder, "parquet", tmp_path / "table", "--image-format", "jpeg:90")
    files = [str(each) for each in sorted(table.glob("*.parquet"))]
    with leaving_files_open():
        rows = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
        np.testing.assert_array_equal(np.stack([np.array(row[name]) for row in rows]), expected)


@pytest.mark.parametrize("to", ["npz", "zarr", "webdataset", "parquet", "arrow"])
def test_maps_of_both_parents_are_arrays(run_cli: Runner, both: Path, to: str, tmp_path: Path) -> None:
    out = export(run_cli, both, to, tmp_path / "out")
    if to == "npz":
        found = [np.load(each)["instances"] for each in sorted(out.glob("*.npz"))]
        np.testing.assert_array_equal(np.concatenate(found), columns(both)["instances"])


@pytest.mark.parametrize(
    ("kind", "to", "said"),
    [
        ("masks", "coco", "has no objects, whose boxes coco is for. Use, for example, voc or webdataset."),
        (
            "masks",
            "imagefolder",
            "a table of text holds no 'mask' beside the images. Name the other columns, or use voc",
        ),
        ("both", "voc", "VOC has one mask a picture, and"),
    ],
)
def test_formats_that_cannot_hold_them(
    run_cli: Runner, kind: str, to: str, said: str, request: Any, tmp_path: Path
) -> None:
    ended = run_cli("export", request.getfixturevalue(kind), "--to", to, "-o", tmp_path / "out")
    assert ended.returncode == 2
    assert said in error_line(ended)
    assert not (tmp_path / "out").exists()


def test_classes_of_16_bits_do_not_fit_voc(run_cli: Runner, tmp_path: Path) -> None:
    for name in ("images", "masks"):
        (tmp_path / "source" / name).mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "source/images/a.png")
    Image.fromarray(np.full((8, 8), 300, np.uint16)).save(tmp_path / "source/masks/a.png")
    made = run_cli("generate", tmp_path / "source", "--method", "none", "-q", "-o", tmp_path / "made")
    assert made.returncode == 0, made.stderr
    ended = run_cli("export", tmp_path / "made", "--to", "voc", "-o", tmp_path / "out")
    assert ended.returncode == 2
    assert "VOC's masks have 8 bits, and these classes need 16. Use webdataset." in error_line(ended)


def test_coco_needs_a_library_for_instances(
    run_cli: Runner, instances: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools.mask", None)
    ended = run_cli("export", instances, "--to", "coco", "-o", tmp_path / "out")
    assert ended.returncode == 2
    assert "pip install 'mixup-gen[objects]'" in error_line(ended)
    assert not (tmp_path / "out").exists()


def test_yolo_says_that_outlines_are_left_out(run_cli: Runner, instances: Path, tmp_path: Path) -> None:
    ended = run_cli("export", instances, "--to", "yolo", "-o", tmp_path / "out")
    assert ended.returncode == 0
    assert ended.stderr.count("instances are written as their boxes, without outlines") == 1
