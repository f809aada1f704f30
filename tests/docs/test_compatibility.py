"""docs/compatibility.md says which versions are tested, as the code and the pins have them."""

from __future__ import annotations

import ast
import sys

from tests.compatibility import EXTRAS, PAGE, ROOT, tables

OURS = {"mixup_cli", "numpy", "h5py"}


def test_the_page_has_the_tables() -> None:
    assert tables() in PAGE.read_text(), "python -m tests.compatibility"


def test_every_reader_of_a_framework_has_a_row() -> None:
    for path in (ROOT / "mixup_cli/readers").glob("*.py"):
        nodes = [*ast.walk(ast.parse(path.read_text()))]
        found = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
        found |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        others = {name.partition(".")[0] for name in found} - OURS - sys.stdlib_module_names
        assert not others or path.stem.partition("_")[0] in EXTRAS, f"{path.name} imports {others}"
