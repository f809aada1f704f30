"""The one place that reads what Pillow says of damaged content.

Pillow's plugins raise nearly every built-in exception, and one type for a file that is cut off and for one that is
damaged: only the words differ. tests/unit/sources/pictures/test_damage.py holds them against the installed version."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from mixup_cli.sources.reading.encoded import MACHINE_ERRNOS, Undecodable

CUT_OFF_WORDS = (
    "truncated",
    "but only got",
    "index out of range",
    "unpack",
    "not identified by this driver",
    "cannot load this image",
    "no more images in gif file",
)
"""What Pillow says at the end of the file; the last three while it still looks for the first pixel."""


@contextmanager
def reasons(data: bytes | None) -> Iterator[None]:
    """Turn whatever Pillow raises on damaged content into Undecodable, with a reason for a user. Errors of the machine
    (no memory, a disk that cannot be read) are raised as they are."""
    try:
        yield
    except (Undecodable, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in MACHINE_ERRNOS:
            raise
        if data is not None and is_cut_off(error, data):
            raise Undecodable(f"cannot decode (file ends at byte {len(data)})") from error
        raise Undecodable(f"cannot decode ({_in_short(error)})") from error


def _in_short(error: Exception) -> str:
    text = (str(error).splitlines() or [""])[0].rstrip(".")[:200]
    return "the compressed data are damaged" if text.startswith("decoder error") else text or type(error).__name__


def is_cut_off(error: Exception, data: bytes) -> bool:
    """Whether Pillow failed since the file ends too early."""
    if data.startswith(b"RIFF") and len(data) >= 8:
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    if isinstance(error, EOFError | IndexError | struct.error):
        return True
    return any(words in str(error).lower() for words in CUT_OFF_WORDS)
