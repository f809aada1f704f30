"""Formats with a file beside each image, and Open Images' table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixup_cli.errors import DataError, UsageError
from mixup_cli.sources import SourceOptions, open_source
from tests.small_objects import (
    OBJECTS,
    labelme_content,
    voc_text,
    write_images,
    write_labelme,
    write_open_images,
    write_voc,
)


def counts(root: Path, **options: Any) -> list[int]:
    objects = open_source([root], SourceOptions(**options)).objects
    assert objects is not None
    return [int(each) for each in objects.counts]


def lists(root: Path, **names: str) -> Path:
    (root / "ImageSets/Main").mkdir(parents=True)
    for split, text in names.items():
        (root / f"ImageSets/Main/{split}.txt").write_text(text)
    return root


def test_voc_s_lists_are_its_splits(tmp_path: Path) -> None:
    root = lists(write_voc(tmp_path), train="a\nd\n", val="c  1\n", trainval="a\nc\nd\n", cat_train="b  1\n")
    assert counts(root) == [2, 0]
    assert counts(root, split="val") == [3]
    assert counts(root, split="trainval") == [2, 3, 0]
    assert open_source([root]).labels.class_names == ("bird", "cat", "dog"), "the classes of all splits"
    with pytest.raises(UsageError, match="no such split"):
        open_source([root], SourceOptions(split="test"))


def test_voc_s_list_names_an_image_that_is_not_there(tmp_path: Path) -> None:
    source = open_source([lists(write_voc(tmp_path), train="a\nzzz\n")])
    assert [*source.survey().broken] == ["JPEGImages/zzz.jpg"]


def test_xml_beside_images_and_in_folders_of_splits(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        write_images(tmp_path / split)
        for name in "ab" if split == "train" else "c":
            (tmp_path / f"{split}/{name}.xml").write_text(voc_text(name))
    assert counts(tmp_path, box_origin=0) == [2, 1, 0, 0]
    assert counts(tmp_path, split="val", box_origin=0) == [0, 0, 3, 0]
    assert counts(tmp_path / "train") == [2, 1, 0, 0]
    assert open_source([tmp_path]).labels.class_names == ("bird", "cat", "dog"), "the classes of all splits"
    with pytest.raises(UsageError, match="split"):
        open_source([tmp_path / "train"], SourceOptions(split="val"))


@pytest.mark.parametrize("text", ["<!DOCTYPE annotation><annotation/>", '<!DOCTYPE a [<!ENTITY b "c">]><annotation/>'])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_types_are_refused(text: str, encoding: str, tmp_path: Path) -> None:
    root = write_voc(tmp_path)
    (root / "Annotations/b.xml").write_bytes(text.encode(encoding))
    with pytest.raises(DataError, match=r"b\.xml: has a document type"):
        open_source([root])


def test_files_without_an_image_name_one_that_the_scan_misses(tmp_path: Path) -> None:
    write: tuple[tuple[Callable[[Path], Path], str], ...] = ((write_voc, "JPEGImages/b.jpg"), (write_labelme, "b.png"))
    for make, missing in write:
        root = make(tmp_path / make.__name__)
        next(root.rglob("b.png")).unlink()
        assert [*open_source([root]).survey().broken] == [missing]


def test_two_images_of_one_name_are_in_doubt(tmp_path: Path) -> None:
    root = write_voc(tmp_path)
    (root / "JPEGImages/a.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="both have the name JPEGImages/a"):
        open_source([root])


def write_shapes(root: Path, *shapes: dict[str, Any]) -> Path:
    write_labelme(root)
    content = labelme_content("b") | {"shapes": [*shapes]}
    (root / "b.json").write_text(json.dumps(content))
    return root


def boxes(root: Path) -> tuple[list[list[float]], tuple[str, ...]]:
    source = open_source([root])
    assert source.objects is not None
    return source.objects.box[source.objects.numbers_of(np.array([1]))].tolist(), source.notices


def test_labelme_s_shapes(tmp_path: Path) -> None:
    shapes = [
        {"label": "cat", "points": [[10, 20], [10, 25]], "shape_type": "circle"},
        {"label": "cat", "points": [[1, 2], [9, 3], [4, 8]]},
        {"label": "cat", "points": [[1, 2], [9, 3]], "shape_type": "line"},
        {"label": "cat", "points": [[1, 2]], "shape_type": "point"},
        {"label": "__ignore__", "points": [[1, 2], [9, 3], [4, 8]]},
    ]
    found, notices = boxes(write_shapes(tmp_path, *shapes))
    assert found == [[5, 15, 15, 25], [1, 2, 9, 8]]
    assert notices[-1] == "left out 3 shapes that are not objects (__ignore__, line, point)"


def test_labelme_s_groups_are_one_object(tmp_path: Path) -> None:
    parts: list[dict[str, Any]] = [
        {"label": "cat", "shape_type": "rectangle", "points": [[x, 4], [x + 2, 9]]} for x in (1, 5, 12, 20)
    ]
    for part, group in zip(parts, (0, None, 0, None), strict=True):
        part["group_id"] = group
    parts.append({"label": "dog", "shape_type": "rectangle", "points": [[2, 2], [3, 3]], "group_id": 0})
    found, _ = boxes(write_shapes(tmp_path, *parts))
    assert found == [[1, 4, 14, 9], [5, 4, 7, 9], [20, 4, 22, 9], [2, 2, 3, 3]]


def test_labelme_s_groups_are_of_one_label_however_long(tmp_path: Path) -> None:
    name = "instrument/surgical/laparoscopic/needle-driver/left-handed/"
    shapes = [
        {"label": name + end, "shape_type": "rectangle", "points": [[x, 4], [x + 2, 9]], "group_id": 1}
        for x, end in ((1, "open"), (5, "closed"), (12, "open"))
    ]
    found, _ = boxes(write_shapes(tmp_path, *shapes))
    assert found == [[1, 4, 14, 9], [5, 4, 7, 9]]


def test_labelme_s_splits_have_the_same_classes(tmp_path: Path) -> None:
    for split, name in (("train", "b"), ("val", "c")):
        write_images(tmp_path / split)
        (tmp_path / f"{split}/{name}.json").write_text(json.dumps(labelme_content(name)))
    assert counts(tmp_path) == [0, 1, 0, 0]
    assert counts(tmp_path, split="val") == [0, 0, 3, 0]
    assert open_source([tmp_path]).labels.class_names == ("bird", "cat", "dog")


def test_labelme_s_json_in_another_folder_names_its_image(tmp_path: Path) -> None:
    root = write_labelme(tmp_path)
    (root / "b.json").unlink()
    (root / "more").mkdir()
    (root / "more/x.json").write_text(json.dumps(labelme_content("b") | {"imagePath": "..\\b.png"}))
    assert counts(root) == [2, 1, 3, 0]


def test_open_images_ignores_rows_of_other_images(tmp_path: Path) -> None:
    root = write_open_images(tmp_path)
    source = open_source([root], SourceOptions(task="detect", labels_from=str(root / "boxes.csv")))
    assert any("ignored 1 row of images that are not in this folder" in each for each in source.notices)
    text = (root / "boxes.csv").read_text().replace(",0\n", ",1\n")
    (root / "boxes.csv").write_text(text)
    crowds = open_source([root], SourceOptions(task="detect", labels_from=str(root / "boxes.csv"))).objects
    assert crowds is not None
    assert crowds.crowd.sum() == sum(map(len, OBJECTS.values())) - 1, "the last row has no line end"
