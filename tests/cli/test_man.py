"""The manual pages: of mixup-gen and of each command, with all that --help-all shows, in roff without a fault."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import click
import pytest

from mixup_cli.cli.app import app
from mixup_cli.cli.man import pages
from tests.tools import require


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("man")
    for name, text in pages().items():
        (folder / name).write_text(text)
    return folder


def test_each_command_has_a_page() -> None:
    assert set(pages()) == {"mixup-gen.1", *(f"mixup-gen-{name}.1" for name in app.commands)}
    assert pages() == pages()


def rendered(path: Path) -> str:
    """As a terminal that is wide enough shows it, without bold letters."""
    ended = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-P-c", "-rLL=500n", "-rHY=0", path],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stderr == ""
    return re.sub(r".\x08", "", ended.stdout).replace("−", "-")  # a minus, where the system's macros leave it


def test_a_page_says_what_help_says(folder: Path) -> None:
    require("groff", package="groff")
    with app.make_context("mixup-gen", ["doctor"]) as context:
        for name, command in app.commands.items():
            text = " ".join(rendered(folder / f"mixup-gen-{name}.1").split())
            for each in command.params:
                typed, what = each.get_help_record(click.Context(command, parent=context)) or ("", "")
                assert " ".join(f"{typed} {what}".split()) in text, typed
    whole = rendered(folder / "mixup-gen.1")
    assert all(f"mixup-gen-{name}(1)" in whole for name in app.commands)
    assert "mixup-gen generate --alpha 0.2" in whole
    assert "65     The input is damaged" in whole


def test_mandoc_finds_no_fault(folder: Path) -> None:
    require("mandoc", package="mandoc")
    ended = subprocess.run(["mandoc", "-T", "lint", *folder.iterdir()], capture_output=True, text=True, check=False)
    faults = [line for line in (ended.stdout + ended.stderr).splitlines() if "missing date" not in line]
    assert faults == []
