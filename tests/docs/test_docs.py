"""Documentation is true: its commands are run in order, their output compared; its snippets are executed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forking.client import program_folder
from tests.running import start_process

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def matches(expected: str, found: str) -> bool:
    """Whether `found` is `expected`, whose every … may stand for anything within a line, or for whole lines alone."""
    pattern = re.escape(expected).replace(re.escape("…"), ".*?")
    return re.fullmatch(pattern, found, re.DOTALL if expected.endswith("\n…") else 0) is not None


def run_console(block: str, folder: Path, environment: dict[str, str]) -> None:
    """Each `$ command` with the lines that follow it: stdout and stderr together, as a terminal shows them. A command
    goes on behind a backslash."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, expected = re.split(r"(?<!\\)\n", part, maxsplit=1)
        done = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert matches(expected.strip(), done.stdout.strip()), f"$ {command}\n{done.stdout}\nexpected:\n{expected}"


def run_python(text: str, folder: Path, environment: dict[str, str]) -> None:
    """A snippet with warnings as errors: forked, unless it needs what the server has not imported."""
    if "torch" in text or "datasets" in text:
        subprocess.run([sys.executable, "-W", "error", "-c", text], cwd=folder, env=environment, check=True)
        return
    script = folder.parent / "snippet.py"
    script.write_text(f"import warnings\nwarnings.simplefilter('error')\n{text}")
    process = start_process(cwd=folder, env=environment, script=str(script))
    _, err = process.communicate()
    assert process.returncode == 0, err


def program_environment(home: Path) -> dict[str, str]:
    """An environment in which `mixup-gen` and `python` are those of these tests, and libraries keep files in `home`."""
    folders = (program_folder(), str(Path(sys.executable).parent), os.environ["PATH"])
    added = {"PATH": os.pathsep.join(folders), "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **added, "HF_HOME": str(home / "hugging-face"), "HF_HUB_OFFLINE": "1"}


DOCUMENTS = {"README.md": 6, "docs/methods.md": 2, "docs/scripts.md": 1, "docs/training.md": 6}
"""The pages with commands and snippets, and how many each has at least."""


@pytest.mark.parametrize(("document", "least"), DOCUMENTS.items())
def test_commands_and_snippets(document: str, least: int, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    shutil.copytree(ROOT / "sample_data" / "photos", folder)
    shutil.copy(ROOT / "sample_data" / "cifar-10-sample.tar.gz", tmp_path / "cifar-10-python.tar.gz")
    environment = program_environment(tmp_path)
    blocks = BLOCK.findall((ROOT / document).read_text())
    assert len(blocks) >= least
    for language, text in blocks:
        if language == "console":
            run_console(text, folder, environment)
        else:
            run_python(text, folder, environment)


def test_links_of_the_documentation_lead_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
