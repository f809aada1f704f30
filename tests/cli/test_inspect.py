"""`mixup-gen inspect`: what a source is, without making anything of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.boxed_pictures import write_boxes
from tests.running import Runner

SCHEMA = Path(__file__).parents[2] / "docs/manifest.schema.json"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("colours", ["samples       12", "blue (4), green (4), red (4)", "all 8x6", "uint8 (6, 8, 3)"]),
        ("colours_of_many_sizes", ["samples       12", "4 different; most often", "uint8 (224, 224, 3)"]),
        ("cifar", ["samples       20", "classes       10", "all 32x32", "uint8 (32, 32, 3)"]),
        ("arrays", ["samples       40", "classes       4", "all 8x8", "would make    40 samples in 1 shard"]),
    ],
)
def test_it_tells_kind_samples_classes_sizes_and_what_would_be_made(
    source: str, told: list[str], run_cli: Runner, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    ended = run_cli("inspect", request.getfixturevalue(source), cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("kind  ")
    assert [text for text in told if text not in ended.stdout] == []
    assert list(tmp_path.iterdir()) == []


def test_all_signals_are_shown(run_cli: Runner, tmp_path: Path) -> None:
    images, depth, wave = (
        np.zeros((9, 8, 6, 3), np.uint8),
        np.zeros((9, 8, 6), np.uint16),
        np.zeros((9, 100, 2), np.float32),
    )
    np.savez(tmp_path / "s.npz", images=images, depth=depth, wave=wave, y=np.arange(9) % 3)
    command = ("inspect", "s.npz", "--data-key", "images,depth,wave", "--label-key", "y")
    lines = dict.fromkeys(run_cli(*command, cwd=tmp_path).stdout.splitlines())
    assert "beside        depth: uint16 (8, 6)" in lines
    assert "              wave: float32 (100, 2)" in lines
    each = next(line for line in lines if line.startswith("each "))
    assert each.startswith("each          images uint8 (8, 6, 3), depth uint16 (8, 6), wave float32 (100, 2), ")
    facts = json.loads(run_cli(*command, "--json", cwd=tmp_path).stdout)
    assert facts["beside"] == {"depth": ["uint16", [8, 6]], "wave": ["float32", [100, 2]]}


def test_json_is_one_line(run_cli: Runner, cifar: Path) -> None:
    ended = run_cli("inspect", cifar, "--json")
    assert ended.stdout.count("\n") == 1
    facts = json.loads(ended.stdout)
    assert (facts["event"], facts["kind"]) == ("inspected", "cifar")


def test_a_data_set_of_ours_is_told_as_such(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("generate", colours, "--alpha", 0.3, cwd=tmp_path)
    ended = run_cli("inspect", "mixup-out")
    for text in ("mixup-gen data set, format 1", "mixup:alpha=0.3", "pictures, 12 inputs, 0 skipped", "recipe_id"):
        assert text in ended.stdout


def test_schema_is_the_published_one(run_cli: Runner) -> None:
    assert json.loads(run_cli("inspect", "--schema").stdout) == json.loads(SCHEMA.read_text())


def test_a_source_of_which_nothing_can_be_made_is_told_all_the_same(run_cli: Runner, tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", x=np.zeros((1, 4, 4, 3), np.uint8), y=np.zeros(1, int))
    ended = run_cli("inspect", "one.npz", cwd=tmp_path)
    assert "samples       1" in ended.stdout
    assert ended.returncode == 65
    assert "error: the source has 1 usable sample, and mixup mixes 2 different ones" in ended.stderr
    assert run_cli("inspect", "one.npz", "--method", "none").returncode == 0


def test_objects_of_a_source_and_of_a_data_set(run_cli: Runner, tmp_path: Path) -> None:
    write_boxes(tmp_path / "boxes", count=12)
    of_source = run_cli("inspect", "boxes", cwd=tmp_path).stdout.splitlines()
    assert of_source[2:6] == [
        "task          detect",
        "classes       3",
        "objects       18 in 12 samples: 1.5 in each sample on average, 3 at most; 3 without any",
        "              cup (9), dog (6), kite (3)",
    ]
    assert "places        for 6 objects in each row" in of_source
    dry = run_cli("generate", "boxes", "--dry-run", cwd=tmp_path).stdout.splitlines()
    assert dry[:4] == of_source[2:6]
    generate = ("generate", "boxes", "--method", "none", "--passes", 2)
    assert run_cli(*generate, cwd=tmp_path).returncode == 0
    of_data_set = run_cli("inspect", "mixup-out", cwd=tmp_path).stdout.splitlines()
    assert "objects       36 in 24 rows: 1.5 in each row on average, 3 at most; 6 without any" in of_data_set
    assert "              cup (18), dog (12), kite (6)" in of_data_set
    assert "places        for 3 objects in each row" in of_data_set
    assert [line for line in of_data_set if line.startswith("labels")] == []
    for place, count in (("boxes", 18), ("mixup-out", 36)):
        facts = json.loads(run_cli("inspect", place, "--json", cwd=tmp_path).stdout)["objects"]
        assert facts == {
            "count": count,
            "mean": 1.5,
            "most": 3,
            "without": count // 6,
            "class_counts": {"cup": count // 2, "dog": count // 3, "kite": count // 6},
        }
