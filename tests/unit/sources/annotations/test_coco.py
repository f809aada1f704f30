"""COCO's JSON: layouts, ids, keypoints."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mixup_cli.errors import DataError, UsageError
from mixup_cli.sources import SourceOptions, open_source
from mixup_cli.sources.annotations.coco_tables import keypoints_of
from tests.small_objects import coco_content, write_images

KEYPOINTS = ["nose", "left_eye", "right_eye"]


def with_keypoints() -> dict[str, Any]:
    content = coco_content()
    for category in content["categories"]:
        category["keypoints"] = KEYPOINTS
    content["annotations"][0]["keypoints"] = [1, 2, 2, 3, 4, 1, 9, 9, 0]
    return content


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("side", [10**400, float("nan"), float("inf"), "9"])
def test_a_size_is_a_number_of_pixels(side: object, tmp_path: Path) -> None:
    content = coco_content()
    content["images"][0]["width"] = side
    write_images(tmp_path)
    with pytest.raises(DataError, match="expected numbers of pixels"):
        open_source([write(tmp_path / "x.json", content)])


def test_ids_and_crowds_are_kept(tmp_path: Path) -> None:
    content = coco_content()
    content["annotations"][0]["iscrowd"] = 1
    write_images(tmp_path)
    objects = open_source([write(tmp_path / "x.json", content)]).objects
    assert objects is not None
    assert sorted(objects.ids.tolist()) == [500 + number for number in range(len(content["annotations"]))]
    assert objects.ids[objects.crowd == 1].tolist() == [500]


def test_what_is_not_read_takes_no_memory(tmp_path: Path) -> None:
    """Outlines are most of COCO's files; as objects of Python, they would take six times as much."""
    content = coco_content()
    for entry in content["annotations"]:
        entry["segmentation"] = entry["other"] = [[each + 0.25 for each in range(20_000)]]
    write_images(tmp_path)
    file = write(tmp_path / "x.json", content)
    tracemalloc.start()
    try:
        open_source([file])
        assert tracemalloc.get_traced_memory()[1] < 3 * file.stat().st_size
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("images", ["train2017", "images/train2017"])
def test_coco_s_own_layout(images: str, tmp_path: Path) -> None:
    write_images(tmp_path / images)
    write_images(tmp_path / "val2017")
    for split in ("train", "val"):
        content = coco_content()
        content["annotations"] = content["annotations"][: 3 if split == "train" else 1]
        write(tmp_path / f"annotations/instances_{split}2017.json", content)
    write(tmp_path / "annotations/captions_train2017.json", {"images": [], "annotations": []})
    write(tmp_path / "annotations/person_keypoints_train2017.json", with_keypoints())
    train, val = open_source([tmp_path]), open_source([tmp_path], SourceOptions(split="val"))
    assert train.objects is not None
    assert val.objects is not None
    assert (len(train.objects.box), len(val.objects.box)) == (3, 1)
    assert any("using the training split" in notice for notice in train.notices)
    pose = open_source([tmp_path], SourceOptions(task="pose"))
    assert pose.objects is not None
    assert pose.objects.keypoints == keypoints_of(KEYPOINTS)
    with pytest.raises(UsageError, match="no such split"):
        open_source([tmp_path], SourceOptions(split="test"))


