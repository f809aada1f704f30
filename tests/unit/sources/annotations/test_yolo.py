"""YOLO's data.yaml and texts."""

from __future__ import annotations

import ntpath
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.sources import Source, SourceOptions, open_source
from mixup_cli.sources.annotations import yolo
from mixup_cli.sources.annotations.yolo import text_of
from tests.small_objects import SIZES, write_images, write_yolo, yolo_lines

NAMES = "names: [bird, cat, dog]\n"


def described(root: Path, text: str) -> Path:
    (root / "data.yaml").write_text(text)
    return root


def counts(source: Source) -> list[int]:
    assert source.objects is not None
    return [int(each) for each in source.objects.counts]


@pytest.mark.parametrize(
    ("picture", "text"),
    [
        ("images/a.jpg", "labels/a.txt"),
        ("x/images/y/images/z/a.b.png", "x/images/y/labels/z/a.b.txt"),
        ("train/a.png", "train/a.txt"),
        ("myimages/a.png", "myimages/a.txt"),
    ],
)
def test_where_texts_lie(picture: str, text: str) -> None:
    assert text_of(picture) == text


@pytest.mark.parametrize(
    ("picture", "path", "text"),
    [
        (r"C:\set\images\train\a.png", "images/train/a.png", "labels/train/a.txt"),
        (r"D:\more\images\a.png", "D:/more/images/a.png", "D:/more/labels/a.txt"),
    ],
)
def test_paths_of_windows(picture: str, path: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yolo, "os", SimpleNamespace(path=ntpath, sep=ntpath.sep))
    assert yolo.path_from(r"C:\set", picture) == path
    assert text_of(path) == text


@pytest.mark.parametrize(
    "text",
    [
        f"train: images/train\n{NAMES}",
        f"path: nowhere\ntrain: images/train\n{NAMES}",
        f"path: ./\ntrain: [images/train]\n{NAMES}",
        f"train: ../images/train\n{NAMES}",
        "train: images/train\nnames:\n  2: dog\n  0: bird\n  1: cat\n",
        f"train: train.txt\nval:\n{NAMES}",
        f"train: listed.txt\n{NAMES}",
    ],
)
def test_ways_to_name_images_and_classes(text: str, tmp_path: Path) -> None:
    root = described(write_yolo(tmp_path / "set"), text)
    (root / "train.txt").write_text("\n".join(f"images/train/{name}.png" for name in SIZES) + "\n\n")
    (root / "listed.txt").write_text("\r\n".join(f"./images/train/{name}.png" for name in SIZES))
    for place in (root, root / "data.yaml"):
        source = open_source([place])
        assert source.labels.class_names == ("bird", "cat", "dog")
        assert counts(source) == [2, 1, 3, 0]
        assert source.keys[0] == "images/train/a.png"


def test_words_that_yaml_takes_for_other_values(tmp_path: Path) -> None:
    root = described(write_yolo(tmp_path), "train: images/train\nnames: [no, 1, null-ish]\n")
    assert open_source([root]).labels.class_names == ("no", "1", "null-ish")
    described(root, "train: images/train\nnc: 3\n")
    assert open_source([root]).labels.class_names == ("class_0", "class_1", "class_2")


def test_splits(tmp_path: Path) -> None:
    root = described(write_yolo(tmp_path), f"train: images/train\nval: images/val\n{NAMES}")
    write_images(root / "images/val")
    (root / "labels/val").mkdir()
    (root / "labels/val/a.txt").write_text(yolo_lines("a"))
    train, val = open_source([root]), open_source([root], SourceOptions(split="val"))
    assert (counts(train), counts(val)) == ([2, 1, 3, 0], [2, 0, 0, 0])
    assert any("using the training split" in each for each in train.notices)
    with pytest.raises(UsageError, match="no such split"):
        open_source([root], SourceOptions(split="test"))


