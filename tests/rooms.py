"""The rooms of the package, from the top floor down, and the picture of them in docs/architecture.md.

A module imports only from lower floors. After a change of FLOORS or of a room's first line, draw the picture again:

    python -m tests.rooms
"""

from __future__ import annotations

import ast
from pathlib import Path

import mixup_cli

PACKAGE = Path(mixup_cli.__file__).parent
PAGE = PACKAGE.parent / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: begin -->\n", "<!-- rooms: end -->\n"

FLOORS = [
    "cli",
    "cli/commands",
    "report/page",
    "report",
    "cli/options cli/terminal",
    "checks",
    "runs exporters",
    "readers",
    "mixing",
    "plan/files",
    "plan",
    "scan",
    "sources",
    "sources/packed",
    "sources/annotations sources/sounds sources/clips",
    "sources/pictures sources/cifar sources/texts",
    "sources/arrays sources/tables",
    "sources/reading",
    "storage/hdf5",
    "storage",
    "fields",
    "pairing",
    "methods",
    "kernels draws",
    "backend",
    "engines recipe compiled",
    "image_format option_text",
    "errors",
    "choices wording listener",
]
"""Rooms of one floor do not import each other."""


def summary(room: str) -> str:
    """The first sentence about a room, or about a module that stands alone."""
    path = PACKAGE / room / "__init__.py"
    text = ast.get_docstring(ast.parse((path if path.exists() else PACKAGE / f"{room}.py").read_text())) or ""
    return " ".join(text.split("\n\n")[0].split()).removesuffix(".")


def picture() -> str:
    """The floors as a Mermaid flow chart, in Markdown: an arrow points from each floor to the next one below."""
    floors = [floor.split() for floor in FLOORS]
    nodes = [f'    {_id(room)}["<b>{room}</b><br>{_escaped(summary(room))}"]' for rooms in floors for room in rooms]
    arrows = " --> ".join(" & ".join(map(_id, rooms)) for rooms in floors)
    return "\n".join(["```mermaid", "flowchart TB", *nodes, f"    {arrows}", "```", ""])


def _id(room: str) -> str:
    return room.replace("/", "_")


def _escaped(text: str) -> str:
    return text.replace('"', "'").replace("`", "")


def main() -> None:
    """Put the picture into docs/architecture.md."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + picture() + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
