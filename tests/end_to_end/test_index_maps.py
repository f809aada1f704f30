"""Data sets with masks and instances, from the command line: the same bytes whatever happens, and every number in its
place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.covering import covering
from tests.data_sets import columns, manifest
from tests.end_to_end.whatever_happens import check_how, check_killed, check_repaired, make
from tests.mask_scenes import COLOURS, VOID, masks, write_pairs
from tests.object_scenes import write_scenes
from tests.panoptic_scenes import classes_shown, write_panoptic
from tests.running import Runner

MASKS = "--method classmix,mixup,cutmix,fmix,mosaic,resizemix,cutout,erase,none --keep-originals --size 48 --flip 0.5"
INSTANCES = (
    "--task segment --method copypaste,mixup,cutmix,mosaic,resizemix,cutout,none --keep-originals --size 48 --flip 0.5"
)
PANOPTIC = "--method copypaste,classmix,mixup,cutmix,mosaic,resizemix,cutout,none --keep-originals --size 48 --flip 0.5"


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("masks") / "pairs")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pycocotools")
    return write_scenes(tmp_path_factory.mktemp("instances") / "scenes")


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("panoptic") / "segments"
    write_panoptic(root, 12)
    return root


KINDS = ["mask", "instances", "both"]


@pytest.fixture(params=KINDS)
def source(request: pytest.FixtureRequest) -> tuple[Path, str]:
    """A source with index maps, and the options to mix it."""
    if request.param == "mask":
        return request.getfixturevalue("pairs"), MASKS
    if request.param == "both":
        return request.getfixturevalue("segments"), PANOPTIC
    return request.getfixturevalue("scenes"), INSTANCES


@pytest.mark.parametrize(
    ("source", "view"), covering(KINDS, ["", "--crop-pad 5 --masks both", "--random-resized-crop"]), indirect=["source"]
)
def test_the_same_bytes_however_it_is_carried_out(
    run_cli: Runner, source: tuple[Path, str], tmp_path: Path, view: str
) -> None:
    check_how(run_cli, source[0], tmp_path, f"{source[1]} {view}")


def test_killed_and_grown_it_is_the_same(run_cli: Runner, source: tuple[Path, str], tmp_path: Path) -> None:
    check_killed(run_cli, source[0], tmp_path, source[1])


def test_it_is_verified_and_repaired(run_cli: Runner, source: tuple[Path, str], tmp_path: Path) -> None:
    check_repaired(run_cli, source[0], tmp_path, source[1])


def test_hugging_face_reads_it(run_cli: Runner, source: tuple[Path, str], tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    out = make(run_cli, source[0], tmp_path / "out", source[1])
    name = manifest(out)["fields"][0]["name"]
    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache")).with_format("numpy")
    np.testing.assert_array_equal(np.stack([*loaded[name]]), columns(out)[name])


def test_a_stored_plan_gives_the_same_masks(run_cli: Runner, pairs: Path, tmp_path: Path) -> None:
    options = MASKS.replace("classmix,", "") + " --resize crop"
    rows = make(run_cli, pairs, tmp_path / "rows", options, "--fill 114")
    plan = make(run_cli, pairs, tmp_path / "plan", options, "--fill 114 --store plan")
    ended = run_cli("materialize", plan, "-o", tmp_path / "made", "-q")
    assert ended.returncode == 0, ended.stderr
    for name in ("images", "mask"):
        np.testing.assert_array_equal(columns(tmp_path / "made")[name], columns(rows)[name])


def test_in_a_mosaic_masks_meet_and_not_their_padding(run_cli: Runner, tmp_path: Path) -> None:
    """Pictures that all have a class, wide and tall: around the point none is missing, and what is padded is black."""
    root = tmp_path / "pairs"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for number, size in enumerate([(60, 30), (30, 60), (59, 21), (40, 40), (60, 60)]):
        Image.new("RGB", size, (60 + 40 * number,) * 3).save(root / f"images/{number}.png")
        Image.new("L", size, number).save(root / f"masks/{number}.png")
    for view in ("", "--flip 0.5", "--resize canvas"):
        out = make(
            run_cli, root, tmp_path / f"out{view}".replace(" ", ""), f"--method mosaic --size 60 --passes 6 {view}"
        )
        stored = columns(out)
        for mask, (_, _, bottom, right) in zip(stored["mask"], stored["box"].tolist(), strict=True):
            assert (mask[bottom - 1 : bottom + 1, right - 1 : right + 1] != VOID).all()
        np.testing.assert_array_equal(stored["mask"] == VOID, stored["images"].max(axis=3) == 0)
    ended = run_cli("generate", root, "-o", tmp_path / "plan", *"--method mosaic --size 60 --store plan".split())
    assert ended.returncode == 2
    assert "--store plan: a mosaic of padded pictures" in ended.stderr


def test_a_class_shows_its_colour(run_cli: Runner, pairs: Path, tmp_path: Path) -> None:
    """On a canvas nothing is resized: a pixel of one parent has the colour of the class in its mask."""
    options = "--method cutmix,mosaic,cutout,jigsaw,gridmix,none --resize canvas --size 64 --passes 20 --flip 0.5"
    stored = columns(make(run_cli, pairs, tmp_path / "out", options))
    mask = stored["mask"]
    assert set(np.unique(mask).tolist()) == {*range(len(COLOURS)), VOID}
    expected = np.where(mask[..., None] == VOID, 0, COLOURS[np.minimum(mask, len(COLOURS) - 1)])
    np.testing.assert_array_equal(stored["images"], expected)


def test_mixup_keeps_the_mask_of_the_heavier_parent_or_both(run_cli: Runner, pairs: Path, tmp_path: Path) -> None:
    options = "--method mixup --alpha 1 --resize canvas --size 64 --passes 3"
    heavier, both = (
        columns(make(run_cli, pairs, tmp_path / kind, options, f"--masks {kind}")) for kind in ("heavier", "both")
    )
    whole = np.full((12, 64, 64), VOID, np.uint8)
    for number, mask in enumerate(masks(12)):
        whole[number, : mask.shape[0], : mask.shape[1]] = mask
    for row, (parents, share) in enumerate(zip(heavier["source_index"], heavier["share"], strict=True)):
        assert np.array_equal(heavier["mask"][row], whole[parents[np.argmax(share)]])
        for slot, parent in enumerate(parents):
            expected = whole[parent] if share[slot] > 0 else np.full((64, 64), VOID)
            assert np.array_equal(both["mask"][row, slot], expected)


def test_unmixed_instances_are_those_of_the_file(run_cli: Runner, scenes: Path, tmp_path: Path) -> None:
    """Painted by another hand: what is around many first, then larger before smaller."""
    options = "--task segment --method none --resize canvas --size 70 --min-visible 0"
    stored = columns(make(run_cli, scenes, tmp_path / "out", options))
    content = json.loads((scenes / "annotations.json").read_text())
    names = sorted((each["file_name"], each["id"]) for each in content["images"])
    for row, parent in enumerate(stored["source_index"][:, 0].tolist()):
        own = [each for each in content["annotations"] if each["image_id"] == names[parent][1]]
        painted = np.zeros((70, 70), np.int64)
        for each in sorted(own, key=lambda each: (-each["iscrowd"], -each["area"])):
            x, y, width, height = each["bbox"]
            painted[y : y + height, x : x + width] = each["id"]
        ids = np.concatenate([[0], stored["object_id"][row]])
        np.testing.assert_array_equal(ids[stored["instances"][row]], painted)
        for place in range(stored["object_count"][row]):
            seen = painted == stored["object_id"][row, place]
            ys, xs = np.nonzero(seen)
            tightest = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            assert stored["object_box"][row, place].tolist() == tightest
            assert stored["object_visible"][row, place] == 1


def test_masks_and_instances_follow_the_same_pixels(run_cli: Runner, segments: Path, tmp_path: Path) -> None:
    """Every pixel shows its class by its grey, and that of an object has the class of this."""
    options = (
        "--method copypaste,classmix,cutmix,mosaic,cutout,none --passes 10 --flip 0.5 --crop-pad 4 --min-visible 0"
    )
    stored = columns(make(run_cli, segments, tmp_path / "out", options))
    np.testing.assert_array_equal(stored["mask"], classes_shown(stored["images"]))
    is_thing = stored["mask"] < 2  # ball and cup
    assert is_thing.any()
    np.testing.assert_array_equal(stored["instances"] > 0, is_thing)
    places = np.maximum(stored["instances"].astype(np.int64) - 1, 0).reshape(len(is_thing), -1)
    of_object = np.take_along_axis(stored["object_class"], places, 1).reshape(is_thing.shape)
    np.testing.assert_array_equal(of_object[is_thing], stored["mask"][is_thing])


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("--task segment --method fmix", "Pass mixup, cutmix, cutout, resizemix, mosaic, copypaste, none."),
        ("--task detect --method fmix", "boxes cannot follow. Pass mixup, cutmix, cutout, resizemix, mosaic, none."),
        ("--task segment --method classmix", "it pastes what mask shows"),
        ("--task detect --method copy-paste", "read outlines with --task segment"),
        ("--task detect --masks both", "has no masks"),
        ("--task segment --method cutmix --masks both", "one parent is alone at each pixel"),
    ],
)
def test_options_without_effect_are_refused(
    run_cli: Runner, scenes: Path, tmp_path: Path, options: str, found: str
) -> None:
    ended = run_cli("generate", scenes, "-o", tmp_path / "out", *options.split())
    assert ended.returncode == 2
    assert found in ended.stderr
    assert not (tmp_path / "out").exists()


def test_pictures_and_masks_of_other_sizes_do_not_go_together(run_cli: Runner, tmp_path: Path) -> None:
    source = write_pairs(tmp_path / "pairs", 3)
    Image.new("L", (9, 9)).save(source / "masks" / "001.png")
    ended = run_cli("generate", source, "-o", tmp_path / "out")
    assert ended.returncode == 65
    assert "001" in ended.stderr
    assert "9x9" in ended.stderr
