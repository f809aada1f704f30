"""Harms the files of a finished data set."""

from __future__ import annotations

import shutil
from pathlib import Path


def flip(path: Path, offset: int = -1) -> None:
    """One bit of one byte."""
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x10
    path.write_bytes(data)


def truncate(path: Path) -> None:
    """The last hundred bytes are lost."""
    path.write_bytes(path.read_bytes()[:-100])


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text by another, once."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def add_surplus_shard(folder: Path) -> None:
    """A copy of the first one, where the manifest has none."""
    shutil.copy(folder / "shard-00000.h5", folder / "shard-00007.h5")


def leave_a_sidecar(folder: Path) -> None:
    """As a run that was cut off leaves it beside a finished data set."""
    (folder / ".mixup-gen/done").mkdir(parents=True)
    (folder / ".mixup-gen/done/00000.json").write_text("{}")