def test_texts_beside_images(tmp_path: Path) -> None:
    write_images(tmp_path / "train")
    (tmp_path / "train/a.txt").write_text(yolo_lines("a"))
    assert counts(open_source([described(tmp_path, f"train: train\n{NAMES}")])) == [2, 0, 0, 0]
    (tmp_path / "train/a.txt").unlink()
    with pytest.raises(DataError, match=r"no image of train has a text with its objects, such as .*train/a\.txt"):
        open_source([tmp_path])


@pytest.mark.parametrize("width", [2, 3])
def test_keypoints(width: int, tmp_path: Path) -> None:
    root = described(
        write_yolo(tmp_path), f"train: images/train\n{NAMES}kpt_shape: [3, {width}]\nflip_idx: [0, 2, 1]\n"
    )
    for each in (root / "labels/train").iterdir():
        each.unlink()
    points = ["0.5 0.25", "0 0", "1 1"]
    seen = ["1", "0", "2"]
    text = " ".join(f"{point} {shown}" if width == 3 else point for point, shown in zip(points, seen, strict=True))
    (root / "labels/train/a.txt").write_text(f"1 0.5 0.5 0.5 0.5 {text}\n")
    objects = open_source([root]).objects
    assert objects is not None
    assert objects.keypoints is not None
    assert objects.keypoints.names == ("0", "1", "2")
    assert objects.keypoints.mirrored == (0, 2, 1)
    expected = [[20, 7.5, 1 if width == 3 else 2], [0, 0, 0], [40, 30, 2]]
    np.testing.assert_array_equal(objects.points[0], expected)
    np.testing.assert_array_equal(objects.box[0], [10, 7.5, 30, 22.5])


def test_without_pairs_a_notice_says_so(tmp_path: Path) -> None:
    root = described(write_yolo(tmp_path), f"train: images/train\n{NAMES}kpt_shape: [2, 2]\n")
    for each in (root / "labels/train").iterdir():
        each.write_text("1 0.5 0.5 0.5 0.5 0.1 0.1 0.2 0.2\n")
    assert any("flip_pairs names those that swap" in each for each in open_source([root]).notices)
    assert not any("swap" in each for each in open_source([root], SourceOptions(flip_pairs="0-1")).notices)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("5 0.5 0.5 0.5 0.5", "has the class 5, and there are 3"),
        ("-1 0.5 0.5 0.5 0.5", "has the class -1"),
        ("0.5 0.5 0.5 0.5 0.5", "class 0.5 is not a whole number"),
        ("nan 0.5 0.5 0.5 0.5", "class nan"),
        ("0 0.5 0.5 0 0.5", "has an empty box"),
        ("0 0.5 0.5 nan 0.5", "not finite"),
        ("0 0.5 0.5 inf 0.5", "inf is not in 0 … 1"),
        ("0 320 240 100 50", "320 is not in 0 … 1"),
        ("0 0.5 0.5 0.5", "4 numbers, expected 5"),
        ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4", "8 numbers, expected 5"),
        ("cat 0.5 0.5 0.5 0.5", "could not convert"),
        ("0,0.5,0.5,0.5,0.5", "could not convert"),
    ],
)
def test_lines_that_are_not_objects(line: str, found: str, tmp_path: Path) -> None:
    root = write_yolo(tmp_path)
    with (root / "labels/train/b.txt").open("a") as text:
        text.write(f"\n{line}\n")
    with pytest.raises(DataError, match=rf"b\.txt, line 3: .*{found}"):
        open_source([root])
    assert counts(open_source([root], SourceOptions(on_error="skip"))) == [2, 1, 3, 0]


def test_places_that_are_not_there(tmp_path: Path) -> None:
    root = described(write_yolo(tmp_path), f"train: [images/train, images/more]\n{NAMES}")
    with pytest.raises(NoInputError, match="names 'images/more'"):
        open_source([root])
    for place, remedy in {
        "elsewhere": "Correct path in",
        "/elsewhere": "Correct train, for example images/train, in",
    }.items():
        with pytest.raises(NoInputError, match=f"not such a path .* {remedy} the file"):
            open_source([described(root, f"train: {place}\n{NAMES}")])


def test_without_pyyaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(UsageError, match=r"pip install 'mixup-gen\[objects\]'"):
        open_source([write_yolo(tmp_path)])
