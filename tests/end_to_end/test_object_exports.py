"""From COCO's annotations to a data set, and out again: the same boxes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO

from tests.object_sources import SIZE, write_coco
from tests.running import Runner, error_line


def by_id(known: dict[str, Any], key: str) -> dict[int, dict[str, Any]]:
    return {entry[key]: entry for entry in known["annotations"]}


def boxes_of(known: dict[str, Any], order: Callable[[Any], int], crowds: bool = False) -> list[list[tuple[Any, ...]]]:
    """Class and box of each object, with `crowds` also whether it is one, for each picture in an order."""
    names = {each["id"]: each["name"] for each in known["categories"]}
    found = dict[int, list[tuple[Any, ...]]]({each["id"]: [] for each in sorted(known["images"], key=order)})
    for each in known["annotations"]:
        crowd = (each["iscrowd"],) if crowds else ()
        found[each["image_id"]].append((names[each["category_id"]], each["bbox"], *crowd))
    return [*found.values()]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(tmp_path)
    return write_coco(tmp_path / "source", keypoints=True)


def test_unmixed_pictures_come_out_as_they_went_in(run_cli: Runner, source: dict[str, Any]) -> None:
    """Boxes and keypoints within half a pixel; each object of the same class, in the picture that it came from."""
    height, width = SIZE
    run_cli("generate", "source", "--method", "none", "--size", f"{width}x{height}", "-o", "unmixed", "--quiet")
    run_cli("export", "unmixed", "--to", "coco", "-o", "out", "--quiet")
    found = json.loads(Path("out/annotations.json").read_text())
    before, after = by_id(source, "id"), by_id(found, "source_id")
    assert {*before} == {*after}
    pictures = {each["id"]: each for each in found["images"]}
    named = [{each["id"]: each["name"] for each in known["categories"]} for known in (source, found)]
    for identity, entry in before.items():
        other = after[identity]
        np.testing.assert_allclose(other["bbox"], entry["bbox"], atol=0.5)
        np.testing.assert_allclose(other["keypoints"], entry["keypoints"], atol=0.5)
        assert named[0][entry["category_id"]] == named[1][other["category_id"]]
        assert (other["iscrowd"], other["weight"], other["visible"]) == (entry["iscrowd"], 1, 1)
        assert pictures[other["image_id"]]["source_index"][0] == entry["image_id"] - 100


def test_pycocotools_counts_the_same(run_cli: Runner, source: dict[str, Any]) -> None:
    run_cli("generate", "source", "--method", "none", "-o", "unmixed", "--quiet")
    run_cli("export", "unmixed", "--to", "coco", "-o", "out", "--quiet")
    before, after = COCO("source/annotations.json"), COCO("out/annotations.json")
    assert len(after.getImgIds()) == len(before.getImgIds())
    for name in ("cat", "dog"):
        counts = [
            Counter(len(each.getAnnIds(imgIds=image, catIds=each.getCatIds(name))) for image in each.getImgIds())
            for each in (before, after)
        ]
        assert counts[0] == counts[1]
    assert len(after.getAnnIds(iscrowd=True)) == len(before.getAnnIds(iscrowd=True)) == 1


def test_an_export_as_coco_is_a_source(run_cli: Runner, source: dict[str, Any]) -> None:
    """mixup-gen reads what it wrote: mixed pictures, unmixed again."""
    run_cli("generate", "source", "--method", "cutmix", "-o", "mixed", "--quiet")
    run_cli("export", "mixed", "--to", "coco", "-o", "first", "--quiet")
    run_cli("generate", "first", "--method", "none", "-o", "again", "--quiet")
    run_cli("export", "again", "--to", "coco", "-o", "second", "--quiet")
    first, second = (json.loads(Path(name, "annotations.json").read_text()) for name in ("first", "second"))
    after = by_id(second, "source_id")
    assert first["annotations"]
    for entry in first["annotations"]:
        np.testing.assert_allclose(after[entry["id"]]["bbox"], entry["bbox"], atol=1e-3)


@pytest.mark.parametrize("to", ["yolo", "voc"])
def test_an_export_in_texts_is_a_source(run_cli: Runner, source: dict[str, Any], to: str) -> None:
    """The same boxes as an export as coco has; yolo leaves out the crowd."""
    run_cli("generate", "source", "--method", "cutmix", "-o", "mixed", "--quiet")
    run_cli("export", "mixed", "--to", to, "-o", to, "--quiet")
    assert run_cli("generate", to, "--method", "none", "-o", "again", "--quiet").returncode == 0
    for name in ("mixed", "again"):
        run_cli("export", name, "--to", "coco", "-o", f"{name}-coco", "--quiet")
    before, after = (json.loads(Path(f"{name}-coco", "annotations.json").read_text()) for name in ("mixed", "again"))
    assert boxes_of(after, lambda picture: picture["source_index"][0]) == [
        [(name, pytest.approx(box, abs=1e-3)) for name, box, crowd in objects if not (crowd and to == "yolo")]
        for objects in boxes_of(before, lambda picture: picture["id"], crowds=True)
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--to", "coco", "--columns", "images"), "--columns: coco has pictures and objects, always. Leave it out."),
        (("--to", "yolo", "--image-format", "jpeg"), "--image-format: 'jpeg' is neither png"),
        (
            (
                "--to",
                "coc",
            ),
            "did you mean coco",
        ),
    ],
)
def test_mistakes(run_cli: Runner, source: dict[str, Any], options: tuple[str, ...], said: str) -> None:
    run_cli("generate", "source", "-o", "mixed", "--quiet")
    ended = run_cli("export", "mixed", *options, "-o", "out")
    assert ended.returncode == 2
    assert said in error_line(ended)
    assert not Path("out").exists()


@pytest.mark.parametrize("to", ["coco", "yolo", "voc"])
def test_classes_of_pictures_have_no_boxes(run_cli: Runner, colours: Path, to: str, tmp_path: Path) -> None:
    """The formats that the message names do write it."""
    run_cli("generate", colours, "-o", tmp_path / "mixed", "--quiet")
    ended = run_cli("export", tmp_path / "mixed", "--to", to, "-o", tmp_path / "out")
    assert ended.returncode == 2
    said = f"mixed has no objects, whose boxes {to} is for. Use, for example, webdataset or imagefolder."
    assert said in error_line(ended)
    for other in ("webdataset", "imagefolder"):
        assert run_cli("export", tmp_path / "mixed", "--to", other, "-o", tmp_path / other).returncode == 0
