"""How MkDocs makes a site of pages that are written for the repository. Pages keep the links, tables and diagrams that
work there; what a site needs is changed while it is built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from os.path import normpath, relpath
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"^```.*?^```$|(?P<begin>\]\()(?P<target>(?!\w+:|#)[^)#\s]+)", re.MULTILINE | re.DOTALL)
"""A link to a file. Blocks of code match too, without a target, so that nothing within them does."""
CODE = re.compile(r"`[^`\n]+`")
TABS = re.compile(r"^<!-- tabs -->\n(.*?)^<!-- tabs: end -->\n", re.MULTILINE | re.DOTALL)
TAB = re.compile(r"^\*\*(.+)\*\*$", re.MULTILINE)
MERMAID = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NODE = re.compile(r'^ *(\w+)\["<b>(.*?)</b><br>(.*)"\]$', re.MULTILINE)
LOADED = re.compile(r"<(?:script|img|iframe|source|link)\b[^>]*\b(?:src|href)=\"?(?:https?:)?//[^>]*>")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what pages link to outside docs/: README.md as the first page, the others by their own paths."""
    waiting = [ROOT / "README.md", *(Path(config.docs_dir) / file.src_uri for file in files.documentation_pages())]
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        if uri := _outside(path):
            files.append(File.generated(config, uri, abs_src_path=str(path), inclusion=InclusionLevel.NOT_IN_NAV))
        found = set(_linked(path)) - seen if path.suffix == ".md" else set()
        seen |= found
        waiting += sorted(found)
    return files


def _outside(path: Path) -> str | None:
    """The name within the site of a file that is not in docs/."""
    uri = _uri(path)
    return None if path.is_relative_to(ROOT / "docs") else uri


def _linked(path: Path) -> Iterator[Path]:
    """The files that a page links to."""
    for match in LINK.finditer(path.read_text()):
        if match["target"] and (target := _target(path, match["target"])).is_file():
            yield target


def _target(path: Path, link: str) -> Path:
    return Path(normpath(path.parent / link))


def _uri(path: Path) -> str:
    """The name within the site of a file of the repository."""
    uri = path.relative_to(ROOT).as_posix()
    return {"README.md": "index.md"}.get(uri, uri.removeprefix("docs/"))


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Change what the repository shows and MkDocs does not."""
    path = Path(str(page.file.abs_src_path))

    def linked(match: re.Match[str]) -> str:
        if not match["target"]:
            return match[0]
        target = _target(path, match["target"])
        if not target.is_file():
            raise PluginError(f"{path.relative_to(ROOT)}: {match['target']} is not a file.")
        return match["begin"] + relpath(_uri(target), PurePosixPath(page.file.src_uri).parent)

    markdown = TABS.sub(lambda match: _tabs(match[1]), LINK.sub(linked, markdown))
    lines = (_cells(line) if line.startswith("|") else line for line in markdown.split("\n"))
    return MERMAID.sub(_floors, "\n".join(lines))


def _cells(line: str) -> str:
    """In code within a table, Python-Markdown shows the backslash that the repository needs before a |."""
    return CODE.sub(lambda match: match[0].replace(r"\|", "|"), line)


def _tabs(text: str) -> str:
    """Paragraphs under a bold line each, as tabs."""
    lines = (f'=== "{match[1]}"' if (match := TAB.fullmatch(line)) else f"    {line}" for line in text.split("\n"))
    return "\n".join(lines).rstrip() + "\n"


def _floors(match: re.Match[str]) -> str:
    """A flow chart without branches as rows of boxes. The library that draws others would be loaded from elsewhere."""
    rooms = {name: f'<div class="room"><code>{room}</code> {text}</div>' for name, room, text in NODE.findall(match[1])}
    floors = match[1].strip().rpartition("\n")[2].split(" --> ")
    rows = ("".join(rooms[name.strip()] for name in floor.split("&")) for floor in floors)
    return "\n".join(f'<div class="floor">{row}</div>' for row in rows)


def on_post_build(config: MkDocsConfig) -> None:
    """Fail where a page would load something from elsewhere."""
    for page in Path(config.site_dir).rglob("*.html"):
        if match := LOADED.search(page.read_text()):
            raise PluginError(f"{page.relative_to(config.site_dir)} loads from elsewhere: {match[0]}")
