"""Imports point one way, as the design says: each module imports only from layers before its own."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mixup_cli

PACKAGE = Path(mixup_cli.__file__).parent

LAYERS = [
    "errors rng beta choices labels listener wording engines resample compiled search philox largest preload",
    "recipe kernels",
    "methods storage pairing label_rules",
    "method_set views saliency light label_rules",
    "sources",
    "plan plan_files population columns surface stage fingerprint",
    "mixer prepare make_shard shard_work existing begin found_shards records estimate run planned",
    "generate",
    "verify merge",
    "forecast rescan deep rebuild repair write_plan",
    "readers",
    "exporters report",
    "cli",
]
"""From the leaves up. Modules of one layer may import each other."""

ONLY = {
    "kernels": {"errors", "choices", "compiled"},
    "engines": {"errors"},
    "readers": {"errors", "labels", "storage", "recipe", "pairing", "existing"},  # the last three: how long a pass is
    "errors": set(),
}
"""What a package may import besides itself, where that is less than all layers before it."""

RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer.split()}

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def part_of(path: Path) -> str:
    """The root module or package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    """The parts of mixup_cli that a file imports anywhere, also inside functions and for types alone."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("mixup_cli.")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_down(path: Path) -> None:
    own = part_of(path)
    imported = imported_parts(path) - {own}
    assert own in RANK, "a new part: give it its place in LAYERS"
    assert {name for name in imported if RANK[name] > RANK[own]} == set()
    assert imported - ONLY.get(own, imported) == set()


def test_nobody_imports_the_command_line() -> None:
    assert [path for path in MODULES if part_of(path) != "cli" and "cli" in imported_parts(path)] == []
