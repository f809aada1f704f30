"""The tags of a TIFF, looked at before Pillow makes numbers and lists of tiles of them.

Pillow has no public way to ask for the size of a tag without converting it, so the directory is read here by hand
(TIFF 6.0, section 2; BigTIFF where Pillow takes a file for one)."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from typing import IO

from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    PHOTOMETRIC_INTERPRETATION,
    SAMPLEFORMAT,
    SAMPLESPERPIXEL,
    ImageFileDirectory_v2,
)

from mixup_cli.sources.pictures.limits import MOST_TAG_BYTES
from mixup_cli.sources.reading.encoded import Undecodable
from mixup_cli.wording import counted

ARRAYS = "store such pictures as an array: .npy or .h5"
_SEPARATED = 5
"""The word for the colours of print: four of them, and alpha."""

_CLASSIC, _BIG = ("H", "HHII", 4), ("Q", "HHQQ", 8)
"""How the count of tags and a tag are stored, and the size of content that stands in the tag itself."""

_STRIPS = (273, 279, 324, 325)
_ITEM_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_TEXTS = (1, 2, 7)
"""The types that Pillow leaves as bytes."""


def check_tags(stream: IO[bytes]) -> str:
    """What the bands of the image are. Raises Undecodable for a tag that holds very many numbers, and for more bands
    than an image has. The next read begins at the stream's start."""
    end = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    head = stream.read(8)
    head += stream.read(8) if head[2:3] == b"+" else b""
    tags = ImageFileDirectory_v2(head)
    if 0 < tags.next < end:
        stream.seek(tags.next)
        _check_sizes(stream, head, end)
        stream.seek(tags.next)
        tags.load(stream)
    stream.seek(0)
    return _check_bands(tags)


def _check_sizes(stream: IO[bytes], head: bytes, end: int) -> None:
    """`stream` stands at the directory. Tags whose content is not in the file do not count: Pillow skips them."""
    order = "<" if head.startswith(b"II") else ">"
    count_form, entry_form, inline_bytes = _CLASSIC if len(head) == 8 else _BIG
    count, entry = struct.Struct(order + count_form), struct.Struct(order + entry_form)
    seen = set()
    with suppress(struct.error):  # the directory is cut off: Pillow takes what is left of it
        for _ in range(*count.unpack(stream.read(count.size))):
            tag, kind, items, at = entry.unpack(stream.read(entry.size))
            size_bytes, is_text = items * _ITEM_BYTES.get(kind, 0), kind in _TEXTS
            if tag in seen or not size_bytes or (size_bytes > inline_bytes and at + size_bytes > end):
                continue
            if tag in _STRIPS if is_text else size_bytes > MOST_TAG_BYTES:
                raise Undecodable(f"has a tag ({tag}) of {size_bytes} bytes, which no encoder writes")
            seen.add(tag)


def _check_bands(tags: ImageFileDirectory_v2) -> str:
    """What the bands are. Raises Undecodable for more than an image has: Pillow would read three, or some bytes."""
    bands, bits, kinds = tags.get(SAMPLESPERPIXEL, 1), tags.get(BITSPERSAMPLE, (1,)), tags.get(SAMPLEFORMAT, (1,))
    kind = {2: "signed integers", 3: "floats"}.get(kinds[0], "integers")
    found = f"has {counted(bands, 'band')} of {bits[0]}-bit {kind}"
    if bands not in range(5) and not bands == _SEPARATED == tags.get(PHOTOMETRIC_INTERPRETATION):
        raise Undecodable(f"{found}, where pictures have 1, 3 or 4 ({ARRAYS})")
    return found
