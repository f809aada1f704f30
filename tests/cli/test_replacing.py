"""What is there survives until what replaces it is known to work; what is not in the way is no obstacle."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mixup_cli import Listener, Recipe, Run, open_source
from mixup_cli.errors import OutputExistsError
from mixup_cli.runs.generate import generate
from tests.data_sets import digests, manifest
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


@pytest.mark.parametrize("harm", ["remove", "cut"])
def test_a_shard_that_is_missing_or_cut_is_made_again(
    colours: Path, tmp_path: Path, run_cli: Runner, harm: str
) -> None:
    command = ["generate", colours, "-o", tmp_path / "out", "--samples-per-shard", 5]
    run_cli(*command)
    before, shard = digests(tmp_path / "out"), tmp_path / "out/shard-00001.h5"
    if harm == "remove":
        shard.unlink()
    else:
        shard.write_bytes(shard.read_bytes()[:-1])
    again = run_cli(*command)
    assert "resumed: 1 made now" in again.stderr
    assert digests(tmp_path / "out") == before


def test_an_unfinished_run_is_not_cut_down(colours: Path, tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    class Impatient(Listener):
        def advance(self, count: int) -> None:
            if count == 3:  # a shard, and not the scan of 12
                raise Enough

    source, recipe = open_source([colours]), Recipe(samples_per_shard=3)
    with pytest.raises(Enough):
        generate(source, recipe, Run(out=tmp_path / "out", passes=9, workers=1), Impatient())
    made = sorted((tmp_path / "out").glob("shard-*.h5"))
    with pytest.raises(OutputExistsError, match="an unfinished run has made"):
        generate(source, recipe, Run(out=tmp_path / "out", samples=1))
    assert sorted((tmp_path / "out").glob("shard-*.h5")) == made
    generate(source, recipe, Run(out=tmp_path / "out", passes=9))
    assert manifest(tmp_path / "out")["totals"]["samples"] == 9 * 12


def test_what_was_skipped_is_said(colours: Path, tmp_path: Path, run_cli: Runner) -> None:
    shutil.copytree(colours, tmp_path / "source")
    (tmp_path / "source/red/bad.png").write_bytes(b"")
    ended = run_cli("generate", tmp_path / "source", "-o", tmp_path / "out", "--on-error", "skip")
    assert "1 of 13 inputs left out (red/bad.png: " in ended.stderr
    again = run_cli("generate", tmp_path / "source", "-o", tmp_path / "out", "--on-error", "skip", "--json")
    assert '"skipped": 1' in again.stdout


@pytest.mark.parametrize("options", [[], ["--passes", 2]])
def test_losing_the_list_of_sources_is_told(
    options: list[object], finished: Path, colours: Path, run_cli: Runner
) -> None:
    (finished / "sources.csv").unlink()
    ended = run_cli("generate", colours, "-o", finished, *options)
    assert ended.returncode == 65
    assert error_line(ended) == f"{finished}/sources.csv: is missing. Run mixup-gen repair {finished}."
    assert run_cli("repair", finished).returncode == 0
    assert run_cli("generate", colours, "-o", finished, *options).returncode == 0


EDITS: dict[str, Callable[[str], str]] = {
    "a key": lambda text: text.replace("red/0", "red/5"),
    "a hash, which nobody else reads": lambda text: text[:-6] + ("0" if text[-6] != "0" else "1") + text[-5:],
    "no list at all": lambda text: "x",
    "a line less": lambda text: text[: text.rstrip("\n").rindex("\n") + 1],
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("options", [[], ["--passes", "2"]], ids=["as it is", "extended"])
def test_an_edited_list_of_sources_is_damage_and_no_other_source(
    edit: str, options: list[str], finished: Path, colours: Path, run_cli: Runner
) -> None:
    path = finished / "sources.csv"
    whole = path.read_text()
    path.write_text(EDITS[edit](whole))
    refused = run_cli("generate", colours, "-o", finished, *options)
    assert refused.returncode == 65
    message = error_line(refused)
    assert message.startswith(f"{path}: its sha256 is ")
    assert message.endswith(f"… was sealed. Run mixup-gen repair {finished}.")
    assert run_cli("repair", finished).returncode == 0
    assert path.read_text() == whole
    assert run_cli("generate", colours, "-o", finished, *options).returncode == 0


def test_losing_the_manifest_is_told_without_a_way_that_fails(finished: Path, colours: Path, run_cli: Runner) -> None:
    (finished / "manifest.json").unlink()
    ended = run_cli("generate", colours, "-o", finished)
    assert ended.returncode == 73
    assert "--force" not in error_line(ended)


def test_a_manifest_of_another_program_is_not_replaced(colours: Path, tmp_path: Path, run_cli: Runner) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "manifest.json").write_text('{"name": "My App"}')
    for options in ([], ["--force"], ["--dry-run"]):
        ended = run_cli("generate", colours, "-o", app, *options)
        assert ended.returncode == 73
        assert error_line(ended) == f"{app}: holds a manifest.json that is not part of a data set. Use another -o."
    assert (app / "manifest.json").read_text() == '{"name": "My App"}'
