"""The site: what `docs/site/hooks.py` changes of the pages, and that the reference has what the package offers. `make
docs` builds it, with warnings as errors."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType, SimpleNamespace

import pytest

import mixup_cli
from tests.compatibility import readers
from tests.docs.pages import ROOT

HOOKS = ROOT / "docs" / "site" / "hooks.py"


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    """docs/site/hooks.py, which is in no package."""
    spec = spec_from_file_location("hooks", HOOKS)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown(hooks: ModuleType, name: str, markdown: str) -> str:
    """What MkDocs is given of a page of the repository."""
    path = ROOT / name
    file = SimpleNamespace(abs_src_path=str(path), src_uri=hooks._uri(path))
    text: str = hooks.on_page_markdown(markdown, SimpleNamespace(file=file))
    return text


@pytest.mark.parametrize(
    ("page", "link", "there"),
    [
        ("README.md", "docs/scale.md#ray", "scale.md#ray"),
        ("README.md", "CHANGELOG.md", "CHANGELOG.md"),
        ("docs/scale.md", "../benchmarks/results.md", "benchmarks/results.md"),
        ("docs/scale.md", "../README.md", "index.md"),
        ("docs/api/library.md", "../options.md", "../options.md"),
        ("benchmarks/results.md", "time-against-n.png", "time-against-n.png"),
        ("docs/scale.md", "#ray", "#ray"),
        ("docs/scale.md", "https://example.org/a.md", "https://example.org/a.md"),
    ],
)
def test_links_of_the_repository_lead_to_the_same_page(hooks: ModuleType, page: str, link: str, there: str) -> None:
    assert shown(hooks, page, f"see [it]({link}).") == f"see [it]({there})."


def test_a_link_to_a_folder_or_to_nothing_fails(hooks: ModuleType) -> None:
    for link in ("methods", "missing.md"):
        with pytest.raises(Exception, match=f"docs/scale.md: {link} is not a file"):
            shown(hooks, "docs/scale.md", f"[it]({link})")


def test_code_stays_as_it_is(hooks: ModuleType) -> None:
    code = "```python\nx = [f](missing.md)\n```\n"
    assert shown(hooks, "docs/scale.md", code) == code


def test_code_in_tables_has_no_backslash(hooks: ModuleType) -> None:
    assert shown(hooks, "docs/scale.md", r"| `a\|b` | c \| d | `e\|f\|g` |") == r"| `a|b` | c \| d | `e|f|g` |"


def test_tabs(hooks: ModuleType) -> None:
    text = "<!-- tabs -->\n\n**One**\n\n```python\n1\n```\n\n**Two**\n\n2\n\n<!-- tabs: end -->\nafter"
    lines = [line for line in shown(hooks, "docs/scale.md", text).split("\n") if line.strip()]
    assert lines == ['=== "One"', "    ```python", "    1", "    ```", '=== "Two"', "    2", "after"]


def test_floors_are_rows_of_boxes(hooks: ModuleType) -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    rows = re.findall(r'^<div class="floor">.*</div>$', shown(hooks, "docs/architecture.md", page), re.MULTILINE)
    assert "".join(rows).count('class="room"') == page.count('["<b>') > 20
    assert len(rows) == page.count(" --> ") + 1


@pytest.mark.parametrize(
    "element", ['<script src="https://x/y.js">', '<img src="//x/y.png">', "<link href=http://x/y>"]
)
def test_what_loads_from_elsewhere_is_found(hooks: ModuleType, element: str) -> None:
    assert hooks.LOADED.search(element)
    assert not hooks.LOADED.search('<script src="site/x.js"> <a href="https://example.org">')


def test_the_reference_has_every_name() -> None:
    named = set(re.findall(r"^::: ([\w.]+)", "".join(p.read_text() for p in (ROOT / "docs/api").glob("*.md")), re.M))
    assert {f"mixup_cli.{name}" for name in mixup_cli.__all__} - named <= {
        "mixup_cli.MixedArrays",  # under Readers, by its place
        "mixup_cli.MixupGenError",  # under Errors
    }
    assert {f"mixup_cli.readers.{name}" for name in readers()} <= {name.rpartition(".")[0] for name in named}
