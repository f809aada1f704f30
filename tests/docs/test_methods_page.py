"""docs/methods.md says of every method what the code says: summary, parents, options with their defaults. Its pictures
are what the program draws."""

from __future__ import annotations

import math
import re
from dataclasses import Field, fields
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mixup_cli.methods import METHODS
from mixup_cli.methods.options import HIGH, LOW, WHOLE, WORDS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "methods.md").read_text()
LARGEST_PICTURE = 120_000


def card(name: str) -> str:
    """The text under a method's heading."""
    found = re.search(rf"^### {name}\n(.*?)(?=^###? )", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"{name} has no card"
    return found[1]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("| \n").split(" | ")]


def rows(text: str) -> list[list[str]]:
    """The cells of a table's rows that begin with code."""
    return [cells(line) for line in text.splitlines() if line.startswith("| `")]


def taken(option: Field[Any]) -> str:
    """The values that an option takes, as the page says it."""
    if WORDS in option.metadata:
        return ", ".join(option.metadata[WORDS])
    low, high = option.metadata[LOW], option.metadata[HIGH]
    upper = f"{low:g} to {high:g}" if high < math.inf else f"{low:g} up"
    return f"{upper}, whole" if WHOLE in option.metadata else upper


def default(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:g}"


@pytest.mark.parametrize("name", METHODS)
def test_options_and_defaults_are_those_of_the_code(name: str) -> None:
    # fields() of a class as mypy knows it: Method itself is no dataclass, every method is
    options = fields(METHODS[name])  # type: ignore[arg-type]
    expected = [[f"`{option.name}`", default(option.default), taken(option)] for option in options]
    assert [row[:3] for row in rows(card(name))] == expected


@pytest.mark.parametrize("name", METHODS)
def test_summary_is_that_of_the_code(name: str) -> None:
    assert card(name).lstrip().startswith(f"*{METHODS[name].summary}*\n")


def test_the_overview_has_every_method_in_order() -> None:
    found = re.findall(r"^\| \[(\w+)\]\(#(\w+)\) \| (.*) \|$", PAGE, re.MULTILINE)
    assert [name for name, _, _ in found] == [anchor for _, anchor, _ in found] == list(METHODS)
    for name, _, rest in found:
        summary, parents, needs_picture, promise = [cell.strip() for cell in rest.split("|")]
        method = METHODS[name]()
        has_k = any(option.name == "k" for option in fields(METHODS[name]))  # type: ignore[arg-type]
        assert summary == method.summary
        assert parents == ("k" if has_k else str(method.parent_count))
        assert needs_picture == ("yes" if method.needs_picture else "")
        assert promise in ("A", "B")


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.only == "input_ids"])
def test_every_method_of_texts_has_printed_rows(name: str) -> None:
    assert re.search(r"^```text\n.*>>.*<<.*^```$", card(name), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "name", [name for name, method in METHODS.items() if name != "none" and method.only != "input_ids"]
)
def test_every_method_has_a_small_picture(name: str) -> None:
    assert f"](methods/{name}.png)" in card(name)
    assert 1000 < (DOCS / "methods" / f"{name}.png").stat().st_size < LARGEST_PICTURE


def make_pictures() -> ModuleType:
    """docs/methods/make_pictures.py, which is in no package."""
    spec = spec_from_file_location("make_pictures", DOCS / "methods" / "make_pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pictures_are_those_that_the_script_draws(tmp_path: Path) -> None:
    script = make_pictures()
    assert {path.stem for path in (DOCS / "methods").glob("*.png")} == set(script.PICTURES)
    name = "at-a-glance"
    with Image.open(script.drawn(name, tmp_path)) as now, Image.open(DOCS / "methods" / f"{name}.png") as stored:
        assert stored.size == now.size
        difference = np.abs(np.asarray(stored.convert("RGB"), np.int16) - np.asarray(now, np.int16))
    assert difference.mean() < 3, "draw the pictures again: python docs/methods/make_pictures.py"


def test_readme_begins_with_a_picture() -> None:
    top = (DOCS.parent / "README.md").read_text().partition("\n## ")[0]
    assert "](docs/methods/at-a-glance.png)" in top
