"""Data sets with objects, from the command line: the same bytes whatever happens, checked, repaired, and as others
compute them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.data_sets import columns, manifest
from tests.end_to_end.whatever_happens import check_how, check_killed, check_repaired, make
from tests.object_scenes import write_scenes
from tests.running import Runner

ALL = "--method mixup,cutmix,mosaic,resizemix,cutout,none --keep-originals --size 48 --flip 0.5"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scenes(tmp_path_factory.mktemp("objects") / "scenes")


@pytest.mark.parametrize("view", ["", pytest.param("--crop-pad 5", marks=pytest.mark.slow), "--random-resized-crop"])
def test_the_same_bytes_however_it_is_carried_out(run_cli: Runner, scenes: Path, tmp_path: Path, view: str) -> None:
    check_how(run_cli, scenes, tmp_path, f"{ALL} {view}")


def test_killed_and_grown_it_is_the_same(run_cli: Runner, scenes: Path, tmp_path: Path) -> None:
    check_killed(run_cli, scenes, tmp_path, ALL)


def test_it_is_verified_and_repaired(run_cli: Runner, scenes: Path, tmp_path: Path) -> None:
    check_repaired(run_cli, scenes, tmp_path, ALL)


def test_a_changed_box_is_another_source(run_cli: Runner, scenes: Path, tmp_path: Path) -> None:
    source, out = write_scenes(tmp_path / "scenes"), tmp_path / "out"
    make(run_cli, source, out)
    file = source / "annotations.json"
    content = json.loads(file.read_text())
    content["annotations"][0]["bbox"][2] -= 1
    file.write_text(json.dumps(content))
    ended = run_cli("verify", "--deep", out)
    assert ended.returncode == 65
    assert "000.png" in ended.stderr + ended.stdout


def test_hugging_face_reads_it(run_cli: Runner, scenes: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    out = make(run_cli, scenes, tmp_path / "out", "--size 32")
    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache")).with_format("numpy")
    stored = columns(out)
    for name in ("object_box", "object_class", "object_count"):
        np.testing.assert_array_equal(np.stack([*loaded[name]]), stored[name])


def annotated(scenes: Path) -> list[tuple[NDArray[np.uint8], NDArray[np.float64], list[int]]]:
    """The pictures in the order of their names, with boxes and classes, as another program would read them."""
    content = json.loads((scenes / "annotations.json").read_text())
    names = sorted(each["name"] for each in content["categories"])
    by_id = {each["id"]: names.index(each["name"]) for each in content["categories"]}
    found = []
    for image in sorted(content["images"], key=lambda each: str(each["file_name"])):
        own = [each for each in content["annotations"] if each["image_id"] == image["id"]]
        boxes = np.array([each["bbox"] for each in own], np.float64).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        pixels = np.asarray(Image.open(scenes / "images" / image["file_name"]))
        found.append((pixels, boxes, [by_id[each["category_id"]] for each in own]))
    return found


def test_mixup_on_a_canvas_is_that_of_object_detectors(run_cli: Runner, scenes: Path, tmp_path: Path) -> None:
    """Zhang et al., "Bag of Freebies for Training Object Detection Neural Networks", 2019, section 3.1: both at the top
    left of a canvas that holds both, zeros around them, lam from Beta(1.5, 1.5), objects of both with their weights."""
    out = make(run_cli, scenes, tmp_path / "out", "--method mixup --resize canvas --size 70 --passes 2")
    assert manifest(out)["recipe"]["methods"][0]["options"] == {"alpha": 1.5}
    pictures, stored = annotated(scenes), columns(out)
    for row, (base, donor) in enumerate(stored["source_index"].tolist()):
        lam = float(stored["share"][row, 0])
        canvas, boxes, classes, weights = np.zeros((70, 70, 3)), [], [], []
        for parent, weight in ((base, lam), (donor, 1 - lam)):
            pixels, own, its_classes = pictures[parent]
            canvas[: pixels.shape[0], : pixels.shape[1]] += weight * pixels
            if weight > 0:
                boxes += own.tolist()
                classes += its_classes
                weights += [weight] * len(own)
        assert np.abs(stored["images"][row] - canvas).max() <= 1
        count = stored["object_count"][row]
        assert stored["object_box"][row, :count].tolist() == boxes
        assert stored["object_class"][row, :count].tolist() == classes
        np.testing.assert_allclose(stored["object_weight"][row, :count], weights, atol=1e-6)
        assert (stored["object_class"][row, count:] == -1).all()


@pytest.mark.parametrize("method", ["cutmix", "mosaic"])
def test_what_is_seen_is_what_a_count_of_pixels_finds(
    run_cli: Runner, scenes: Path, tmp_path: Path, method: str
) -> None:
    """Each object painted alone, pixel by pixel, through the same boxes. 200 rows."""
    options = f"--method {method} --resize canvas --size 64 --samples 200 --min-visible 0"
    out = make(run_cli, scenes, tmp_path / "out", options)
    pictures, stored = annotated(scenes), columns(out)
    for row, parents in enumerate(stored["source_index"].tolist()):
        expected = []
        top, left, bottom, right = stored["box"][row].tolist()
        for slot, parent in enumerate(parents):
            for box, number in zip(pictures[parent][1].astype(int).tolist(), pictures[parent][2], strict=True):
                painted = np.zeros((64, 64), bool)
                painted[box[1] : box[3], box[0] : box[2]] = True
                whole = painted.sum()
                if method == "cutmix":
                    inside = np.zeros_like(painted)
                    inside[top:bottom, left:right] = True
                    seen = painted & (inside if slot else ~inside)
                else:
                    high, wide = pictures[parent][0].shape[:2]  # its own corner comes to lie at the point
                    shift = bottom - (0 if slot >= 2 else high), right - (0 if slot % 2 else wide)
                    rolled = np.roll(painted, shift, (0, 1))
                    seen = np.zeros_like(painted)
                    rows = slice(bottom, 64) if slot >= 2 else slice(0, bottom)
                    lines = slice(right, 64) if slot % 2 else slice(0, right)
                    seen[rows, lines] = rolled[rows, lines]
                if seen.any():
                    expected.append((slot, number, np.float32(seen.sum() / whole)))
        count = stored["object_count"][row]
        found = zip(*(stored[f"object_{name}"][row, :count] for name in ("parent", "class", "visible")), strict=True)
        assert [tuple(each) for each in found] == expected


def test_methods_whose_pixels_boxes_cannot_follow_are_refused(run_cli: Runner, scenes: Path, tmp_path: Path) -> None:
    ended = run_cli("generate", scenes, "-o", tmp_path / "out", "--method", "fmix")
    assert ended.returncode == 2
    assert "Pass mixup, cutmix" in ended.stderr
    ended = run_cli("generate", scenes, "-o", tmp_path / "out", "--store", "plan")
    assert ended.returncode == 2


def test_options_of_objects_need_objects(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    for option in ("--max-objects 3", "--min-visible 0.5", "--object-weights one"):
        ended = run_cli("generate", colours, "-o", tmp_path / "out", *option.split())
        assert ended.returncode == 2
        assert option.split()[0] in ended.stderr


def test_no_more_objects_than_asked_for(run_cli: Runner, scenes: Path, tmp_path: Path) -> None:
    """What found no place is counted: it is what the same rows have without the bound."""
    options = "--method mosaic --size 48 --flip 0.5"
    every = columns(make(run_cli, scenes, tmp_path / "every", options))
    assert "object_lost" not in every
    ended = run_cli("generate", scenes, "-o", tmp_path / "out", *options.split(), "--max-objects", "2")
    assert ended.returncode == 0, ended.stderr
    stored = columns(tmp_path / "out")
    assert stored["object_box"].shape[1:] == (2, 4)
    np.testing.assert_array_equal(stored["object_count"] + stored["object_lost"], every["object_count"])
    lost, rows = stored["object_lost"].sum(), np.count_nonzero(stored["object_lost"])
    assert 1 < rows < lost
    said = f"{lost} objects of {rows} rows found no place"
    assert f"{said} with --max-objects 2" in ended.stderr
    assert said in run_cli("inspect", tmp_path / "out").stdout
    assert (
        f'"objects_lost": {{"objects": {lost}, "rows": {rows}}}'
        in run_cli("inspect", tmp_path / "out", "--json").stdout
    )
    assert run_cli("verify", "--deep", tmp_path / "out").returncode == 0


@pytest.mark.parametrize("view", ["", "--flip 0.5"])
def test_in_a_mosaic_pictures_meet_and_not_their_padding(run_cli: Runner, tmp_path: Path, view: str) -> None:
    """Pictures without a dark pixel, wide and tall, on a black ground: the four pixels around the point are not black,
    and every box is the tightest around its colour."""
    scenes = write_scenes(tmp_path / "scenes", sizes=[(60, 30), (30, 60), (59, 21), (40, 40)])
    for path in (scenes / "images").iterdir():
        pixels = np.array(Image.open(path))
        Image.fromarray(np.maximum(pixels, 60)).save(path)
    out = make(run_cli, scenes, tmp_path / "out", f"--method mosaic --size 60 --passes 4 {view}")
    stored = columns(out)
    for image, (_, _, bottom, right) in zip(stored["images"], stored["box"].tolist(), strict=True):
        assert image[bottom - 1 : bottom + 1, right - 1 : right + 1].min() >= 55
    unpadded = [image[image.max(axis=2) > 0].size / image.size for image in stored["images"]]
    assert np.mean(unpadded) > 0.5
