"""Masks and instances on tiles: each number in a colour, over what its picture shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.fields.colours import VOC_COLOURS
from mixup_cli.recipe import Recipe
from mixup_cli.report.finished import preview_data_set
from mixup_cli.report.lines import Tile
from mixup_cli.report.maps import OF_PARENTS, IndexMaps
from mixup_cli.report.preview import preview_source
from mixup_cli.sources import Source, SourceOptions, open_source
from mixup_cli.storage.manifest import read_manifest
from tests.data_sets import columns
from tests.mask_sources import ROWS, SIDE, write_masked

VIEWS: dict[str, Any] = {"flip": 0.5, "crop_pad": 5}


def opened(folder: Path) -> Source:
    return open_source([folder.parent / "source"], SourceOptions(task="segment"))


def pixels(tile: Tile) -> NDArray[np.int64]:
    assert tile.picture is not None
    return np.asarray(tile.picture).astype(np.int64)


def test_colours_are_those_of_pascal_voc() -> None:
    """The first of the development kit's table, and that of its border."""
    known = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128)]
    assert [tuple(colour) for colour in VOC_COLOURS[:7].tolist()] == known
    assert VOC_COLOURS[20].tolist() == [0, 64, 128]
    assert VOC_COLOURS[255].tolist() == [224, 224, 192]


@pytest.mark.parametrize("method", ["cutmix", "mixup", "mosaic"])
def test_classes_are_laid_over_the_result(method: str, tmp_path: Path) -> None:
    folder = write_masked(tmp_path, "mask", method, **VIEWS)
    stored = columns(folder)
    for line in preview_data_set(folder, lambda *_: None, range(ROWS)).lines:
        image, mask = stored["images"][line.number].astype(np.int64), stored["mask"][line.number][..., None]
        expected = np.where(mask > 0, (image + VOC_COLOURS[mask[..., 0]]) // 2, image)
        np.testing.assert_array_equal(pixels(line.result), expected)


def test_instances_have_the_colour_of_their_parent(tmp_path: Path) -> None:
    """Whole at their edges, by a quarter inside."""
    folder = write_masked(tmp_path, "instances", "cutmix", **VIEWS)
    stored, colours, seen = columns(folder), OF_PARENTS.astype(np.int64), set()
    for line in preview_data_set(folder, lambda *_: None, range(ROWS)).lines:
        image, numbers = stored["images"][line.number].astype(np.int64), stored["instances"][line.number]
        shown = pixels(line.result)
        np.testing.assert_array_equal(shown[numbers == 0], image[numbers == 0])
        for y, x in zip(*np.nonzero(numbers), strict=True):
            parent = stored["object_parent"][line.number, numbers[y, x] - 1]
            near = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            inside = all(0 <= a < SIDE and 0 <= b < SIDE and numbers[a, b] == numbers[y, x] for a, b in near)
            part = 1 if inside else 4
            assert shown[y, x].tolist() == ((image[y, x] * (4 - part) + colours[parent] * part) // 4).tolist()
            seen.add((int(parent), inside))
    assert seen == {(parent, inside) for parent in (0, 1) for inside in (False, True)}


@pytest.mark.parametrize("masks", ["heavier", "both"])
@pytest.mark.parametrize("kind", ["mask", "instances"])
def test_source_and_data_set_show_the_same(kind: Any, masks: str, tmp_path: Path) -> None:
    folder = write_masked(tmp_path, kind, "mixup", masks=masks, **VIEWS)
    recipe = Recipe.from_dict(read_manifest(folder).recipe)
    before = preview_source(opened(folder), recipe, range(ROWS))
    after = preview_data_set(folder, lambda *_: opened(folder), range(ROWS))
    for one, other in zip(before.lines, after.lines, strict=True):
        for a, b in zip((*one.parents, one.result), (*other.parents, other.result), strict=True):
            np.testing.assert_array_equal(pixels(a), pixels(b))


def test_masks_of_several_parents_are_shown_by_their_shares(tmp_path: Path) -> None:
    """Half of a colour is that of the classes, of each parent's as much as its share; class 0 has none."""
    folder = write_masked(tmp_path, "mask", "mixup", masks="both")
    stored = columns(folder)
    colours = np.where(stored["mask"][..., None] > 0, VOC_COLOURS[(stored["mask"].astype(int) - 1) % 255 + 1], 0)
    part = 0.5 * stored["share"][:, :, None, None, None] * (stored["mask"] > 0)[..., None]
    expected = stored["images"] * (1 - part.sum(axis=1)) + (colours * part).sum(axis=1)
    assert (
        (stored["mask"][:, 0] > 0) & (stored["mask"][:, 1] > 0) & (stored["share"].min(axis=1) > 0.1)[:, None, None]
    ).any()
    for line in preview_data_set(folder, lambda *_: None, range(ROWS)).lines:
        np.testing.assert_allclose(pixels(line.result), expected[line.number], atol=2.5)


def test_instances_of_both_parents_are_shown(tmp_path: Path) -> None:
    """Those of the donor on top: where it has some, their colour is laid over the rest."""
    folder = write_masked(tmp_path, "instances", "mixup", masks="both")
    stored, seen = columns(folder), np.zeros(2, np.int64)
    for line in preview_data_set(folder, lambda *_: None, range(ROWS)).lines:
        image, shown = stored["images"][line.number].astype(np.int64), pixels(line.result)
        base, donor = stored["instances"][line.number] > 0
        changed = (shown != image).any(axis=-1)
        assert not changed[~(base | donor)].any()
        alone = (base & ~donor, donor)
        seen += [
            (shown[where] == colour).all(axis=-1).sum() for where, colour in zip(alone, OF_PARENTS[:2], strict=True)
        ]
    assert (seen > ROWS).all()


@pytest.mark.parametrize("kind", ["mask", "instances"])
def test_an_unmixed_parent_looks_like_its_result(kind: Any, tmp_path: Path) -> None:
    folder = write_masked(tmp_path, kind, "none", **VIEWS)
    for line in preview_data_set(folder, lambda *_: opened(folder), range(ROWS)).lines:
        np.testing.assert_array_equal(pixels(line.parents[0]), pixels(line.result))


def test_a_damaged_map_is_still_shown() -> None:
    """Numbers beyond the places of objects, and places without a parent."""
    picture = np.zeros((4, 4, 3), np.uint8)
    numbers = np.full((1, 1, 4, 4), 65535, np.uint16)
    for maps in (IndexMaps(numbers), IndexMaps(numbers, np.array([[-1, -1]]))):
        assert maps.over(0, picture).any()
    assert IndexMaps(numbers * 0, np.empty((1, 0), np.int8)).over(0, picture) is picture


def test_the_sheet_shows_colours(run_cli: Any, tmp_path: Path) -> None:
    folder = write_masked(tmp_path, "mask")
    ended = run_cli("preview", folder.parent / "source", "--method", "cutmix", "-o", tmp_path / "sheet.png")
    assert ended.returncode == 0, ended.stderr
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > SIDE
