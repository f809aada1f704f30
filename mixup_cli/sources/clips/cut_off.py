"""Whether a video file ends before its container says. FFmpeg reads what is left, and then its middle is elsewhere."""

from __future__ import annotations

from typing import BinaryIO

_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
MOST_PARTS = 100_000
"""Of the file, side by side; one in fragments has two for each of them."""


def is_cut_off(file: BinaryIO, size_bytes: int) -> bool:
    """Whether the sizes in the headers of an MP4, MOV, AVI or Matroska file go beyond its end. Other formats have
    none."""
    file.seek(0)
    head = file.read(12)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"):
        return _boxes_go_beyond(file, size_bytes)
    if head[:4] == b"RIFF":
        claimed = int.from_bytes(head[4:8], "little")
        return claimed != 0xFFFFFFFF and 8 + claimed > size_bytes
    return head[:4] == _EBML.to_bytes(4, "big") and _segment_goes_beyond(file, size_bytes)


def _boxes_go_beyond(file: BinaryIO, size_bytes: int) -> bool:
    """Of ISO 14496-12: a size in 4 bytes (1: in the 8 after the name; 0: to the end), a name in 4, the content."""
    at = 0
    for _ in range(MOST_PARTS):
        file.seek(at)
        header = file.read(16)
        size = int.from_bytes(header[:4], "big")
        if size == 1:
            size = int.from_bytes(header[8:16], "big")
        if len(header) < 8 or size < 8:
            return False  # the end, or a box that reaches to it, or none
        at += size
        if at > size_bytes:
            return True
    return False


def _segment_goes_beyond(file: BinaryIO, size_bytes: int) -> bool:
    """Of Matroska: the header and the segment, each with an id and a size of variable length (RFC 8794)."""
    at = 0
    for _ in range(3):
        file.seek(at)
        data = file.read(12)
        name_bytes = _length(data[:1])
        size = data[name_bytes:]
        length = _length(size[:1])
        if not name_bytes or not length:
            return False
        value = int.from_bytes(size[:length], "big") & ((1 << 7 * length) - 1)
        is_known = value != (1 << 7 * length) - 1
        at += name_bytes + length + value
        if int.from_bytes(data[:name_bytes], "big") == _SEGMENT:
            return is_known and at > size_bytes
        if not is_known:
            return False
    return False


def _length(first: bytes) -> int:
    """How many bytes a number of variable length has, by its first byte; 0 if none begins so."""
    return 9 - first[0].bit_length() if first and first[0] else 0
