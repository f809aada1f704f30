"""The decoder of the extra `jpeg`: simplejpeg, which takes a third of the time of Pillow's for a small picture.

Both are libjpeg-turbo, and each brings a version of its own. So it is used only where it decodes probes to the pixels
that Pillow gives here; tests/unit/sources/pictures/test_quick_decoder.py compares them on a thousand pictures."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Decoder: TypeAlias = Callable[[bytes, str], NDArray[np.uint8]]
"""Takes a JPEG, and "RGB" or "GRAY"; returns (h, w, 3) or (h, w, 1). Raises ValueError for a damaged one."""

_COLOURS = {"RGB": "RGB", "L": "GRAY"}


def quickly_decoded(data: bytes, mode: str) -> NDArray[np.uint8] | None:
    """The pixels (h, w, channels) of a plain JPEG of Pillow's mode "RGB" or "L"; None without the decoder, and for a
    JPEG in which it finds anything wrong. The GIL is free while it runs."""
    decoder = quick_decoder()
    try:
        return None if decoder is None else decoder(data, _COLOURS[mode])
    except ValueError:
        return None


@cache
def quick_decoder() -> Decoder | None:
    """simplejpeg's decoder; None if it is not installed, or gives other pixels than Pillow here."""
    try:
        from simplejpeg import decode_jpeg  # an extra
    except ImportError:
        return None
    decoder: Decoder = decode_jpeg
    return decoder if all(_agrees(decoder, *probe) for probe in _probes()) else None


def _agrees(decoder: Decoder, mode: str, data: bytes) -> bool:
    with Image.open(io.BytesIO(data)) as picture:
        expected = np.asarray(picture)
    try:
        return np.array_equal(decoder(data, _COLOURS[mode]).reshape(expected.shape), expected)
    except ValueError:
        return False


def _probes() -> Iterator[tuple[str, bytes]]:
    """JPEGs of odd sides, with waves and edges, so that transform, upsampling and colours all have to round."""
    y, x = np.mgrid[0:45, 0:67]
    waves = np.stack([x * 5 + y * y, y * 7 + x * x // 3, (x // 9 + y // 6) % 2 * 200 + x], axis=2).astype(np.uint8)
    for mode, progressive in (("RGB", False), ("RGB", True), ("L", False)):
        for sampling in (0, 1, 2) if mode == "RGB" else (0,):
            options: dict[str, Any] = {"subsampling": sampling, "progressive": progressive, "quality": 85}
            buffer = io.BytesIO()
            Image.fromarray(waves).convert(mode).save(buffer, "JPEG", **options)
            yield mode, buffer.getvalue()
