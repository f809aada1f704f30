"""Texts for people read as plain English: none of the phrases that docs/style.md warns of is left in code or pages."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STYLE = ROOT / "docs" / "style.md"

PHRASES = [
    r"nobody",
    r"who(m)?ever",
    r"who meets whom",
    r"(?<!there )(is|are|was|were) no(?! (longer|more|less|fewer|such))",
    r"(is|are|was|were) (?-i:none)",
    r"no more than none",
    r"tells?",
    r"told",
    r"there is nothing there",
    r"what (is there|there is)",
    r"(those|which) there are",
    r"of another recipe",
    r"of no known",
    r"in silence",
    r"without a word",
    r"anew",
    r"held against",
    r"hangs on",
    r"mend(ed|s)?",
]
AVOIDED = re.compile(rf"\b({'|'.join(PHRASES)})\b", re.IGNORECASE)

PAGES = [*ROOT.glob("docs/**/*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md"))]
FILES = sorted([*ROOT.glob("mixup_cli/**/*.py"), *PAGES])

SEALED = ["has pixels that are no finite number", "half-open; zeros where there is none"]
"""Texts that are part of sealed data sets: they stay as they are, to the letter."""


def code_texts(path: Path) -> Iterator[tuple[int, str]]:
    """The strings, docstrings and comments of a Python file, each with its first line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def page_texts(path: Path) -> Iterator[tuple[int, str]]:
    """The paragraphs of a page, each with its first line; of the page about style, not what it warns of."""
    number = 1
    for paragraph in path.read_text().split("\n\n"):
        if path != STYLE:
            yield number, paragraph
        elif not paragraph.startswith("| not | but |"):
            yield number, re.sub(r"\*[^*]+\*", "", paragraph)
        number += paragraph.count("\n") + 2


def found(path: Path) -> list[str]:
    texts = code_texts(path) if path.suffix == ".py" else page_texts(path)
    return [
        f"{path.relative_to(ROOT)}:{line}: …{' '.join(text[max(0, match.start() - 40) : match.end() + 40].split())}…"
        for line, text in texts
        for match in AVOIDED.finditer(text)
        if not any(sealed in text for sealed in SEALED)
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_plain_english(path: Path) -> None:
    assert found(path) == []


def test_the_page_warns_of_what_the_test_finds() -> None:
    rows = re.findall(r"^\| (?!not |-)(.+?) \| (.+?) \|$", STYLE.read_text(), re.MULTILINE)
    assert len(rows) > 10
    for avoided, better in rows:
        assert AVOIDED.search(avoided), avoided
        assert not AVOIDED.search(better), better
