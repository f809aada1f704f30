"""`--help` fits a screen, `--help-all` has the rest, and the defaults that they show are the library's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest

from mixup_cli.cli.app import app
from mixup_cli.cli.help import EXAMPLES, SCREEN_LINES
from mixup_cli.cli.options.groups import GENERAL, PANELS, Option
from mixup_cli.fields.decide import DEFAULT_SIZE
from mixup_cli.fields.label_rules import REMIX_KAPPA, REMIX_TAU
from mixup_cli.pairing import DEFAULT_BANDWIDTH
from mixup_cli.recipe import Recipe
from mixup_cli.runs.job import SHARD_BYTES
from mixup_cli.runs.settings import Run
from mixup_cli.scan.cache import CacheSettings
from mixup_cli.scan.scan import Tolerance
from mixup_cli.sources import SourceOptions
from tests.running import Runner

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def options(command: str) -> list[Option]:
    return [each for each in app.commands[command].params if isinstance(each, Option)]


def shown(text: str) -> set[str]:
    """The long names of the options that a help text lists."""
    return set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE))


def long(option: click.Option) -> str:
    return max(option.opts, key=len)


@pytest.mark.parametrize("command", app.commands)
def test_help_fits_a_screen_and_help_all_has_everything(command: str, run_cli: Runner) -> None:
    help_all = run_cli(command, "--help-all").stdout
    assert shown(help_all) == {"--help", "--help-all", *map(long, options(command))}
    headings = [line[:-1] for line in help_all.splitlines() if line.removesuffix(":") in PANELS]
    assert headings == [panel for panel in PANELS if panel in headings]
    assert headings[-1] == GENERAL
    text = run_cli(command, "--help").stdout
    lines = text.splitlines()
    assert len(lines) <= SCREEN_LINES
    assert max(map(len, lines)) <= 80
    if rest := [each for each in options(command) if long(each) not in shown(text)]:
        assert lines[-1].startswith(f"--help-all shows {len(rest)} more option")
        assert not any(each.is_everyday for each in rest)
    else:
        assert text == help_all


def test_help_of_the_whole_has_a_line_for_each_command_and_examples_that_parse(run_cli: Runner) -> None:
    lines = run_cli("--help").stdout.splitlines()
    assert len(lines) <= SCREEN_LINES
    start = lines.index("Commands:") + 1
    assert [line.split()[0] for line in lines[start : start + len(app.commands)]] == list(app.commands)
    assert not any(line.endswith("...") for line in lines[start:]), "a summary is cut"
    assert len(EXAMPLES) == 3
    for _, example in EXAMPLES:
        program, command, *words = example.split()
        assert program == "mixup-gen"
        with app.make_context("mixup-gen", [command]) as parent:
            app.commands[command].make_context(command, words, parent=parent)


LIBRARY: dict[str, Any] = {
    "bandwidth": DEFAULT_BANDWIDTH,
    "cache": CacheSettings.kind,
    "cache_limit": CacheSettings.limit_bytes,
    "device": Run.device,
    "engine": Run.engine,
    "max_pixels": SourceOptions.max_pixels,
    "method": Recipe.methods,
    "on_error": Tolerance.on_error,
    "passes": Run.passes,
    "min_visible": Recipe.min_visible,
    "remix_kappa": REMIX_KAPPA,
    "remix_tau": REMIX_TAU,
    "shard_size": SHARD_BYTES,
}
"""The defaults of options that are not in the recipe under the same name."""


def default_of(option: click.Option) -> str:
    found = re.search(r"Default: (.*)\.$", option.help or "")
    assert found, f"{long(option)} shows no default"
    return found[1].replace(" million", "000000")


def test_defaults_are_the_library_s() -> None:
    by_name = {str(each.name): each for each in options("generate")}
    for name, value in LIBRARY.items():
        option = by_name[name]
        assert option.type.convert(default_of(option), option, None) == value, name
    for name in ("pair", "seed", "flip", "crop_pad", "fill", "labels", "label_rule", "compression", "object_weights"):
        option = by_name[name]
        assert option.type.convert(default_of(option), option, None) == getattr(Recipe, name), name
    assert default_of(by_name["out"]) == str(Run.out)
    assert default_of(by_name["size"]).endswith(f"else {DEFAULT_SIZE[0]}")


def test_a_default_is_written_by_hand_nowhere() -> None:
    files = [*ROOT.glob("mixup_cli/cli/**/*.py")]
    assert [path.name for path in files if "Default: " in path.read_text()] == ["groups.py"]
