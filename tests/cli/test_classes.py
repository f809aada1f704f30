"""Classes on the command line: the same numbers in every split, recorded, and shown before anything is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.data_sets import digests
from tests.picture_folders import pictures
from tests.running import Runner, error_line


@pytest.fixture
def splits(tmp_path: Path) -> Path:
    """Four classes in train/, of which val/ lacks the second."""
    root = tmp_path / "splits"
    for number in range(2):
        pictures(
            root, *(f"train/{name}/{number}.png" for name in "abcd"), *(f"val/{name}/{number}.png" for name in "acd")
        )
    return root


def facts_of(out: Path, name: str = "manifest.json") -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((out / name).read_text())
    return facts


def test_a_split_that_lacks_a_class_is_seen_before_it_is_made(splits: Path, run_cli: Runner) -> None:
    for command in (["inspect"], ["generate", "--dry-run"]):
        ended = run_cli(*command, splits, "--split", "val")
        assert "classes       4\n              a (2), b (0), c (2), d (2)\n" in ended.stdout
        facts = json.loads(run_cli(*command, splits, "--split", "val", "--json").stdout)
        assert facts["class_names"] == ["a", "b", "c", "d"]
        assert facts["class_counts"] == {"a": 2, "b": 0, "c": 2, "d": 2}


@pytest.mark.parametrize(
    "options",
    [
        "--balance classes",
        "--per-class 1",
        "--pair same-class",
        "--pair cross-class --passes 3",
        "--pair balanced",
        "--label-rule remix --passes 4",
        "--label-rule union",
        "--label-smoothing 0.1 --labels dense",
        "--labels sparse --window 4 --cache none",
        "--method mixup:0.5,cutmix:0.5 --keep-originals --balance classes",
    ],
)
def test_a_class_without_samples_disturbs_nothing(options: str, splits: Path, run_cli: Runner, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made = run_cli("generate", splits, "--split", "val", "-o", out, *options.split())
    assert made.returncode == 0, made.stderr
    assert facts_of(out)["class_names"] == ["a", "b", "c", "d"]
    verified = run_cli("verify", out, "--deep")
    assert verified.returncode == 0, verified.stderr
    assert run_cli("preview", out, "-o", tmp_path / "sheet.png").returncode == 0


def test_a_finished_data_set_tells_the_classes_of_the_next(splits: Path, run_cli: Runner, tmp_path: Path) -> None:
    run_cli("generate", splits, "--classes", "d,c,b,a", "-o", tmp_path / "first")
    for classes in (tmp_path / "first", tmp_path / "first" / "manifest.json"):
        out = tmp_path / classes.name / "out"
        out.parent.mkdir(exist_ok=True)
        assert run_cli("generate", splits / "val", "--classes", classes, "-o", out).returncode == 0
        assert facts_of(out)["class_names"] == ["d", "c", "b", "a"]


def test_given_classes_are_recorded_for_whoever_reads_the_source_again(
    splits: Path, run_cli: Runner, tmp_path: Path
) -> None:
    names, out = tmp_path / "names.txt", tmp_path / "out"
    names.write_text("d\nc\nb\na\n")
    run_cli("generate", splits / "val", "--classes", names, "-o", out)
    assert facts_of(out, "run.json")["source"]["options"] == {"classes": '["d", "c", "b", "a"]'}
    names.unlink()
    assert run_cli("verify", out, "--deep").returncode == 0
    before = digests(out)
    (out / "shard-00000.h5").unlink()
    assert run_cli("repair", out).returncode == 0
    assert digests(out) == before


def test_other_classes_are_another_data_set(splits: Path, run_cli: Runner, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_cli("generate", splits / "val", "--classes", "a,b,c,d", "-o", out)
    for classes in ([], ["--classes", "d,c,b,a"]):
        ended = run_cli("generate", splits / "val", *classes, "--passes", 2, "-o", out)
        assert ended.returncode == 73
        assert "was made from other labels (classes (a, b, c, d) then" in error_line(ended)
        assert f"Pass --classes {out} for the classes that it was made with" in error_line(ended)
    assert run_cli("generate", splits / "val", "--classes", out, "--passes", 2, "-o", out).returncode == 0


def test_the_table_of_another_split_may_go_and_the_classes_of_then_come_from_the_data_set(
    run_cli: Runner, tmp_path: Path
) -> None:
    pictures(tmp_path / "data", *(f"{name}.png" for name in "abcd"))
    (tmp_path / "train.csv").write_text("id,label\na,x\nb,y\n")
    (tmp_path / "val.csv").write_text("id,label\nc,x\nd,z\n")
    out = tmp_path / "out"
    run_cli("generate", tmp_path / "data", "--labels-from", tmp_path / "val.csv", "-o", out)
    assert facts_of(out)["class_names"] == ["x", "y", "z"]
    (tmp_path / "train.csv").unlink()
    before = digests(out)
    for command in (["verify", out, "--deep"], ["repair", out]):
        if command[0] == "repair":
            (out / "shard-00000.h5").unlink()
        refused = run_cli(*command)
        assert refused.returncode == 65
        found = error_line(refused)
        assert "was made from other labels (classes (x, y, z) then, classes (x, z) now)" in found
        assert f"Name the source it was made from with --source, and add --classes {out}" in found
        assert run_cli(*command, "--source", tmp_path / "data", "--classes", out).returncode == 0
    assert digests(out) == before


def test_recorded_classes_name_no_file(splits: Path, run_cli: Runner, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_cli("generate", splits, "--classes", "a,b,c,d", "-o", out)
    facts = facts_of(out, "run.json")
    facts["source"]["options"]["classes"] = "/dev/zero"
    (out / "run.json").write_text(json.dumps(facts))
    ended = run_cli("verify", out, "--deep")
    assert "source: its classes are not a list" in error_line(ended)


def test_a_class_that_would_be_lost_is_an_error_for_the_quiet_too(run_cli: Runner, tmp_path: Path) -> None:
    pictures(tmp_path, "photos/cat/0.jpg")
    (tmp_path / "photos/dog").mkdir()
    (tmp_path / "photos/dog/1.HEIC").write_bytes(b"")
    ended = run_cli("generate", tmp_path / "photos", "-q", "-o", tmp_path / "out")
    assert ended.returncode == 65
    assert "the class dog would be lost" in error_line(ended)


def test_the_split_that_is_none_comes_from_the_command_line(run_cli: Runner, tmp_path: Path) -> None:
    pictures(tmp_path, "photos/train/0.png", "photos/car/0.png")
    ended = run_cli("inspect", tmp_path / "photos")
    assert ended.returncode == 2
    assert "or --split '' to use all of them as classes" in error_line(ended)
    assert "car (1), train (1)" in run_cli("inspect", tmp_path / "photos", "--split", "").stdout
