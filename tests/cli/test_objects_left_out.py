"""Objects that cannot be used: a run fails, or leaves them out, and what reads its source again leaves out the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.running import Runner
from tests.small_objects import coco_content, write_images


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Images, and annotations of which one has an empty box and one lies outside of its image."""
    content = coco_content()
    content["annotations"][0]["bbox"] = [5, 5, 0, 5]
    content["annotations"][2]["bbox"] = [500, 5, 5, 5]
    write_images(tmp_path / "boxes/images")
    (tmp_path / "boxes/annotations.json").write_text(json.dumps(content))
    return tmp_path


def test_a_run_fails_unless_it_may_leave_them_out(broken: Path, run_cli: Runner) -> None:
    for command in (["generate", "boxes"], ["plan", "boxes", "-o", "plan.csv"]):
        failed = run_cli(*command, cwd=broken)
        assert failed.returncode == 65
        where = "mixup-gen: error: boxes/annotations.json: annotations[0]: has an empty box, from 5, 5 to 5, 10"
        assert (
            failed.stderr == f"{where} (1 other object cannot be used either). Correct that, or pass --on-error skip.\n"
        )
        assert run_cli(*command, "--on-error", "skip", cwd=broken).returncode == 0
    assert {path.name for path in broken.iterdir()} == {"boxes", "mixup-out", "plan.csv"}


def test_what_reads_the_source_again_leaves_out_the_same(broken: Path, run_cli: Runner) -> None:
    made = run_cli("generate", "boxes", "--size", 32, "--on-error", "skip", "--samples-per-shard", 2, cwd=broken)
    assert "2 objects left out (the first: boxes/annotations.json: annotations[0]" in made.stderr
    assert run_cli("verify", "--deep", cwd=broken).returncode == 0
    (broken / "mixup-out/sources.csv").unlink()
    (broken / "mixup-out/shard-00001.h5").unlink()
    repaired = run_cli("repair", cwd=broken)
    assert repaired.returncode == 0, repaired.stderr
    assert run_cli("verify", "--deep", cwd=broken).returncode == 0


def test_commands_that_only_look_leave_them_out_and_say_so(broken: Path, run_cli: Runner) -> None:
    for command in (["inspect", "boxes"], ["preview", "boxes", "-o", "sheet.png"]):
        ended = run_cli(*command, cwd=broken)
        assert ended.returncode == 0, ended.stderr
        assert "2 objects left out" in ended.stderr


def test_changed_annotations_are_other_samples(broken: Path, run_cli: Runner) -> None:
    run_cli("generate", "boxes", "--size", 32, "--on-error", "skip", cwd=broken)
    file = broken / "boxes/annotations.json"
    content = json.loads(file.read_text())
    content["annotations"][1]["bbox"][2] += 1
    file.write_text(json.dumps(content))
    assert run_cli("verify", "--deep", cwd=broken).returncode == 65
    again = run_cli("generate", "boxes", "--size", 32, "--on-error", "skip", "--passes", 2, cwd=broken)
    assert again.returncode != 0
    assert "Traceback" not in again.stderr


def test_a_data_set_with_objects_is_not_a_source(broken: Path, run_cli: Runner) -> None:
    run_cli("generate", "boxes", "--size", 32, "--on-error", "skip", cwd=broken)
    ended = run_cli("generate", "mixup-out", "-o", "again", cwd=broken)
    assert ended.returncode == 65
    why = "have objects, which cannot be mixed again: what a mix has hidden of them is not stored."
    assert f"{why} Give the source that it was made from." in ended.stderr


def test_the_task_is_guessed_and_said(broken: Path, run_cli: Runner) -> None:
    said = "for --task detect (--task classify reads the images alone)"
    assert said in run_cli("inspect", "boxes", cwd=broken).stderr
    assert said not in run_cli("inspect", "boxes", "--task", "detect", cwd=broken).stderr
    ended = run_cli("generate", "boxes/images", "--task", "pose", cwd=broken)
    assert ended.returncode == 66
    assert "boxes/images: has no annotations of objects" in ended.stderr
