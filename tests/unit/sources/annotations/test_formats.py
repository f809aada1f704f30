"""One set of images with objects, in five formats, is read alike."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.sources import Source, SourceOptions, open_source
from tests.small_objects import CLASSES, OBJECTS, SIZES, WRITERS, write_coco, write_images, write_voc


def opened(root: Path, **options: Any) -> Source:
    return open_source([root], SourceOptions(**options))


def objects_of(source: Source) -> Iterator[tuple[str, str, list[float]]]:
    """Each object: the name of its image, its class, its box."""
    assert source.objects is not None
    for sample, key in enumerate(source.keys):
        for number in source.objects.numbers_of(np.array([sample])):
            name = source.labels.class_names[source.objects.classes[number]]
            yield Path(key).stem.removeprefix("0:"), name, source.objects.box[number].tolist()


def made(kind: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    write, options = WRITERS[kind]
    root = write(folder / kind)
    return root, options | ({"labels_from": str(root / "boxes.csv")} if kind == "open-images" else {})


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_gives_the_same_objects(kind: str, tmp_path: Path) -> None:
    root, options = made(kind, tmp_path)
    source = opened(root, **options)
    found = [*objects_of(source)]
    expected = [(name, label, box) for name, objects in OBJECTS.items() for label, box in objects]
    assert [each[:2] for each in found] == [each[:2] for each in expected]
    np.testing.assert_allclose([each[2] for each in found], [each[2] for each in expected], atol=1e-12)
    assert source.labels.class_names == CLASSES
    assert [Path(key).stem for key in source.keys] == [*SIZES], "an image without objects is background"
    assert source.task == "detect"
    assert source.location == str(root)


def test_the_box_origin_is_one_unless_it_is_given(tmp_path: Path) -> None:
    with_one, with_zero = write_voc(tmp_path / "one", origin=1), write_voc(tmp_path / "zero", origin=0)
    as_zero = [*objects_of(opened(with_zero, box_origin=0))]
    assert [*objects_of(opened(with_one))] == [*objects_of(opened(with_one, box_origin=1))] == as_zero
    assert [*objects_of(opened(with_zero))] != as_zero


@pytest.mark.parametrize("kind", [*WRITERS])
def test_a_size_other_than_the_file_s_is_refused(kind: str, tmp_path: Path) -> None:
    root, options = made(kind, tmp_path)
    image = next(root.rglob("b.png"))
    Image.new("RGB", (50, 25)).save(image)
    if kind in ("yolo", "open-images"):  # they say nothing of sizes
        opened(root, **options)
        return
    with pytest.raises(DataError, match=r"b\.png is 50x25, expected 25x50\. Annotate it as it is shown"):
        opened(root, **options)
    Image.new("RGB", (26, 50)).save(image)
    with pytest.raises(DataError, match=r"b\.png is 26x50, expected 25x50\. Give the right file\."):
        opened(root, **options)


@pytest.mark.parametrize("kind", WRITERS)
def test_an_image_that_cannot_be_read_is_left_to_the_scan(kind: str, tmp_path: Path) -> None:
    root, options = made(kind, tmp_path)
    next(root.rglob("b.png")).write_bytes(b"not an image")
    source = opened(root, **options)
    assert [Path(key).stem for key in source.survey().broken] == ["b"]


@pytest.mark.parametrize("kind", WRITERS)
def test_images_alone_are_read_for_classify(kind: str, tmp_path: Path) -> None:
    root, _ = made(kind, tmp_path)
    source = opened(root, task="classify")
    assert source.objects is None
    assert len(source) == len(SIZES)


@pytest.mark.parametrize("kind", ["coco", "voc", "labelme", "yolo"])
def test_options_without_effect_are_refused(kind: str, tmp_path: Path) -> None:
    root, options = made(kind, tmp_path)
    for name, value in {"label_kind": "none", "flip_pairs": "0-1", "box_origin": 1, "classes": CLASSES}.items():
        if (kind, name) in {("voc", "box_origin"), ("voc", "classes"), ("labelme", "classes")}:
            opened(root, **(options | {name: value}))
            continue
        with pytest.raises(UsageError, match=name):
            opened(root, **(options | {name: value}))
    with pytest.raises(UsageError, match="pose"):
        opened(root, **(options | {"task": "pose"}))


def test_given_classes_number_those_of_files(tmp_path: Path) -> None:
    root = write_voc(tmp_path)
    source = opened(root, box_origin=0, classes=("dog", "cat", "bird", "fish"))
    assert source.labels.class_names == ("dog", "cat", "bird", "fish")
    assert [each[1] for each in objects_of(source)] == [label for found in OBJECTS.values() for label, _ in found]
    with pytest.raises(DataError, match="has the class 'bird', which is not given"):
        opened(root, classes=("dog", "cat"))


def test_a_folder_without_annotations(tmp_path: Path) -> None:
    root = write_voc(tmp_path)
    for each in root.rglob("*.xml"):
        each.unlink()
    with pytest.raises(NoInputError, match="has no annotations of objects"):
        opened(root, task="detect")
    assert opened(root).objects is None


@pytest.mark.parametrize(
    ("kind", "images"), [("coco", "images"), ("voc", "JPEGImages"), ("yolo", "images"), ("yolo", "images/train")]
)
def test_a_folder_of_images_below_their_annotations(kind: str, images: str, tmp_path: Path) -> None:
    root, _ = made(kind, tmp_path)
    said = f"{root} has annotations of images: name it to read them"
    assert said in opened(root / images).notices
    assert said not in opened(root / images, task="classify").notices


def test_the_folder_of_xml_alone(tmp_path: Path) -> None:
    root = write_voc(tmp_path / "voc")
    with pytest.raises(NoInputError, match=rf"Annotations: has no images; .* Name {root}\.$"):
        opened(root / "Annotations")


def test_annotations_without_objects(tmp_path: Path) -> None:
    root = write_voc(tmp_path)
    for each in root.rglob("*.xml"):
        each.write_text("<annotation/>")
    with pytest.raises(NoInputError, match="without objects"):
        opened(root)


def test_several_sources_with_objects_are_one(tmp_path: Path) -> None:
    first, second = write_coco(tmp_path / "first"), write_voc(tmp_path / "second")
    both = open_source([first, second])
    assert both.task == "detect"
    assert both.labels.class_names == ("bird", "cat", "dog")
    as_zero = open_source([first, second], SourceOptions(box_origin=0))
    own = [*objects_of(opened(first)), *objects_of(opened(second, box_origin=0))]
    assert [*objects_of(as_zero)] == own
    extents = both.extents()
    assert extents is not None
    assert extents.tolist() == 2 * [[height, width] for width, height in SIZES.values()]


def test_objects_and_classes_of_images_do_not_go_together(tmp_path: Path) -> None:
    first = write_coco(tmp_path / "first")
    write_images(tmp_path / "second/cat")
    with pytest.raises(DataError, match="Give sources for the same task"):
        open_source([first, tmp_path / "second"])


def test_objects_are_part_of_the_hash_and_of_the_stamps(tmp_path: Path) -> None:
    root = write_voc(tmp_path)
    before, as_zero = opened(root), opened(root, box_origin=0)
    hashes = [(one.rehash(0), one.rehash(3)) for one in (before, as_zero)]
    assert hashes[0][0] != hashes[1][0]
    assert hashes[0][1] == hashes[1][1], "the image without objects"
    assert before.stamps() is not None
    assert before.stamps().same(opened(root).stamps())  # type: ignore[union-attr]
    assert not before.stamps().same(as_zero.stamps())  # type: ignore[union-attr]


@pytest.mark.skipif("OBJECTS_THREE" not in os.environ, reason="OBJECTS_THREE does not name a folder of images")
def test_real_ones_agree() -> None:
    """Three images of Pascal VOC, in the formats that labelme's converters write; they are not in the repository."""
    three = Path(os.environ["OBJECTS_THREE"])
    boxes = {
        name: [*objects_of(opened(three / name, **options))]
        for name, options in {
            "labelme-boxes": {},
            "voc-boxes": {"box_origin": 0},
            "labelme-polygons": {},
            "coco-json": {},
        }.items()
    }
    assert boxes["labelme-boxes"] == boxes["voc-boxes"]
    outlines, masks = boxes["labelme-polygons"], boxes["coco-json"]
    assert [each[:2] for each in outlines] == [each[:2] for each in masks]
    np.testing.assert_allclose([each[2] for each in outlines], [each[2] for each in masks], atol=1.01)
