"""Imports point one way, down the floors of `tests/rooms.py`, and docs/architecture.md shows these."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.rooms import BEGIN, END, FLOORS, PACKAGE, PAGE, picture

ONLY = {
    "kernels": {"backend", "errors", "choices", "compiled", "wording"},  # a backend can be read by itself
    "engines": {"errors", "wording"},  # callables, not samples
    "readers": {"errors", "wording", "fields", "storage", "storage/hdf5", "recipe", "pairing", "mixing"},
    "errors": {"wording"},
}
"""What a room may import besides itself, where that is less than all floors below it."""

FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor.split()}

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room_of(dotted: str) -> str:
    """The room of a module, or of a name in it: the longest of FLOORS that its path begins with."""
    parts = dotted.split(".")[1:]
    heads = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((head for head in heads if head in FLOOR), heads[-1])


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_rooms(path: Path) -> set[str]:
    """The rooms that a file imports anywhere, also inside functions and for types alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {room_of(name) for name in names if name.startswith("mixup_cli.")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path: Path) -> None:
    own = room_of(module_name(path))
    imported = imported_rooms(path) - {own}
    assert own in FLOOR, "a new room: give it its floor in tests/rooms.py"
    assert {name for name in imported if FLOOR[name] <= FLOOR[own]} == set()
    assert imported - ONLY.get(own, imported) == set()


def test_each_room_says_what_it_is_for() -> None:
    for folder in {path.parent for path in MODULES} - {PACKAGE}:
        text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
        assert len((text or "").splitlines()) >= 2, folder


def test_the_architecture_page_shows_the_floors() -> None:
    """If it does not: python -m tests.rooms"""
    assert PAGE.read_text().partition(BEGIN)[2].partition(END)[0] == picture()


def test_nothing_imports_the_command_line() -> None:
    outside = [path for path in MODULES if not room_of(module_name(path)).startswith("cli")]
    assert [path for path in outside if any(room.startswith("cli") for room in imported_rooms(path))] == []
