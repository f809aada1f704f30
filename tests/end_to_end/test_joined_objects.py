"""Several sources with objects or masks: the same rows as of one source that is joined by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.data_sets import columns, manifest
from tests.end_to_end.whatever_happens import check_repaired
from tests.object_scenes import write_scenes
from tests.running import Runner

OPTIONS = "--method mixup,cutmix,mosaic --size 48 --flip 0.5 --samples-per-shard 9 --passes 2 -q".split()

POINTS = ["middle", "left_corner", "right_corner"]


def content_of(root: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((root / "annotations.json").read_text())
    return content


def write(root: Path, content: dict[str, Any]) -> Path:
    (root / "annotations.json").write_text(json.dumps(content))
    return root


@pytest.fixture
def halves(tmp_path: Path) -> tuple[Path, Path]:
    """Two files of annotations. The second lacks balls, has bats, and names cups and kites the other way round by id;
    both have the same ids of images and of objects."""
    first, second = write_scenes(tmp_path / "first", 7), write_scenes(tmp_path / "second", 5)
    content = content_of(second)
    content["categories"] = [{"id": 90, "name": "cup"}, {"id": 7, "name": "kite"}, {"id": 3, "name": "bat"}]
    return first, write(second, content)


def joined(halves: tuple[Path, Path], root: Path) -> Path:
    """One file about the pictures of both, which stand in the same order."""
    names = ("ball", "bat", "cup", "kite")
    made: dict[str, Any] = {"images": [], "annotations": []}
    made["categories"] = [{"id": number, "name": name} for number, name in enumerate(names)]
    for number, half in enumerate(halves):
        (root / "images").mkdir(parents=True, exist_ok=True)
        content = content_of(half)
        by_id = {each["id"]: names.index(each["name"]) for each in content["categories"]}
        for each in content["images"]:
            name = f"{number}-{each['file_name']}"
            shutil.copy(half / "images" / each["file_name"], root / "images" / name)
            made["images"].append(each | {"id": 10_000 * number + each["id"], "file_name": name})
        for each in content["annotations"]:
            keys = {key: 10_000 * number + each[key] for key in ("id", "image_id")}
            made["annotations"].append(each | keys | {"category_id": by_id[each["category_id"]]})
    return write(root, made)


@pytest.mark.parametrize("task", ["detect", "segment"])
def test_two_files_give_the_rows_of_one(run_cli: Runner, halves: tuple[Path, Path], tmp_path: Path, task: str) -> None:
    if task == "segment":
        pytest.importorskip("pycocotools")
    one, two = tmp_path / "one", tmp_path / "two"
    for out, sources in ((one, [joined(halves, tmp_path / "joined")]), (two, halves)):
        ended = run_cli("generate", *sources, "-o", out, "--task", task, *OPTIONS)
        assert ended.returncode == 0, ended.stderr
    expected, found = columns(one), columns(two)
    assert expected.keys() == found.keys()
    assert (task == "segment") == ("instances" in found)
    for name in found.keys() - {"object_id"}:
        np.testing.assert_array_equal(found[name], expected[name], name)
    np.testing.assert_array_equal(found["object_id"], expected["object_id"] % 10_000, "each source's own")
    assert manifest(two)["class_names"] == manifest(one)["class_names"] == ["ball", "bat", "cup", "kite"]


def test_both_are_found_again(run_cli: Runner, halves: tuple[Path, Path], tmp_path: Path) -> None:
    out = check_repaired(run_cli, halves, tmp_path, " ".join(OPTIONS))
    content = content_of(halves[1])
    content["annotations"][0]["category_id"] = 3
    write(halves[1], content)
    ended = run_cli("verify", "--deep", out)
    assert ended.returncode == 65
    assert "1:000.png" in ended.stderr + ended.stdout


def with_keypoints(root: Path, names: list[str]) -> Path:
    content = content_of(root)
    for each in content["categories"]:
        each["keypoints"] = names
    for each in content["annotations"]:
        x, y, width, height = each["bbox"]
        each["keypoints"] = [x + width / 2, y + height / 2, 2, x + 1, y + 1, 1, 0, 0, 0]
    return write(root, content)


def test_keypoints_are_the_same_in_all(run_cli: Runner, halves: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = (with_keypoints(each, POINTS) for each in halves)
    out = tmp_path / "out"
    assert run_cli("generate", first, second, "-o", out, *OPTIONS).returncode == 0
    assert manifest(out)["recipe"]["keypoints"] == POINTS
    assert columns(out)["keypoints"].any()
    with_keypoints(second, ["middle", "right_corner", "left_corner"])
    ended = run_cli("generate", first, second, "-o", tmp_path / "other", *OPTIONS)
    assert ended.returncode == 65
    assert "second: has the keypoints middle, right_corner, left_corner, and" in ended.stderr
    assert "or pass --task detect" in ended.stderr


def test_of_one_task(run_cli: Runner, halves: tuple[Path, Path], tmp_path: Path) -> None:
    with_keypoints(halves[0], POINTS)
    ended = run_cli("inspect", *halves)
    assert ended.returncode == 65
    assert "second: is read for --task detect, and" in ended.stderr
    assert "Pass --task detect to read the boxes of both" in ended.stderr
    assert run_cli("inspect", *halves, "--task", "detect").returncode == 0


def write_masks(root: Path, classes: int, instances: bool = False) -> Path:
    """Three images with masks of classes 0 … `classes` − 1, as Pascal VOC lays them out; each class is one object."""
    for number in range(3):
        stripes = np.repeat(np.arange(classes, dtype=np.uint8), 8)[None].repeat(20, axis=0)
        folders = {"JPEGImages": np.stack([20 * stripes + number] * 3, axis=-1), "SegmentationClass": stripes}
        for folder, pixels in (folders | ({"SegmentationObject": stripes} if instances else {})).items():
            (root / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / folder / f"{number}.png")
    return root


@pytest.mark.parametrize("instances", [False, True])
def test_masks_keep_their_numbers(run_cli: Runner, tmp_path: Path, instances: bool) -> None:
    first, second = write_masks(tmp_path / "a", 3, instances), write_masks(tmp_path / "b", 5, instances)
    out = tmp_path / "out"
    ended = run_cli("generate", first, second, "-o", out, "--method", "cutmix", "--size", 16, "--passes", 3, "-q")
    assert ended.returncode == 0, ended.stderr
    found = columns(out)
    assert ("instances" in found) == instances
    colours = np.rint(found["images"][..., 0] / 20).astype(int)  # of a picture stretched or padded, not at edges
    assert {*np.unique(found["mask"]).tolist()} <= {*range(5), 255}
    has_class = found["mask"] != 255
    assert (found["mask"] == colours)[has_class].mean() > 0.8
    assert run_cli("verify", "--deep", out).returncode == 0


def test_masks_of_other_classes_are_refused(run_cli: Runner, tmp_path: Path) -> None:
    pytest.importorskip("pycocotools")
    masks, scenes = write_masks(tmp_path / "a", 3), write_scenes(tmp_path / "b", 3)
    ended = run_cli("inspect", masks, scenes)
    assert ended.returncode == 65
    assert "Give sources for the same task" in ended.stderr
    ended = run_cli("inspect", masks, scenes, "--task", "segment")
    assert ended.returncode == 65
    assert "b: has instances, and" in ended.stderr
