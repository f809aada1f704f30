"""mixup-gen between other commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data_sets import digests, manifest
from tests.running import Runner, error_line, shell


def test_a_list_from_find_is_a_source(colours: Path, tmp_path: Path, run_cli: Runner) -> None:
    lines = shell(f"find . -name '*.png' | mixup-gen generate --files-from - -q -o {tmp_path}/lines", colours)
    assert (lines.returncode, lines.stderr) == (0, "")
    nul = shell(f"find . -name '*.png' -print0 | mixup-gen generate -0 --files-from - -q -o {tmp_path}/nul", colours)
    assert (nul.returncode, nul.stderr) == (0, "")
    run_cli("generate", "-o", tmp_path / "folder", cwd=colours)
    made = digests(tmp_path / "folder")
    assert digests(tmp_path / "lines") == made
    assert digests(tmp_path / "nul") == made


def test_part_of_a_folder_and_a_list_in_a_file(colours: Path, tmp_path: Path, run_cli: Runner) -> None:
    (tmp_path / "list").write_text("red/0.png\n\n./red/1.png\r\nblue/3.png")
    run_cli("generate", "--files-from", tmp_path / "list", "-o", tmp_path / "o", cwd=colours)
    made = manifest(tmp_path / "o")
    assert (made["source"]["samples"], made["class_names"]) == (3, ["blue", "red"])
    assert run_cli("verify", tmp_path / "o", "--deep").returncode == 0, "run.json tells where the list is"


def test_an_empty_list_is_no_input(mixup_gen: Runner, tmp_path: Path) -> None:
    ended = mixup_gen("generate", "--files-from", "-", cwd=tmp_path)
    assert ended.returncode == 66
    assert error_line(ended).startswith("-: names no files")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["inspect --schema", "doctor", "--help", "--version", "generate --help"])
def test_a_reader_that_leaves_hears_no_complaint(command: str, tmp_path: Path) -> None:
    ended = shell(f"mixup-gen {command} | true; exit ${{PIPESTATUS[0]}}", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_manifest_path_feeds_the_next_command(colours: Path, tmp_path: Path) -> None:
    ended = shell(f"cat $(mixup-gen generate {colours} -q) | head -c 2", tmp_path)
    assert ended.stdout == "{\n"
    assert ended.stderr == ""
