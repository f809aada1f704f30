"""SHA256SUMS is read as `sha256sum -c` reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixup_cli.errors import DataError
from mixup_cli.storage.finish import checksum_entries, checksum_lines

SUMS = [("0" * 64, "a.h5"), ("f" * 64, "sources.csv")]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").write_bytes(checksum_lines(SUMS))
    assert checksum_entries(tmp_path) == SUMS


@pytest.mark.parametrize("other", ["\v", "\f", "\r", "\x1c", "\x85", "\u2028"])
def test_no_other_character_ends_a_line(other: str, tmp_path: Path) -> None:
    """Text that is split at these looks sound, and is not to sha256sum."""
    text = checksum_lines(SUMS).decode().replace("a.h5\n", f"a.h5{other}")
    (tmp_path / "SHA256SUMS").write_bytes(text.encode())
    ((_, name),) = checksum_entries(tmp_path)
    assert name != "a.h5"


def test_no_file_is_read_that_lies_elsewhere_or_never_ends(tmp_path: Path) -> None:
    (tmp_path / "SHA256SUMS").symlink_to("/dev/zero")
    with pytest.raises(DataError, match="is a link out of the data set's folder"):
        checksum_entries(tmp_path)
