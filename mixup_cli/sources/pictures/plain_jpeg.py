"""JPEGs as nearly all are, opened in one pass over their markers.

Pillow's plugin takes seven times as long to open a picture of 32 × 32 as its decoder takes to decode it. What this
module accepts, the plugin accepts too, and the same decoder gets the same arguments, so the pixels are equal. It
refuses whatever is unusual, damaged or cut off: then the plugin opens the file, and says what is wrong with it.
tests/unit/sources/pictures/test_plain_jpeg.py compares the two."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import NamedTuple

from PIL import Image

from mixup_cli.sources.pictures.headers import exif_orientation
from mixup_cli.sources.pictures.limits import may_be_too_often

MOST_SEGMENTS = 64
"""Encoders write about ten."""

_HEAD, _END = b"\xff\xd8", b"\xff\xd9"
_SEGMENT, _FRAME = struct.Struct(">HH"), struct.Struct(">BHHB")
_FRAMES = frozenset((0xFFC0, 0xFFC1, 0xFFC2))
"""Baseline, extended and progressive, with Huffman codes."""

_TABLES = frozenset((0xFFC4, 0xFFDB, 0xFFDD))
_SCAN, _EXIF = 0xFFDA, 0xFFE1
_READ_NOWHERE = frozenset((0xFFFE, *range(0xFFE3, 0xFFED), 0xFFEF))
"""Comments, and segments of applications that Pillow only keeps."""

_LEAST_LENGTHS = {0xFFE0: 14, 0xFFE2: 18, 0xFFEE: 14}
"""Of JFIF, of colour profiles and of Adobe's segment: Pillow reads numbers in them."""

_MODES = {1: "L", 3: "RGB"}


class PlainJpeg(NamedTuple):
    """A JPEG of 8 bits with one channel or three: its size as stored, Pillow's mode, the EXIF orientation (1 … 8)."""

    height: int
    width: int
    mode: str
    orientation: int

    def upright(self) -> tuple[int, int]:
        """Height and width, turned upright."""
        return (self.height, self.width) if self.orientation < 5 else (self.width, self.height)


def look_at_jpeg(data: bytes) -> PlainJpeg | None:
    """What the markers up to the first scan say; None for other files than plain JPEGs."""
    if not (data.startswith(_HEAD) and data.endswith(_END)):
        return None
    with suppress(struct.error):  # it ends within a segment
        return _look(data)
    return None


def look_at_head(head: bytes) -> PlainJpeg | None:
    """The same of the first bytes of a file, from which it cannot be decoded; None too if they end before the scan."""
    with suppress(struct.error):
        return _look(head, is_whole=False) if head.startswith(_HEAD) else None
    return None


def _look(data: bytes, is_whole: bool = True) -> PlainJpeg | None:
    at, orientation = 2, 0
    frame: tuple[int, int, int, int] | None = None
    for _ in range(MOST_SEGMENTS):
        marker, length = _SEGMENT.unpack_from(data, at)
        if marker in _FRAMES and frame is None:
            frame = _FRAME.unpack_from(data, at + 4)
            if length != 8 + 3 * frame[3]:
                return None
        elif marker == _SCAN:
            jpeg = _as_framed(frame, orientation or 1)
            is_bad = is_whole and jpeg is not None and may_be_too_often(data, jpeg.height * jpeg.width)
            return None if is_bad else jpeg
        elif marker == _EXIF:
            if data.startswith(b"Exif\0\0", at + 4):
                if orientation:
                    return None  # a second piece
                orientation = exif_orientation(data[at + 4 : at + 2 + length])
        elif not (marker in _TABLES or marker in _READ_NOWHERE or length >= _LEAST_LENGTHS.get(marker, 1 << 16)):
            return None
        if length < 2:
            return None
        at += 2 + length
    return None


def _as_framed(frame: tuple[int, int, int, int] | None, orientation: int) -> PlainJpeg | None:
    if frame is None:
        return None
    bits, height, width, channels = frame
    if bits != 8 or channels not in _MODES or not height or not width:
        return None
    return PlainJpeg(height, width, _MODES[channels], orientation)


def decoded(data: bytes, jpeg: PlainJpeg, divisor: int) -> Image.Image | None:
    """The picture at 1/divisor (1, 2, 4 or 8) of its size, as `ImageFile.draft` and `load` give it; None for a damaged
    one. The GIL is free while the decoder runs."""
    size = -(-jpeg.width // divisor), -(-jpeg.height // divisor)
    try:
        return Image.frombytes(jpeg.mode, size, data, "jpeg", jpeg.mode, "", divisor, 0)
    except (ValueError, OSError):
        return None
