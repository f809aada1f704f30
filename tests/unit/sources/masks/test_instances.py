"""Pascal VOC's `SegmentationObject`: instances beside class masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.errors import DataError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources import Source, SourceOptions, open_source
from tests.data_sets import columns
from tests.panoptic_scenes import write_panoptic
from tests.running import Runner

SIZE = (30, 40)
"""Height and width."""

Scene = list[tuple[int, int, tuple[int, int, int, int]]]

SCENES: list[Scene] = [
    [(1, 3, (2, 2, 12, 9)), (2, 7, (10, 5, 30, 25))],
    [],
    [(4, 7, (0, 0, 40, 30)), (9, 1, (5, 5, 11, 8)), (2, 3, (20, 12, 33, 29))],
]
"""Objects of each picture, later ones on top: number, class, and x1, y1, x2, y2."""

SEGMENT = SourceOptions(task="segment")


def painted(scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Numbers and classes of pixels, with a border of 255 around each object, as far as none lies there."""
    numbers, classes = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    for number, label, (x1, y1, x2, y2) in scene:
        for pixels, value in ((numbers, number), (classes, label)):
            pixels[max(0, y1 - 1) : y2 + 1, max(0, x1 - 1) : x2 + 1] = 255
            pixels[y1:y2, x1:x2] = value
    return numbers, classes


def write_kit(root: Path, scenes: list[Scene] = SCENES) -> Path:
    """The grey of a pixel is ten times its class, of the border 255."""
    for folder in ("JPEGImages", "SegmentationClass", "SegmentationObject"):
        (root / folder).mkdir(parents=True)
    for place, scene in enumerate(scenes):
        numbers, classes = painted(scene)
        grey = np.where(classes == 255, 255, classes * 10).astype(np.uint8)
        Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(root / f"JPEGImages/{place}.png")
        Image.fromarray(numbers).save(root / f"SegmentationObject/{place}.png")
        Image.fromarray(classes).save(root / f"SegmentationClass/{place}.png")
    return root


def loaded(source: Source, name: str) -> tuple[NDArray[Any], list[str | None]]:
    beside = source.beside[name]
    form = beside.survey(1).array_form
    assert form is not None
    out = np.empty((len(source), *SIZE), form.dtype)
    return out, [each.problem for each in beside.load(0, len(source), Target(Form(SIZE, form.dtype, "hw")), out)]


def test_objects_are_those_of_their_pixels(tmp_path: Path) -> None:
    source = open_source([write_kit(tmp_path)], SEGMENT)
    objects = source.objects
    assert objects is not None
    assert source.labels.class_names == tuple("01234567")
    assert source.notices[:2] == (
        "read as images with masks: 3 images, masks in SegmentationClass",
        "5 objects in SegmentationObject",
    )
    (masks, _), (instances, problems) = loaded(source, "mask"), loaded(source, "instances")
    assert problems == [None] * 3
    assert instances.dtype == np.uint16
    for place, scene in enumerate(SCENES):
        numbers, classes = painted(scene)
        np.testing.assert_array_equal(masks[place], classes)
        own = objects.numbers_of(np.array([place]))
        assert objects.ids[own].tolist() == sorted(number for number, _, _ in scene)
        for count, number in enumerate(own.tolist(), 1):
            seen = numbers == objects.ids[number]
            np.testing.assert_array_equal(instances[place] == count, seen)
            ys, xs = np.nonzero(seen)
            assert objects.box[number].tolist() == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            assert {*classes[seen].tolist()} == {objects.classes[number]}
        assert (instances[place] > 0).sum() == ((numbers > 0) & (numbers < 255)).sum()


