"""Several sources with objects or masks, as one."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources import Source, SourceOptions, open_source
from mixup_cli.sources.combined import combine
from tests.mask_scenes import write_pairs
from tests.object_sources import POINTS, write_coco
from tests.panoptic_scenes import SIZE, classes_shown, write_panoptic


def changed(file: Path, change: Callable[[Any], object]) -> None:
    """Change what a file of JSON says."""
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def named(source: Source) -> list[tuple[str, list[float], int]]:
    """The class, the box and the id of each object."""
    assert source.objects is not None
    names = [source.labels.class_names[number] for number in source.objects.classes]
    return list(zip(names, source.objects.box.tolist(), source.objects.ids.tolist(), strict=True))


def hashes(source: Source) -> list[str]:
    """The hash of each sample of the first signal."""
    target = Target(Form((8, 8, 3), "uint8", "hwc"), "pad")
    return [each.sha256 for each in source.examine(0, len(source), target)]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """The second has a class of the first under another number, and one of its own."""
    write_coco(tmp_path / "a")
    write_coco(tmp_path / "b", names=("dog", "ant"))
    return tmp_path / "a", tmp_path / "b"


def masks_of(source: Source) -> NDArray[np.generic]:
    """The masks of all samples in full."""
    mask = source.beside["mask"]
    form = mask.survey(1).array_form
    assert form is not None
    target = Target(form, fill=(255,))
    out = np.empty((len(source), *form.shape), form.dtype)
    assert all(each.problem is None for each in mask.load(0, len(source), target, out))
    return out


def test_objects_keep_their_class_by_name(pair: tuple[Path, Path]) -> None:
    both, (first, second) = open_source(pair), (open_source([each]) for each in pair)
    assert both.labels.class_names == ("ant", "cat", "dog")
    assert named(both) == named(first) + named(second)
    assert both.objects is not None
    assert both.objects.counts.tolist() == [2, 0, 3, 1, 4, 2, 1] * 2
    assert both.objects.at([9, 0]).ids.tolist() == [52, 53, 54, 50, 51]
    assert both.task == "detect"
    assert both.extents().tolist() == [[24, 32]] * 14  # type: ignore[union-attr]
    assert both.keys[7] == "1:0.png"
    assert both.portable
    assert hashes(pickle.loads(pickle.dumps(both))) == hashes(both)


def test_numbers_of_classes_are_part_of_the_hash_and_the_stamps(pair: tuple[Path, Path]) -> None:
    """Where two classes of the second change places, the names of both sources stay as they are."""
    before = open_source(pair)
    stamps = before.stamps()
    assert [before.rehash(each) for each in range(14)] == hashes(before)
    assert hashes(before)[7:] != hashes(open_source([pair[1]]))

    def swap(content: dict[str, Any]) -> None:
        first, second = content["categories"]
        first["name"], second["name"] = second["name"], first["name"]

    changed(pair[1] / "annotations.json", swap)
    after = open_source(pair)
    assert after.labels.class_names == before.labels.class_names
    assert [one != other for one, other in zip(hashes(before), hashes(after), strict=True)] == [False] * 7 + [True] * 7
    assert stamps is not None
    assert not stamps.same(after.stamps())


def test_the_same_classes_need_no_numbers(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_coco(tmp_path / name)
    both = open_source([tmp_path / "a", tmp_path / "b"])
    assert both.labels.class_names == ("cat", "dog")
    assert hashes(both) == hashes(open_source([tmp_path / "a"])) * 2


def test_masks_keep_their_class_by_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_panoptic(tmp_path / name, 4)

    def rename(content: dict[str, Any]) -> None:
        for category in content["categories"]:
            category["name"] = {"sky": "air", "ball": "sky"}.get(category["name"], category["name"])

    changed(tmp_path / "b/annotations/panoptic_train2017.json", rename)
    both = open_source([tmp_path / "a", tmp_path / "b"])
    assert both.labels.class_names == ("air", "ball", "cup", "grass", "sky")
    found = np.array([*both.labels.class_names, *[""] * 251])[masks_of(both)]
    for number, own in enumerate((["ball", "cup", "sky", "grass"], ["sky", "cup", "air", "grass"])):
        pictures = [Image.open(tmp_path / "ab"[number] / f"train2017/{each:03}.png") for each in range(4)]
        shown = np.array([*own, *[""] * 252])[classes_shown(np.stack([np.asarray(each) for each in pictures]))]
        np.testing.assert_array_equal(found[4 * number : 4 * number + 4], shown)
    assert both.beside["mask"].rehash(5) != open_source([tmp_path / "b"]).beside["mask"].rehash(1)
    assert both.beside["instances"].rehash(5) == open_source([tmp_path / "b"]).beside["instances"].rehash(1)
    with pytest.raises(UsageError, match=r"all sources have 5 classes.*Give 5 or more"):
        open_source([tmp_path / "a", tmp_path / "b"], SourceOptions(ignore_index=4))


def test_the_deepest_masks_decide(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_pairs(tmp_path / name, 2, [(20, 16)])
    for file in (tmp_path / "b/masks").iterdir():
        Image.fromarray(np.asarray(Image.open(file)).astype(np.uint16) * 3).save(file)
    options = SourceOptions(ignore_index=765)
    both = open_source([tmp_path / "a", tmp_path / "b"], options)
    masks = masks_of(both)
    assert masks.dtype == np.uint16
    np.testing.assert_array_equal(masks[2:], 3 * masks[:2].astype(np.int64))


def test_many_classes_need_deeper_masks(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_panoptic(tmp_path / name, 2)

    def more(content: dict[str, Any]) -> None:
        content["categories"] += [{"id": 1000 + each, "name": f"a{each}"} for each in range(250)]

    changed(tmp_path / "b/annotations/panoptic_train2017.json", more)
    both = open_source([tmp_path / "a", tmp_path / "b"], SourceOptions(ignore_index=1000))
    masks = masks_of(both)
    assert masks.dtype == np.uint16
    np.testing.assert_array_equal(masks[:2], masks[2:])
    assert both.labels.class_names[masks[0][masks[0] < 1000].min()] in ("ball", "cup", "grass", "sky")


def test_an_unknown_class_in_a_mask_is_a_problem(tmp_path: Path) -> None:
    """Masks of which only the numbers are known, beside others with names."""
    write_panoptic(tmp_path / "a", 2)
    write_panoptic(tmp_path / "b", 2)
    first, second = (open_source([tmp_path / name]) for name in "ab")
    second.labels = replace(second.labels, class_names=("x",))
    second.objects = None if second.objects is None else replace(second.objects, classes=second.objects.classes * 0)
    mask = combine([first, second]).beside["mask"]
    form = Form(SIZE, "uint8", "hw")
    found = mask.load(0, 4, Target(form, fill=(255,)), np.empty((4, *SIZE), np.uint8))
    assert [each.problem for each in found][:2] == [None, None]
    assert str(found[2].problem).endswith(", and there are 1")


def other_points(content: dict[str, Any]) -> None:
    for category in content["categories"]:
        category["keypoints"] = [*POINTS[:2], "tail"]


def test_what_does_not_go_together_is_said(tmp_path: Path) -> None:
    for name in ("k", "l", "m"):
        write_coco(tmp_path / name, keypoints=True)
    changed(tmp_path / "l/annotations.json", other_points)
    write_coco(tmp_path / "boxes")
    write_pairs(tmp_path / "pairs", 2)
    write_panoptic(tmp_path / "panoptic", 2)
    for names, found, remedy in (
        ("k l", "l: has the keypoints nose, left_ear, tail, and .*k has nose, left_ear, right_ear", "task=detect"),
        ("k boxes", "boxes: is read for task=detect, and .*k for task=pose", "Pass task=detect to read the boxes"),
        ("boxes panoptic", "panoptic: is read for task=segment, and .*boxes for", "Pass task=detect to read the boxes"),
        ("boxes pairs", "pairs: is read for task=segment, and .*boxes for task=detect", "for the same task"),
        ("pairs panoptic", "panoptic: has mask, instances, and .*pairs has mask", "one kind"),
    ):
        with pytest.raises(DataError, match=f"{found}.*{remedy}"):
            open_source([tmp_path / name for name in names.split()])
    as_boxes = open_source([tmp_path / "k", tmp_path / "l", tmp_path / "boxes"], SourceOptions(task="detect"))
    assert len(named(as_boxes)) == 39
    assert open_source([tmp_path / "boxes", tmp_path / "panoptic"], SourceOptions(task="detect")).task == "detect"


def test_what_decides_of_keypoints_and_masks_is_the_same_in_all(tmp_path: Path) -> None:
    for name in ("k", "l"):
        write_coco(tmp_path / name, keypoints=True)
    both = open_source([tmp_path / "k", tmp_path / "l"])
    assert both.objects is not None
    assert both.objects.points.shape == (26, 3, 3)
    turned = [open_source([tmp_path / "k"]), open_source([tmp_path / "l"], SourceOptions(flip_pairs="0-1"))]
    with pytest.raises(DataError, match=r"l: swaps the keypoints 0-1 in a mirror, and .*k 1-2. Pass flip_pairs"):
        combine(turned)
    for name in ("p", "q"):
        write_pairs(tmp_path / name, 2)
    with pytest.raises(DataError, match=r"q: has 7 where pixels have no class, and .*p has 255"):
        combine([open_source([tmp_path / "p"]), open_source([tmp_path / "q"], SourceOptions(ignore_index=7))])
    named_ones = open_source([tmp_path / "p"], SourceOptions(classes=("a", "b", "c", "d", "e")))
    with pytest.raises(DataError, match=r"q: has numbers for the classes of masks, and .*p has names. Pass classes"):
        combine([named_ones, open_source([tmp_path / "q"])])
