"""Objects on tiles: each box is the tightest one around what its tile shows of the object."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mixup_cli.errors import DataError
from mixup_cli.methods import for_objects, resolve
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.report.captions import Word
from mixup_cli.report.finished import preview_data_set
from mixup_cli.report.lines import Tile
from mixup_cli.report.object_counts import PARTS, ObjectCounts, checked
from mixup_cli.report.objects import Seen, object_words, seen_in
from mixup_cli.report.preview import preview_source
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources import open_source
from tests.boxed_pictures import CLASSES, colour_of, places_of, write_boxes
from tests.data_sets import columns

METHODS = ("none", "mixup", "cutmix", "mosaic", "resizemix", "cutout")


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_boxes(tmp_path_factory.mktemp("boxes") / "coco", keypoints=True)


def recipe_of(*names: str, **fields: object) -> Recipe:
    chosen = resolve(for_objects([MethodChoice(name) for name in names]))
    return Recipe(methods=chosen, **{"min_visible": 0.0, **fields})  # type: ignore[arg-type]  # whatever it takes


def tightest(tile: Tile, colour: tuple[int, int, int]) -> tuple[float, float, float, float] | None:
    """The box around all pixels of a colour."""
    rows, places = np.nonzero((np.asarray(tile.picture) == colour).all(axis=-1))
    return (places.min(), rows.min(), places.max() + 1, rows.max() + 1) if len(rows) else None


VIEWS: list[dict[str, object]] = [{}, {"flip": 0.5}, {"flip": 0.5, "crop_pad": 9}]


@pytest.mark.parametrize("views", VIEWS, ids=lambda views: "-".join(views) or "whole")
@pytest.mark.parametrize("method", METHODS)
def test_boxes_are_tight_on_every_tile(method: str, views: dict[str, object], boxes: Path) -> None:
    shown = preview_source(open_source([boxes]), recipe_of(method, seed=5, **views), range(18))
    seen = 0
    for line in shown.lines:
        pictures = [int(tile.key[:2]) for tile in line.parents]
        tiles = [
            (tile, [picture], [slot]) for slot, (tile, picture) in enumerate(zip(line.parents, pictures, strict=True))
        ]
        if method not in ("mixup", "resizemix"):  # whose results have other colours
            tiles.append((line.result, pictures, [*range(len(pictures))]))
        for tile, own, slots in tiles:
            found = {(each.parent, each.name): each for each in tile.objects}
            for picture, slot in zip(own, slots, strict=True):
                for number, name in enumerate(CLASSES):
                    box = tightest(tile, colour_of(picture, number))
                    assert (found[slot, name].box if (slot, name) in found else None) == box
                    seen += box is not None
            assert {parent for parent, _ in found} <= {*slots}
    assert seen > 30


@pytest.mark.parametrize("method", METHODS)
def test_source_and_data_set_show_the_same_objects(method: str, boxes: Path, tmp_path: Path) -> None:
    source, recipe = open_source([boxes]), recipe_of(method, seed=3, flip=0.5, crop_area=(0.3, 1.0), size=(30, 36))
    generate(source, recipe, Run(out=tmp_path / "out", passes=2, workers=1))
    before = preview_source(source, recipe, range(12))
    after = preview_data_set(tmp_path / "out", lambda *_: source, range(12))
    assert after.notices == ()
    assert any(line.result.objects for line in before.lines)
    for one, other in zip(before.lines, after.lines, strict=True):
        assert one.label == other.label
        for a, b in zip((*one.parents, one.result), (*other.parents, other.result), strict=True):
            assert (a.objects, a.label) == (b.objects, b.label)


def test_results_alone_have_their_objects(boxes: Path, tmp_path: Path) -> None:
    generate(open_source([boxes]), recipe_of("cutmix"), Run(out=tmp_path / "out", workers=1))
    shown = preview_data_set(tmp_path / "out", lambda *_: None, range(6))
    stored = columns(tmp_path / "out")
    assert [len(line.result.objects) for line in shown.lines] == stored["object_count"].tolist()
    first = next(line for line in shown.lines if line.result.objects)
    assert [each.box for each in first.result.objects] == [
        tuple(box) for box in stored["object_box"][first.number, : len(first.result.objects)].tolist()
    ]


def test_keypoints_are_those_of_the_parent_as_it_is_seen(boxes: Path) -> None:
    shown = preview_source(open_source([boxes]), recipe_of("none", flip=1.0), range(6))
    count = 0
    for line in shown.lines:
        places = places_of(int(line.parents[0].key[:2]))
        for each in line.parents[0].objects:
            x1, y1, x2, y2 = places[CLASSES.index(each.name)]
            middle = (48 - (x1 + x2) / 2, (y1 + y2) / 2, 1)
            assert [*each.points] == [(48 - x2, y1, 2), (48 - x1, y1, 2), middle], "a left eye stays at the left"
            count += 1
    assert count == 9


def test_rows_say_what_is_in_them(boxes: Path) -> None:
    shown = preview_source(open_source([boxes]), recipe_of("none"), range(6))
    said = {line.parents[0].key: (line.label, line.parents[0].label) for line in shown.lines}
    assert said["01.png"] == ((Word("0 objects:"),), ())
    assert said["03.png"][1] == (Word("cup", ","), Word("dog"))
    assert said["03.png"][0] == (Word("2 objects:"), Word("cup", ","), Word("dog"))


def seen_as(name: str, **fields: object) -> Seen:
    return Seen(**{"name": name, "box": (0, 0, 4, 4), "weight": 1.0, "visible": 1.0, "parent": 0, **fields})  # type: ignore[arg-type]


def test_objects_in_words() -> None:
    assert object_words([]) == ()
    assert object_words([seen_as("cat"), seen_as("dog"), seen_as("dog")]) == (Word("dog", " x2,"), Word("cat"))
    assert object_words([seen_as(name) for name in "abcdef"])[-1] == Word("…")
    assert seen_as("cat").rest == ""
    assert seen_as("cat", weight=0.25, visible=0.872).rest == " 0.25 87%"
    assert seen_as("cat", visible=0.001, crowd=True).rest == " (crowd) 1%"


def test_boxes_of_a_damaged_data_set_end_with_the_picture() -> None:
    wild = {
        "object_count": np.array([4]),
        "object_box": np.array([[[-9, 2, 1e30, 4], [np.nan, 0, 5, np.inf], [7, 7, 3, 3], [90, 90, 99, 99]]]),
        "object_class": np.array([[0, 1, 0, 1]]),
        "object_weight": np.array([[np.nan, 7, 1, 1]]),
        "object_visible": np.array([[np.inf, -3, 1, 1]]),
        "object_parent": np.array([[-5, 99, 0, 0]]),
        "object_crowd": np.array([[0, 1, 0, 0]]),
        "keypoints": np.array([[[[1, 2, 2], [np.nan, 2, 2], [99, 2, 2]]] * 4]),
    }
    ((one, other),) = seen_in(wild, (6, 8), ("cat", "dog"))
    assert (one.box, one.weight, one.visible) == ((0, 2, 8, 4), 0, 1)
    assert (other.box, other.weight, other.visible) == ((0, 0, 5, 6), 1, 0)
    assert one.points == ((1, 2, 2), (0, 2, 2))


def test_objects_are_counted(boxes: Path, tmp_path: Path) -> None:
    source, recipe = open_source([boxes]), recipe_of("mixup", "cutmix", "mosaic", seed=2, min_visible=0.1)
    generate(source, recipe, Run(out=tmp_path / "out", passes=6, workers=1))
    stored = columns(tmp_path / "out")
    counts = ObjectCounts.of_rows(MixedArrays(tmp_path / "out"))
    assert counts is not None
    of_class, faint, visible = Counter[int](), Counter[int](), Counter[int]()
    for row, count in enumerate(stored["object_count"].tolist()):
        for place in range(count):
            number = int(stored["object_class"][row, place])
            of_class[number] += 1
            faint[number] += bool(stored["object_weight"][row, place] < 0.1)
            visible[int(stored["object_visible"][row, place] * PARTS)] += 1
    assert counts.classes.tolist() == [of_class[number] for number in range(3)]
    assert counts.faint.tolist() == [faint[number] for number in range(3)]
    assert counts.visible.tolist() == [visible[number] for number in range(PARTS + 1)]
    assert sum(faint.values()) > 0
    assert len(visible) > 3
    assert counts.rows.tolist() == np.bincount(stored["object_count"], minlength=counts.places + 1).tolist()
    assert (counts.total, counts.row_count) == (stored["object_count"].sum(), 36)
    assert counts.most == stored["object_count"].max()
    assert counts.mean == pytest.approx(stored["object_count"].mean())


def test_objects_of_a_source_are_counted(boxes: Path) -> None:
    objects = open_source([boxes]).objects
    assert objects is not None
    counts = ObjectCounts.of_source(objects, 3)
    assert counts.rows.tolist() == [2, 1, 1, 2]
    assert counts.classes.tolist() == [4, 3, 2]


@pytest.mark.parametrize(("name", "value"), [("object_class", 3), ("object_class", -2), ("object_count", 1)])
def test_counts_that_cannot_be_are_refused(name: str, value: int, boxes: Path, tmp_path: Path) -> None:
    generate(open_source([boxes]), recipe_of("none"), Run(out=tmp_path / "out", workers=1))
    data = MixedArrays(tmp_path / "out")
    found = {each: np.array(data.column(each)[:]) for each in ("object_count", "object_class")}
    assert checked(data, found) is found
    found[name].reshape(6, -1)[int(np.argmax(found["object_count"])), 0] = value
    with pytest.raises(DataError, match=name):
        checked(data, found)
