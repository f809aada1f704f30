"""The note about copies lies where every user may write: links and damage in its place do no harm."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mixup_cli.engines.copies import copy_here, forget_copies
from mixup_cli.engines.files import File, copies
from mixup_cli.errors import StorageError

FILE = File("/on/another/host", "another", 1, 2)


@pytest.fixture(autouse=True)
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the note is looked for, in a folder for temporary files of its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path / f"mixup-gen-copies-{os.getuid()}.json"
    forget_copies()


def copied() -> bytes:
    """What a process that wants a copy of `FILE` then reads."""
    copy_here(FILE, "run", [b"decoded ", b"samples"], None)
    return Path(copies[FILE]).read_bytes()


def test_a_copy_is_found_again_by_its_note() -> None:
    """The pieces are asked for once."""
    copied()
    first = copies.pop(FILE)
    copy_here(FILE, "run", iter(lambda: pytest.fail("made again"), b""), None)
    assert copies[FILE] == first


@pytest.mark.parametrize(
    "link", [Path.symlink_to, Path.hardlink_to, lambda note, _: note.mkdir(), lambda note, _: os.mkfifo(note)]
)
def test_a_note_that_is_not_a_file_of_its_own_is_refused(note: Path, link: Callable[[Path, Path], None]) -> None:
    """What a link leads to is not written."""
    precious = note.with_name("precious")
    precious.write_text("{}")
    link(note, precious)
    with pytest.raises(StorageError, match=r"mixup-gen-copies-\d+.json: .* Remove it, or set TMPDIR"):
        copied()
    assert precious.read_text() == "{}"


def test_a_note_of_another_user_is_refused(note: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could name any file as the decoded samples."""
    note.write_text("{}")
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    note.rename(note.with_name(f"mixup-gen-copies-{other}.json"))
    with pytest.raises(StorageError, match="is not a file of this user alone"):
        copied()


@pytest.mark.parametrize(
    "damage",
    [
        b'{"run /on',
        b"\xff\xfe",
        b"[]",
        b'{"run /on/another/host": 3}',
        b'{"run /on/another/host": ["/", 0, 0]}',
        b"[" * 9999,
    ],
)
def test_a_damaged_note_is_replaced(note: Path, damage: bytes) -> None:
    """The copy is made as if there were none."""
    note.write_bytes(damage)
    assert copied() == b"decoded samples"
    copies.pop(FILE)
    assert copied() == b"decoded samples"
