"""One cell for all tests of a session's process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.costs import check_bad_input
from tests.hostile.cell import Cell, Ended

SECRET = b"nobody may read this, and nobody may change it\n" * 99

MOST_BYTES = 1 << 30


@pytest.fixture(scope="session")
def cell() -> Iterator[Cell]:
    """Commands run in it."""
    made = Cell()
    yield made
    made.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty folder for hostile input. Beside it is `outside/secret`, which must stay as it is."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_bytes(SECRET)
    (tmp_path / "inside").mkdir()
    return tmp_path / "inside"


def check_harmless(ended: Ended, place: Path) -> None:
    """No crash, no hang, no memory, nothing run; nothing made, changed or removed but what the command is to make; and
    what is said is text in lines."""
    assert ended.signal == 0, f"ended by signal {ended.signal}, after {ended.cpu_seconds} s: {ended.err}"
    assert "Traceback" not in ended.err, ended.err
    assert "Warning" not in ended.err, ended.err
    assert all(line.startswith("mixup-gen: ") for line in ended.err.splitlines()), ended.err
    assert ended.err.replace("\n", "").isprintable(), repr(ended.err)
    assert len(ended.err) < 20_000
    check_bad_input(ended.cpu_seconds)
    assert ended.peak_bytes < MOST_BYTES
    assert not (place / "IT-RAN").exists()
    assert (place.parent / "outside/secret").read_bytes() == SECRET
    wanted = f"{place.name}/{output_of(ended.arguments)}"
    assert [path for path in ended.changed if path != wanted and not path.startswith(f"{wanted}/")] == []


def output_of(arguments: list[str]) -> str:
    """What a command may make, in the folder where it runs: a name that nothing has, if it only reads."""
    command = arguments[0]
    if "-o" in arguments:
        return arguments[arguments.index("-o") + 1]
    if command == "repair":
        return arguments[1]
    return "mixup-out" if command == "generate" else "(nothing)"


REMEDIES = frozenset(
    (
        "Add Change Check Continue Correct Drop Empty Fetch Fill Fix Give Its Keep Leave Let Make Mend Move Name "
        "Options: Pass Plan Put Raise Remove Rename Restore Run Save Say See Start Stop Store Unpack Use Write "
        "mixup-gen --config --files-from --plan"
    ).split()
)
"""How a sentence begins that says what to do, or where to read it."""

ALTERNATIVES = ("If it was to be ", "If NULs stand ", "For a list of images use ", "For lists of names pass ")


def check_remedy(message: str) -> None:
    """The last sentence of a message says what to do; or it is a question, the answer to which says it."""
    last = re.split(r"[.?] (?=[A-Zm-])", message)[-1]
    is_one = last.split(" ", 1)[0].removesuffix(",") in REMEDIES or last.startswith(ALTERNATIVES)
    assert message.endswith("?") or (is_one and message.endswith(".")), message


def error_of(ended: Ended) -> str:
    """The one line in which a command says what is wrong; it is the last, and nothing is on stdout."""
    errors = [line for line in ended.err.splitlines() if line.startswith("mixup-gen: error: ")]
    assert len(errors) == 1, ended.err
    assert ended.err.splitlines()[-1] == errors[0]
    assert ended.out == ""
    return errors[0].removeprefix("mixup-gen: error: ")
