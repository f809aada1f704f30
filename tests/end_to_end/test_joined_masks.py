"""Data sets of several sources whose labels have a place, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.data_sets import columns, manifest
from tests.panoptic_scenes import classes_shown, write_panoptic
from tests.running import Runner

OPTIONS = "--method copypaste,cutmix,mosaic --flip 0.5 --passes 2 --samples-per-shard 6 --seed 4 -q".split()


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Path, Path]:
    """Pictures with segments; in the second source, two classes have other names."""
    for name in ("a", "b"):
        write_panoptic(tmp_path / name, 5)
    file = tmp_path / "b/annotations/panoptic_train2017.json"
    content = json.loads(file.read_text())
    for category in content["categories"]:
        category["name"] = {"sky": "air", "ball": "sky"}.get(category["name"], category["name"])
    file.write_text(json.dumps(content))
    return tmp_path / "a", tmp_path / "b"


def test_every_pixel_and_object_has_its_class_by_name(
    run_cli: Runner, sources: tuple[Path, Path], tmp_path: Path
) -> None:
    """Made in worker processes, and computed again."""
    out = tmp_path / "out"
    ended = run_cli("generate", *sources, "-o", out, *OPTIONS, "--engine=processes")
    assert ended.returncode == 0, ended.stderr
    assert run_cli("verify", "--deep", out).returncode == 0
    stored, names = columns(out), manifest(out)["class_names"]
    assert names == ["air", "ball", "cup", "grass", "sky"]
    own = (["ball", "cup", "sky", "grass"], ["sky", "cup", "air", "grass"])
    lookup = np.array([[*map(names.index, each), *[255] * 252] for each in own])
    is_second = stored["source_index"] >= 5
    assert is_second.any(axis=1).any()
    assert not is_second.all(axis=1).all()
    shown, known = classes_shown(stored["images"]), set[tuple[int, int]]()
    for row in range(len(shown)):
        candidates = [lookup[number][shown[row]] == stored["mask"][row] for number in {*map(int, is_second[row])}]
        assert np.any(candidates, axis=0).all()
        for place in range(stored["object_count"][row]):
            pixels = stored["instances"][row] == place + 1
            second = bool(is_second[row][stored["object_parent"][row, place]])
            known.add((int(second), int(stored["object_class"][row, place])))
            assert {*stored["mask"][row][pixels].tolist()} == {int(stored["object_class"][row, place])}
            assert {*lookup[int(second)][shown[row][pixels]].tolist()} == {int(stored["object_class"][row, place])}
    assert known == {(0, 1), (0, 2), (1, 4), (1, 2)}
