"""What is general knows neither height nor channels, nor the column `images`: it asks the fields."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rooms import PACKAGE

NAMES = {"height", "channels"}
"""No variable, argument or attribute is called so. (`width` is also that of a column of text.)"""

COLUMN = "images"
"""No text is this one: the name of the first signal's column stands once, in `fields/signal.py`."""

ALLOWED = (
    "fields/",
    "sources/pictures/",
    "sources/annotations/",  # boxes in images
    "sources/clips/",  # frames
    "sources/sounds/",  # channels of sounds
    "sources/masks/",  # masks of images
    "methods/",  # the image methods, with the grid and the boxes that they share
    "report/",
    "plan/views.py",  # crops and flips
    "plan/saliency.py",  # where images stand out
    "kernels/resample.py",  # resizes images
    "kernels/take.py",  # crops and flips
    "sources/arrays/",  # names under which others keep arrays
    "sources/reading/splits.py",  # the same
    "sources/donors.py",  # images that fit arrays of images
    "recipe/recipe.py",  # options of images
    "cli/options/",  # the same, as flags
    "cli/commands/inspect.py",  # sizes of images, for people
    "exporters/images.py",  # what their encodings hold
    "exporters/coco.py",  # keys and sizes that other tools ask for
    "exporters/voc.py",
    "exporters/yolo.py",
)


def found_in(path: Path) -> Iterator[str]:
    """The names and texts of a file that only some places may have, with their lines."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                is_found = name in NAMES
            case ast.Constant(value=str(name)):
                is_found = name == COLUMN
            case _:
                continue
        if is_found:
            yield f"{name} in line {getattr(node, 'lineno', '?')}"


def general() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if not path.relative_to(PACKAGE).as_posix().startswith(ALLOWED):
            yield path


@pytest.mark.parametrize("path", [*general()], ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_what_is_general_asks_the_fields(path: Path) -> None:
    assert [*found_in(path)] == []


@pytest.mark.parametrize("place", ALLOWED)
def test_each_exception_is_needed(place: str) -> None:
    files = [*PACKAGE.joinpath(place).rglob("*.py")] if place.endswith("/") else [PACKAGE / place]
    assert any(any(found_in(path)) for path in files)
