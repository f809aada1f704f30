"""Images with masks as data sets have them: every layout that is known, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.errors import DataError, MixupGenError, NoInputError, UsageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources import Source, SourceOptions, open_source
from tests.small_objects import write_voc

SIZE = (6, 5)
"""Width and height."""


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE, (9, 9, 9)).save(path)


def mask(path: Path, value: int = 1, mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full(SIZE[::-1], value, np.uint16 if mode == "I;16" else np.uint8)
    made = Image.fromarray(pixels)
    if mode == "P":
        made = Image.fromarray(pixels, "L").convert("P")
        made.putdata(pixels.ravel().tolist())
    made.save(path)


def written(root: Path, files: Mapping[str, str]) -> Path:
    """Pictures, and the mask of each, of the class of its number."""
    for number, (image, its_mask) in enumerate(files.items()):
        picture(root / image)
        mask(root / its_mask, number)
    return root


def loaded(source: Source) -> tuple[NDArray[Any], list[str | None]]:
    """All masks, and why some cannot be used."""
    beside = source.beside["mask"]
    form = beside.survey(1).array_form
    assert form is not None
    target = Target(Form(SIZE[::-1], form.dtype, "hw"))
    out = np.empty((len(source), *SIZE[::-1]), form.dtype)
    return out, [each.problem for each in beside.load(0, len(source), target, out)]


LAYOUTS: dict[str, tuple[dict[str, str], int]] = {
    "plain": ({"images/a.jpg": "masks/a.png", "images/b.png": "masks/b.png"}, 2),
    "endings": ({"imgs/a_img.jpg": "mask/a_mask.png", "imgs/b.jpg": "mask/b_seg.png"}, 2),
    "labels in capitals": ({"Images/a.jpg": "Labels/a.png"}, 1),
    "ADE20K": (
        {
            "images/training/a.jpg": "annotations/training/a.png",
            "images/validation/b.jpg": "annotations/validation/b.png",
        },
        1,
    ),
    "Cityscapes": (
        {
            "leftImg8bit/train/ulm/u_1_leftImg8bit.png": "gtFine/train/ulm/u_1_gtFine_labelIds.png",
            "leftImg8bit/val/bonn/b_1_leftImg8bit.png": "gtFine/val/bonn/b_1_gtFine_labelIds.png",
        },
        1,
    ),
    "CamVid": ({"train/a.png": "trainannot/a.png", "val/b.png": "valannot/b.png"}, 1),
    "CamVid of fastai": ({"train/a.png": "train_labels/a_L.png", "val/b.png": "val_labels/b_L.png"}, 1),
    "splits outside": ({"train/images/a.jpg": "train/masks/a.png", "valid/images/b.jpg": "valid/masks/b.png"}, 1),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_are_found(name: str, tmp_path: Path) -> None:
    files, count = LAYOUTS[name]
    source = open_source([written(tmp_path / "set", files)])
    assert (source.task, len(source)) == ("segment", count)
    assert source.notices[0].startswith(f"read as images with masks: {count} image")
    masks, problems = loaded(source)
    assert problems == [None] * count
    assert [int(each.max()) for each in masks] == list(range(count))
    assert list(source.keys) == sorted(files)[:count]


@pytest.mark.parametrize("name", ["ADE20K", "Cityscapes", "CamVid", "splits outside"])
def test_another_split_is_read(name: str, tmp_path: Path) -> None:
    root = written(tmp_path / "set", LAYOUTS[name][0])
    masks, _ = loaded(open_source([root], SourceOptions(split="val")))
    assert [int(each.max()) for each in masks] == [1]
    with pytest.raises(UsageError, match="no such split"):
        open_source([root], SourceOptions(split="test"))


def test_cityscapes_takes_the_numbers_that_are_trained_on(tmp_path: Path) -> None:
    root = written(tmp_path, LAYOUTS["Cityscapes"][0])
    mask(root / "gtFine/train/ulm/u_1_gtFine_labelTrainIds.png", 7)
    mask(root / "gtFine/train/ulm/u_1_gtFine_instanceIds.png", 9)
    masks, _ = loaded(open_source([root]))
    assert int(masks.max()) == 7


def test_voc_has_lists_and_images_without_masks(tmp_path: Path) -> None:
    for name in "abcd":
        picture(tmp_path / f"JPEGImages/{name}.jpg")
    for number, name in enumerate("abc"):
        mask(tmp_path / f"SegmentationClass/{name}.png", number, "P")
    lists = tmp_path / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb\n")
    (lists / "val.txt").write_text("c\nd\n")
    options = SourceOptions(task="segment")
    train, val = open_source([tmp_path], options), open_source([tmp_path], SourceOptions(task="segment", split="val"))
    assert list(train.keys) == ["JPEGImages/a.jpg", "JPEGImages/b.jpg"]
    assert [int(each.max()) for each in loaded(train)[0]] == [0, 1]
    assert list(val.keys) == ["JPEGImages/c.jpg"]
    assert any("left out 1 image without a mask (JPEGImages/d.jpg)" in each or "d.jpg" in each for each in val.notices)


def test_any_folder_of_masks_can_be_named(tmp_path: Path) -> None:
    for name in ("b/x.jpg", "a/y.jpg"):
        picture(tmp_path / "photos" / name)
    mask(tmp_path / "truth/b/x.png", 3)
    mask(tmp_path / "truth/a/y.png", 4)
    source = open_source([tmp_path / "photos"], SourceOptions(labels_from=str(tmp_path / "truth")))
    assert list(source.keys) == ["a/y.jpg", "b/x.jpg"]
    assert [int(each.max()) for each in loaded(source)[0]] == [4, 3]
    (tmp_path / "truth").rename(tmp_path / "photos/truth")
    assert len(open_source([tmp_path / "photos"], SourceOptions(labels_from=str(tmp_path / "photos/truth")))) == 2


def test_deep_masks_keep_their_numbers(tmp_path: Path) -> None:
    written(tmp_path, {"images/a.jpg": "masks/a.png"})
    mask(tmp_path / "masks/a.png", 300, "I;16")
    masks, problems = loaded(open_source([tmp_path]))
    assert (masks.dtype, int(masks.max()), problems) == (np.dtype("uint16"), 300, [None])


def test_folders_of_other_names_are_classes(tmp_path: Path) -> None:
    written(tmp_path, {"images/a.jpg": "cats/a.png"})
    assert open_source([tmp_path]).task == "classify"
    written(tmp_path, {"images/a.jpg": "masks/a.png"})
    both = open_source([tmp_path], SourceOptions(task="classify"))
    assert set(both.labels.class_names) == {"cats", "images", "masks"}


def colour(path: Path) -> None:
    Image.new("RGB", SIZE, (1, 2, 3)).save(path)


def other_size(path: Path) -> None:
    Image.new("L", (4, 4)).save(path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def unknown(path: Path) -> None:
    mask(path, 7)


BAD = {
    "colours": (colour, "is not a mask: its pixels are RGB"),
    "another size": (other_size, "is 4x4, and its image is 6x5"),
    "cut": (cut, ""),
    "an unknown class": (unknown, "has the class 7, and there are 2 (255 stands for none)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_masks_are_reported(name: str, tmp_path: Path) -> None:
    damage, words = BAD[name]
    root = written(tmp_path, {"images/a.jpg": "masks/a.png", "images/b.jpg": "masks/b.png"})
    damage(root / "masks/b.png")
    _, problems = loaded(open_source([root], SourceOptions(classes=("sky", "road"))))
    assert problems[0] is None
    assert problems[1] is not None
    assert words in problems[1]


REFUSED: dict[str, tuple[type[MixupGenError], str, dict[str, Any]]] = {
    "a missing mask": (DataError, "b.jpg: has no mask", {}),
    "no masks at all": (NoInputError, "no image has a mask of its name", {"remove": "a"}),
    "a split without splits": (UsageError, "has no folders of splits", {"split": "train"}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    error, words, how = REFUSED[name]
    root = written(tmp_path, {"images/a.jpg": "masks/a.png", "images/b.jpg": "masks/b.png"})
    if "split" not in how:
        (root / "masks/b.png").rename(root / "masks/c.png")
    if "remove" in how:
        (root / "masks/a.png").unlink()
    with pytest.raises(error, match=words):
        open_source([root], SourceOptions(split=how.get("split")))
    if error is DataError:
        assert len(open_source([root], SourceOptions(on_error="skip"))) == 1


def test_masks_of_one_object_are_doubted(tmp_path: Path) -> None:
    for name, value in {"a": 0, "b": 255}.items():
        picture(tmp_path / f"images/{name}.jpg")
        mask(tmp_path / f"masks/{name}.png", value)
    said = "masks hold 0 and 255 alone, and 255 stands for no class: if it is one, write 1 in its place"
    assert said in open_source([tmp_path]).notices
    assert said not in open_source([tmp_path], SourceOptions(ignore_index=254)).notices
    mask(tmp_path / "masks/b.png", 1)
    assert said not in open_source([tmp_path]).notices


def test_annotations_in_place_of_masks(tmp_path: Path) -> None:
    root = write_voc(tmp_path / "voc")
    with pytest.raises(NoInputError, match=rf"has no masks\. {root} has annotations of images: name it"):
        open_source([root / "JPEGImages"], SourceOptions(labels_from=str(root / "Annotations")))
