"""COCO's panoptic format: class masks and instances from one PNG."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources import Source, SourceOptions, open_source
from tests.panoptic_scenes import CATEGORIES, SIZE, classes_shown, write_panoptic

FILE = "annotations/panoptic_train2017.json"


def loaded(source: Source, name: str) -> tuple[np.ndarray[Any, Any], list[str | None]]:
    """An index map of all pictures, and why some cannot be used."""
    beside = source.beside[name]
    form = beside.survey(1).array_form
    assert form is not None
    out = np.full((len(source), *SIZE), 9, form.dtype)
    found = beside.load(0, len(source), Target(Form(SIZE, form.dtype, "hw")), out)
    return out, [each.problem for each in found]


@pytest.mark.parametrize("place", ["", FILE])
def test_masks_and_instances_are_read(place: str, tmp_path: Path) -> None:
    write_panoptic(tmp_path)
    write_panoptic(tmp_path, 2, "val2017")
    source = open_source([tmp_path / place])
    assert source.task == "segment"
    assert source.labels.class_names == ("ball", "cup", "sky", "grass")
    said = "read as panoptic COCO annotations: 8 images with 21 objects"
    assert any(each.startswith(said) for each in source.notices)
    masks, problems = loaded(source, "mask")
    shown = [np.asarray(Image.open(tmp_path / f"train2017/{number:03}.png")) for number in range(8)]
    np.testing.assert_array_equal(masks, classes_shown(np.stack(shown)))
    assert problems == [None] * 8


def test_instances_are_the_things_by_the_number_of_their_object(tmp_path: Path) -> None:
    content = write_panoptic(tmp_path)
    source = open_source([tmp_path])
    objects, (instances, _) = source.objects, loaded(source, "instances")
    assert objects is not None
    for sample, entry in enumerate(content["annotations"]):
        red, green, blue = np.asarray(Image.open(tmp_path / f"annotations/panoptic_train2017/{sample:03}.png")).T
        ids = (red + 256 * green.astype(int) + 65536 * blue.astype(int)).T
        numbers = objects.numbers_of(np.array([sample]))
        things = [each for each in entry["segments_info"] if CATEGORIES[each["category_id"]][1]]
        assert objects.ids[numbers].tolist() == [each["id"] for each in things]
        assert objects.crowd[numbers].tolist() == [each["iscrowd"] for each in things]
        for place, number in enumerate(numbers, 1):
            np.testing.assert_array_equal(instances[sample] == place, ids == objects.ids[number])
            x, y, width, height = things[place - 1]["bbox"]
            assert objects.box[number].tolist() == [x, y, x + width, y + height]
        assert instances[sample].max(initial=0) == len(numbers)


def test_objects_alone(tmp_path: Path) -> None:
    write_panoptic(tmp_path)
    source = open_source([tmp_path], SourceOptions(task="detect"))
    assert (source.task, dict(source.beside)) == ("detect", {})
    assert source.objects is not None
    assert len(source.objects.box) == 21
    with pytest.raises(UsageError, match="ignore_index"):
        open_source([tmp_path], SourceOptions(task="detect", ignore_index=9))


def test_void_is_the_number_that_is_given(tmp_path: Path) -> None:
    write_panoptic(tmp_path)
    usual, other = (loaded(open_source([tmp_path], SourceOptions(ignore_index=void)), "mask")[0] for void in (255, 300))
    assert (usual.dtype, other.dtype) == (np.uint8, np.uint16)
    np.testing.assert_array_equal(np.where(usual == 255, 300, usual.astype(int)), other)
    with pytest.raises(UsageError, match="there are 4 classes"):
        open_source([tmp_path], SourceOptions(ignore_index=3))


def test_pngs_beside_images_are_not_masks(tmp_path: Path) -> None:
    """`images` and `annotations` are also the names of folders of pictures and masks."""
    write_panoptic(tmp_path)
    (tmp_path / "train2017").rename(tmp_path / "images")
    source = open_source([tmp_path], SourceOptions(task="segment"))
    assert source.read_as == "panoptic COCO annotations"
    assert set(source.beside) == {"mask", "instances"}


def test_instances_go_before_segments(tmp_path: Path) -> None:
    content = write_panoptic(tmp_path)
    boxes = {"images": content["images"], "categories": content["categories"]}
    one = {"id": 1, "image_id": 900, "category_id": 3, "bbox": [1, 1, 5, 5]}
    (tmp_path / "annotations/instances_train2017.json").write_text(json.dumps({**boxes, "annotations": [one]}))
    assert open_source([tmp_path]).read_as == "COCO annotations"


def test_what_the_file_says_is_part_of_the_hash(tmp_path: Path) -> None:
    content = write_panoptic(tmp_path)
    before = open_source([tmp_path]).beside["mask"].rehash(0)
    stuff = next(each for each in content["annotations"][0]["segments_info"] if each["category_id"] == 9)
    stuff["category_id"] = 200
    (tmp_path / FILE).write_text(json.dumps(content))
    after = open_source([tmp_path]).beside["mask"]
    assert after.rehash(0) != before
    assert after.load(0, 1, Target(Form(SIZE, "uint8", "hw")), np.empty((1, *SIZE), np.uint8))[
        0
    ].sha256 == after.rehash(0)


def test_images_without_segments_are_left_out(tmp_path: Path) -> None:
    content = write_panoptic(tmp_path)
    every = loaded(open_source([tmp_path]), "mask")[0]
    del content["annotations"][3]
    (tmp_path / FILE).write_text(json.dumps(content))
    source = open_source([tmp_path])
    assert len(source) == 7
    assert "left out 1 image without segments" in source.notices
    np.testing.assert_array_equal(loaded(source, "mask")[0], np.delete(every, 3, axis=0))


@pytest.mark.parametrize(
    ("name", "words"),
    [("unlisted", "has a segment with the id"), ("smaller", "is 9x9, and its image is 48x36"), ("RGBA", "not a map")],
)
def test_bad_pngs_are_left_to_the_scan(name: str, words: str, tmp_path: Path) -> None:
    content = write_panoptic(tmp_path)
    png = tmp_path / "annotations/panoptic_train2017/004.png"
    if name == "unlisted":
        content["annotations"][4]["segments_info"].pop(0)
        (tmp_path / FILE).write_text(json.dumps(content))
    else:
        Image.new("RGB" if name == "smaller" else name, (9, 9)).save(png)
    _, problems = loaded(open_source([tmp_path]), "mask")
    assert [number for number, each in enumerate(problems) if each] == [4]
    assert words in str(problems[4])


Content = dict[str, Any]


def segments(content: Content) -> list[Any]:
    found: list[Any] = content["annotations"][0]["segments_info"]
    return found


def last(**values: object) -> Callable[[Content], object]:
    return lambda content: segments(content)[-1].update(values)


def second(**values: object) -> Callable[[Content], object]:
    return lambda content: content["annotations"][1].update(values)


def elsewhere(content: Content) -> None:
    for number, each in enumerate(content["annotations"]):
        each["file_name"] = f"{number}.gif"


BAD: dict[str, tuple[Callable[[Content], object], str]] = {
    "an id twice": (lambda content: segments(content).append(segments(content)[0]), "expected another one in 1"),
    "the id of none": (last(id=0), "its id is 0, expected another one in 1"),
    "an id too large": (last(id=1 << 24), "its id is 16777216"),
    "an unknown category": (last(category_id=4), "its category_id is 4, which the file does not have"),
    "a box of a text": (last(bbox="x"), "its bbox is 'x'"),
    "an empty box": (last(bbox=[3, 3, 0, 4]), "has an empty box"),
    "a segment that is none": (lambda content: segments(content).insert(0, 3), "its id is None"),
    "no list": (second(segments_info=3), "annotations[1]: has no list segments_info"),
    "an image twice": (second(image_id=900), "its image_id is 900"),
    "a way out": (second(file_name="../x.png"), "expected a path below"),
    "PNGs elsewhere": (elsewhere, "its first PNG, 0.gif, is not in"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused(name: str, tmp_path: Path) -> None:
    change, words = BAD[name]
    content = write_panoptic(tmp_path)
    change(content)
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(DataError) as problem:
        open_source([tmp_path])
    assert words in str(problem.value)
