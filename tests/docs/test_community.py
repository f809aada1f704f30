"""CONTRIBUTING.md names files, classes and commands that exist; CITATION.cff says what pyproject.toml says."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.docs.pages import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text()
NAMED = sorted({name for name in re.findall(r"`([\w./-]+(?:/|\.\w+))`", PAGE) if "NAME" not in name})
COMMANDS = re.findall(r'^make (\S+)(?: TESTS="(.*?)")?', PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", NAMED)
def test_a_file_that_the_page_names_exists(name: str) -> None:
    assert (ROOT / name).exists()


def test_the_page_names_what_to_add_and_to_inherit() -> None:
    assert len(NAMED) > 25
    for contract, file in re.findall(r"`(\w+Contract)` \(`(.*?)`\)", PAGE):
        assert f"class {contract}" in (ROOT / file).read_text()
    for constant, file in (("METHOD_NAMES", "choices.py"), ("ExportFormat", "choices.py")):
        assert f"`{constant}`" in PAGE
        assert re.search(rf"^{constant}\b", (ROOT / "mixup_cli" / file).read_text(), re.MULTILINE)


def test_its_commands_can_be_typed() -> None:
    rules = (ROOT / "Makefile").read_text()
    assert len(COMMANDS) >= 8
    for target, tests in COMMANDS:
        assert re.search(rf"^{target}:", rules, re.MULTILINE), target
        for path in tests.split():
            assert path.startswith("-") or (ROOT / path).exists(), path


def test_the_citation_is_of_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = (ROOT / "CITATION.cff").read_text()
    values = dict(re.findall(r"^([\w-]+): (\S+)$", citation, re.MULTILINE))
    assert (values["title"], values["version"], values["license"]) == (
        project["name"],
        project["version"],
        project["license"],
    )
    keywords = citation.partition("keywords:\n")[2].partition("\nreferences:")[0]
    assert re.findall(r"- (.*)", keywords) == project["keywords"]
    assert f"name: {project['authors'][0]['name']}" in citation
