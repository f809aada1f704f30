"""What is there survives until what replaces it is known to work; what is not in the way is no obstacle."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.data_sets import digests
from tests.running import Runner, error_line


@pytest.fixture
def finished(colours: Path, tmp_path: Path, run_cli: Runner) -> Path:
    run_cli("generate", colours, "-o", tmp_path / "out", "-q")
    return tmp_path / "out"


def test_force_keeps_the_old_data_set_if_the_new_source_is_broken(
    finished: Path, colours: Path, tmp_path: Path, run_cli: Runner
) -> None:
    before = digests(finished)
    broken = tmp_path / "broken"
    shutil.copytree(colours, broken)
    next(broken.glob("*/*.png")).write_bytes(b"no picture")
    ended = run_cli("generate", broken, "-o", finished, "--force")
    assert ended.returncode == 65
    assert digests(finished) == before
    assert run_cli("verify", finished).returncode == 0


def test_force_keeps_the_old_data_set_if_the_method_does_not_fit(
    finished: Path, tmp_path: Path, run_cli: Runner
) -> None:
    before = digests(finished)
    ended = run_cli("generate", Path(__file__).parents[2] / "sample_data/broken", "-o", finished, "--force")
    assert ended.returncode != 0
    assert digests(finished) == before


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_the_output_is_never_the_source(finished: Path, run_cli: Runner, force: list[str]) -> None:
    before = digests(finished)
    ended = run_cli("generate", finished, "-o", finished, *force)
    assert ended.returncode == 2
    assert "the source" in error_line(ended)
    assert digests(finished) == before


def test_the_output_folder_may_hold_somebodys_notes_when_a_run_goes_on(
    finished: Path, colours: Path, run_cli: Runner
) -> None:
    (finished / ".DS_Store").write_text("of the file manager")
    ended = run_cli("generate", colours, "-o", finished, "--passes", 2)
    assert ended.returncode == 0, ended.stderr
    assert (finished / ".DS_Store").exists()


def test_inspect_and_print_config_do_not_look_at_mixup_out(colours: Path, tmp_path: Path, run_cli: Runner) -> None:
    run_cli("generate", colours, "-q", "--size", 5, cwd=tmp_path)
    assert "uint8 (6, 8, 3)" in run_cli("inspect", colours, cwd=tmp_path).stdout
    assert 'size = "8x6"' in run_cli("generate", colours, "--print-config", cwd=tmp_path).stdout


def test_a_dry_run_refuses_what_the_run_would_refuse(finished: Path, colours: Path, run_cli: Runner) -> None:
    ended = run_cli("generate", colours, "-o", finished, "--alpha", 0.7, "--dry-run")
    assert ended.returncode == 73


def test_the_same_command_again_is_the_same_recipe(tmp_path: Path, arrays: Path, run_cli: Runner) -> None:
    run_cli("generate", arrays, "-o", tmp_path / "out")
    again = run_cli("generate", arrays, "-o", tmp_path / "out")
    assert "nothing to do" in again.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ["--dtype", "float32", "--normalize", "nan/1"],
        ["--dtype", "float32", "--normalize", "0/0"],
        ["--value-range=-inf,5"],
        ["--fill", "300"],
        ["--alpha", "nan"],
        ["--method", "mixup:inf"],
    ],
)
def test_numbers_that_are_none_are_refused(colours: Path, tmp_path: Path, run_cli: Runner, wrong: list[str]) -> None:
    ended = run_cli("generate", colours, "-o", tmp_path / "out", *wrong)
    assert ended.returncode == 2, ended.stderr
    assert not (tmp_path / "out").exists()
