"""`mixup-gen preview`: a contact sheet from a source or a finished data set."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from mixup_cli.report.marks import COLOURS
from tests.boxed_pictures import write_boxes
from tests.running import Runner, error_line


def drawn(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        picture.load()
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        return picture


@pytest.mark.parametrize("source", ["colours", "colours_of_many_sizes", "photos", "cifar", "arrays"])
def test_a_source_is_drawn_and_nothing_else_is_written(
    source: str, run_cli: Runner, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    ended = run_cli("preview", request.getfixturevalue(source), "-o", "grid.png", "--alpha", 1, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "grid.png\n"), ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]
    assert drawn(tmp_path / "grid.png").height > 8 * 100


def test_rows_start_and_recipe_are_taken(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    def page(name: str, *args: object) -> Image.Image:
        assert run_cli("preview", photos, "-o", tmp_path / name, "--size", 32, *args).returncode == 0
        return drawn(tmp_path / name)

    two, four = page("two.png", "--rows", 2), page("four.png", "--rows", 4)
    assert four.height > two.height
    mosaic = page("mosaic.png", "--rows", 2, "--method", "mosaic")
    assert mosaic.width > two.width + 200  # two more donors
    later = page("later.png", "--rows", 2, "--start", 2)
    assert np.array_equal(np.asarray(four)[-200:, 60:160], np.asarray(later)[-200:, 60:160])


def test_a_data_set_is_drawn_with_the_source_that_run_json_names(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    options = ("--method", "mixup,cutmix", "--size", 24)
    assert run_cli("generate", photos, *options, "-o", "out", cwd=tmp_path).returncode == 0
    assert run_cli("preview", photos, *options, "-o", "before.png").returncode == 0
    ended = run_cli("preview", "out", "-o", "after.png")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "after.png\n", "")
    assert (tmp_path / "before.png").read_bytes() == (tmp_path / "after.png").read_bytes()


def test_objects_are_drawn_before_and_after(run_cli: Runner, tmp_path: Path) -> None:
    options = (write_boxes(tmp_path / "boxes", keypoints=True), "--method", "mosaic,mixup", "--flip", 0.5, "--seed", 1)
    assert run_cli("generate", *options, "-o", "out", cwd=tmp_path).returncode == 0
    assert run_cli("preview", *options, "--rows", 6, "-o", "before.png").returncode == 0
    ended = run_cli("preview", "out", "-o", "after.png")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "after.png\n", "")
    assert (tmp_path / "before.png").read_bytes() == (tmp_path / "after.png").read_bytes()
    page = np.asarray(drawn(tmp_path / "after.png"))
    for colour in COLOURS:
        assert (page == ImageColor.getrgb(colour)).all(axis=-1).sum() > 500


def test_without_its_source_a_data_set_shows_results_alone(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "photos")
    assert run_cli("generate", "photos", "--size", 24, "-o", "out", cwd=tmp_path).returncode == 0
    assert run_cli("preview", "out", "-o", "whole.png").returncode == 0
    (tmp_path / "photos").rename(tmp_path / "moved")
    ended = run_cli("preview", "out", "-o", "alone.png")
    assert ended.returncode == 0
    assert "results without parents" in ended.stderr
    assert drawn(tmp_path / "alone.png").width < drawn(tmp_path / "whole.png").width - 200
    assert run_cli("preview", "out", "--source", "moved", "-o", "again.png").returncode == 0
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "whole.png").read_bytes()
    assert run_cli("preview", "out", "--source", "nowhere", "-o", "again.png").returncode == 66


def test_a_broken_input_is_shown_as_such(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    shutil.copytree(colours, tmp_path / "colours")
    (tmp_path / "colours" / "red" / "1.png").write_bytes(b"no picture")
    ended = run_cli("preview", "colours", "-o", "grid.png", "--rows", 12, cwd=tmp_path)
    assert ended.returncode == 0
    assert "red/1.png: " in ended.stderr
    assert run_cli("preview", "colours", "-o", "grid.png", "--rows", 12, "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        ((), 2, "-o: names the image to write, and is missing. Pass, for example, -o grid.png."),
        (("-o", "grid.html"), 2, "-o grid.html: does not end in .png. Pass, for example, -o grid.png."),
        (("-o", "grid"), 2, "-o grid: does not end in .png."),
        (("-o", "."), 73, ".: is a folder, and -o names a file."),
        (("-o", "nowhere/grid.png"), 66, "nowhere: no such folder"),
        (("-o", "grid.png", "--source", "elsewhere"), 2, "--source: it goes with a finished data set."),
        (("-o", "grid.png", "--method", "mixupp"), 2, "unknown method 'mixupp'; did you mean mixup?"),
    ],
)
def test_what_cannot_be_done_is_refused(
    args: tuple[str, ...], code: int, told: str, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    ended = run_cli("preview", colours, *args, cwd=tmp_path)
    assert ended.returncode == code
    assert told in error_line(ended)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_named_like_a_picture_is_refused(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    (tmp_path / "grid.png").mkdir()
    ended = run_cli("preview", colours, "-o", tmp_path / "grid.png")
    assert (ended.returncode, "is a folder" in error_line(ended)) == (73, True)


def test_no_input_is_overwritten_or_added(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    shutil.copytree(colours, tmp_path / "colours")
    before = (tmp_path / "colours" / "red" / "1.png").read_bytes()
    for name in ("1.png", "grid.png"):
        ended = run_cli("preview", "colours", "-o", f"colours/red/{name}", cwd=tmp_path)
        assert (ended.returncode, "and generate would read it" in error_line(ended)) == (2, True)
    assert (tmp_path / "colours" / "red" / "1.png").read_bytes() == before
    assert not (tmp_path / "colours" / "red" / "grid.png").exists()
    assert run_cli("preview", "-o", "grid.png", cwd=tmp_path / "colours").returncode == 0


def test_an_older_sheet_is_replaced(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    assert run_cli("preview", colours, "-o", "grid.png", "--rows", 2, cwd=tmp_path).returncode == 0
    assert run_cli("preview", colours, "-o", "grid.png").returncode == 0
    assert drawn(tmp_path / "grid.png").width > 100


@pytest.mark.parametrize("finished", [False, True])
def test_what_is_no_picture_is_refused(finished: bool, run_cli: Runner, tmp_path: Path) -> None:
    np.savez(tmp_path / "vectors.npz", x=np.zeros((6, 16), np.uint8), y=np.arange(6) % 2)
    location = "vectors.npz"
    if finished:
        assert run_cli("generate", location, "-o", "out", cwd=tmp_path).returncode == 0
        location = "out"
    ended = run_cli("preview", location, "-o", "grid.png", cwd=tmp_path)
    assert (ended.returncode, "these samples have the shape (16,)" in error_line(ended)) == (2, True)


def test_rows_beyond_a_data_set_are_refused(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    assert run_cli("generate", colours, "-o", "out", cwd=tmp_path).returncode == 0
    ended = run_cli("preview", "out", "--start", 12, "-o", "grid.png")
    assert ended.returncode == 2
    assert "out has the rows 0 to 11" in error_line(ended)


def test_options_of_mixing_are_for_sources(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    assert run_cli("generate", colours, "-o", "out", cwd=tmp_path).returncode == 0
    ended = run_cli("preview", "out", "--label-rule", "base", "-o", "grid.png")
    assert ended.returncode == 2
    assert "--label-rule: out is mixed already." in error_line(ended)
    assert run_cli("preview", "out/manifest.json", "--label-rule", "base", "-o", "grid.png").returncode == 0
    assert run_cli("preview", "out", "-o", "grid.png", env={"MIXUP_GEN_ALPHA": "1"}).returncode == 0
