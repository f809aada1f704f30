"""Documentation is true: its commands are run in order, their output compared; its snippets are executed; its links
lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, run_page

DOCUMENTS = {
    "README.md": 3,
    "docs/api/library.md": 1,
    "docs/captions.md": 2,
    "docs/cookbook.md": 18,
    "docs/exporting.md": 19,
    "docs/methods.md": 2,
    "docs/objects.md": 2,
    "docs/options.md": 2,
    "docs/quickstart.md": 3,
    "docs/readers.md": 8,
    "docs/reliability.md": 3,
    "docs/report.md": 3,
    "docs/scripts.md": 1,
    "docs/segmentation.md": 3,
    "docs/sound.md": 4,
    "docs/sources.md": 1,
    "docs/text.md": 4,
    "docs/training.md": 6,
    "docs/video.md": 3,
}
"""The pages with commands and snippets, and how many each has at least."""

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize(("document", "least"), DOCUMENTS.items())
def test_commands_and_snippets(document: str, least: int, tmp_path: Path) -> None:
    assert len(blocks(document)) >= least
    run_page(document, tmp_path)


def test_links_of_the_documentation_lead_somewhere() -> None:
    for document in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