def test_copypaste_works_on_the_layout(run_cli: Runner, tmp_path: Path) -> None:
    root = write_kit(tmp_path / "kit")
    options = "--task segment --method copypaste,classmix,cutmix --passes 8 --flip 0.5 --min-visible 0 --seed 3".split()
    ended = run_cli("generate", root, "-q", "-o", tmp_path / "out", *options)
    assert ended.returncode == 0, ended.stderr
    stored = columns(tmp_path / "out")
    grey = stored["images"][..., 0].astype(int)
    np.testing.assert_array_equal(stored["mask"], np.where(grey == 255, 255, grey // 10))
    pasted = (stored["object_parent"] == 1) & (stored["method"] == 0)[:, None]
    assert pasted.any()
    for row, count in enumerate(stored["object_count"].tolist()):
        assert set(np.unique(stored["instances"][row]).tolist()) - {0} == {*range(1, count + 1)}
        for place in range(count):
            own = stored["mask"][row][stored["instances"][row] == place + 1]
            assert {*own.tolist()} == {stored["object_class"][row, place]}


def test_without_objects_there_are_masks_alone(tmp_path: Path) -> None:
    source = open_source([write_kit(tmp_path, [[], [], []])], SEGMENT)
    assert (set(source.beside), source.objects) == ({"mask"}, None)


def test_classes_may_be_named(tmp_path: Path) -> None:
    root, names = write_kit(tmp_path), tuple("abcdefgh")
    assert open_source([root], SourceOptions(task="segment", classes=names)).labels.class_names == names
    with pytest.raises(DataError, match=r"0\.png: object 2: has the class 7, and there are 4"):
        open_source([root], SourceOptions(task="segment", classes=names[:4]))


def test_an_object_without_a_class(tmp_path: Path) -> None:
    root = write_kit(tmp_path)
    classes = painted(SCENES[2])[1]
    classes[classes == 1] = 255
    Image.fromarray(classes).save(root / "SegmentationClass/2.png")
    with pytest.raises(DataError, match=r"2\.png: object 9: has no class in SegmentationClass"):
        open_source([root], SEGMENT)
    source = open_source([root], SourceOptions(task="segment", on_error="skip"))
    assert source.objects is not None
    assert source.objects.ids.tolist() == [1, 2, 2, 4]
    instances = loaded(source, "instances")[0]
    assert instances[2].max() == 2
    assert not instances[2][painted(SCENES[2])[0] == 9].any()


@pytest.mark.parametrize(
    ("damage", "words"), [("missing", "cannot read"), ("smaller", "is 4x4, and its image is 40x30"), ("cut", "")]
)
def test_bad_images_are_left_to_the_scan(damage: str, words: str, tmp_path: Path) -> None:
    path = write_kit(tmp_path) / "SegmentationObject/0.png"
    if damage == "missing":
        path.unlink()
    elif damage == "smaller":
        Image.new("L", (4, 4)).save(path)
    else:
        path.write_bytes(path.read_bytes()[:50])
    problems = loaded(open_source([tmp_path], SEGMENT), "instances")[1]
    assert problems[1:] == [None, None]
    assert words in str(problems[0])
    assert problems[0] is not None


def test_an_export_as_voc_is_a_source_with_its_instances(run_cli: Runner, tmp_path: Path) -> None:
    write_panoptic(tmp_path / "segments")
    for command in (
        ["generate", tmp_path / "segments", "--method", "cutmix", "--min-visible", "0", "-o", tmp_path / "made"],
        ["export", tmp_path / "made", "--to", "voc", "-o", tmp_path / "voc"],
        ["generate", tmp_path / "voc", "--task=segment", "--method=none", "--min-visible=0", "-o", tmp_path / "again"],
    ):
        ended = run_cli(*command, "-q")
        assert ended.returncode == 0, ended.stderr
    stored, again = columns(tmp_path / "made"), columns(tmp_path / "again")
    order = np.argsort(again["source_index"][:, 0])
    np.testing.assert_array_equal(again["mask"][order], stored["mask"])
    is_crowd = np.take_along_axis(
        np.pad(stored["object_crowd"], ((0, 0), (1, 0))), stored["instances"].reshape(8, -1).astype(np.int64), 1
    ).reshape(stored["instances"].shape)
    np.testing.assert_array_equal(again["instances"][order] > 0, (stored["instances"] > 0) & (is_crowd == 0))