def test_roboflow_s_layout(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        write_images(tmp_path / split)
        write(tmp_path / f"{split}/_annotations.coco.json", coco_content())
    assert next(iter(open_source([tmp_path]).files())) == str(tmp_path / "train/a.png")
    val = open_source([tmp_path], SourceOptions(split="val"))
    assert next(iter(val.files())) == str(tmp_path / "valid/a.png")


def test_a_folder_of_images_with_a_file_elsewhere(tmp_path: Path) -> None:
    write_images(tmp_path / "images/cat")
    file = write(tmp_path / "elsewhere/x.json", coco_content("cat/"))
    source = open_source([tmp_path / "images"], SourceOptions(labels_from=str(file)))
    assert source.keys[0] == "cat/a.png"
    assert source.objects is not None
    with pytest.raises(UsageError, match="labels_from"):
        open_source([file], SourceOptions(labels_from=str(file)))


def test_several_files_of_a_split_are_in_doubt(tmp_path: Path) -> None:
    write_images(tmp_path)
    for name in ("a", "b"):
        write(tmp_path / f"annotations/instances_{name}.json", coco_content())
    with pytest.raises(UsageError, match=r"several that could be meant .*Name one of them as the source"):
        open_source([tmp_path])


def test_json_of_something_else_does_not_hide_class_folders(tmp_path: Path) -> None:
    write_images(tmp_path / "cat")
    write_images(tmp_path / "dog")
    write(tmp_path / "annotations.json", {"a.png": "cat"})
    assert open_source([tmp_path]).labels.class_names == ("cat", "dog")


def test_keypoints_change_places_by_their_names_or_as_asked(tmp_path: Path) -> None:
    write_images(tmp_path)
    file = write(tmp_path / "x.json", with_keypoints())
    source = open_source([file])
    assert source.task == "pose"
    assert source.objects is not None
    assert source.objects.keypoints is not None
    assert source.objects.keypoints.mirrored == (0, 2, 1)
    is_500 = source.objects.ids == 500
    assert source.objects.points[is_500][0].tolist() == [[1, 2, 2], [3, 4, 1], [0, 0, 0]]
    assert not source.objects.points[~is_500].any()
    other = open_source([file], SourceOptions(flip_pairs="0-2"))
    assert other.objects is not None
    assert other.objects.keypoints is not None
    assert other.objects.keypoints.mirrored == (2, 1, 0)
    boxes = open_source([file], SourceOptions(task="detect"))
    assert boxes.objects is not None
    assert (boxes.task, boxes.objects.keypoints) == ("detect", None)
    with pytest.raises(UsageError, match="flip_pairs"):
        open_source([file], SourceOptions(task="detect", flip_pairs="0-2"))


@pytest.mark.parametrize("pairs", ["", "0-0", "0-1,1-2", "0-3", "a-b", "0-1,", "-1-2", "0-1;2-3", "9" * 5000])
def test_pairs_that_are_none(pairs: str, tmp_path: Path) -> None:
    write_images(tmp_path)
    with pytest.raises(UsageError, match="flip_pairs"):
        open_source([write(tmp_path / "x.json", with_keypoints())], SourceOptions(flip_pairs=pairs))


def clip(content: dict[str, Any]) -> None:
    content["annotations"][0]["bbox"] = [-5, -5, 10, 12.5]


def beyond(content: dict[str, Any]) -> None:
    content["annotations"][0]["bbox"] = [1000, 5, 10, 10]


def empty(content: dict[str, Any]) -> None:
    content["annotations"][0]["bbox"] = [5, 5, 0, 10]


def unseen(content: dict[str, Any]) -> None:
    content["annotations"][0] |= {"keypoints": [1, 1, 3, 0, 0, 0, 0, 0, 0]}


def test_a_box_is_clipped_to_its_image(tmp_path: Path) -> None:
    write_images(tmp_path)
    content = coco_content()
    clip(content)
    objects = open_source([write(tmp_path / "x.json", content)]).objects
    assert objects is not None
    assert objects.box[objects.ids == 500].tolist() == [[0, 0, 5, 7.5]]


@pytest.mark.parametrize(
    ("spoil", "found"),
    [(beyond, "outside of the image"), (empty, "has an empty box"), (unseen, "visibility 3")],
)
def test_objects_that_cannot_be_are_refused_or_left_out(
    spoil: Callable[[dict[str, Any]], None], found: str, tmp_path: Path
) -> None:
    write_images(tmp_path)
    content = with_keypoints()
    spoil(content)
    file = write(tmp_path / "x.json", content)
    with pytest.raises(DataError, match=rf"x\.json: annotations\[0\]: .*{found}.*on_error=skip"):
        open_source([file])
    source = open_source([file], SourceOptions(on_error="skip"))
    assert source.objects is not None
    assert 500 not in source.objects.ids
    assert len(source.objects.ids) == len(content["annotations"]) - 1
    assert "1 object left out" in source.notices[-1]
