"""Segments that lie: COCO's panoptic JSON, in `set/annotations`, and the PNGs beside it."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.hostile.makers.objects import HUGE
from tests.panoptic_scenes import write_panoptic

Content = dict[str, Any]


def _entry(**values: object) -> Callable[[Content], object]:
    return lambda content: content["annotations"][1].update(values)


def _segment(**values: object) -> Callable[[Content], object]:
    return lambda content: content["annotations"][0]["segments_info"][-1].update(values)


PANOPTIC: Mapping[str, Callable[[Content], object]] = {
    "an id beyond all": _segment(id=HUGE),
    "a negative id": _segment(id=-1),
    "an id that is true": _segment(id=True),
    "an id that is a fraction": _segment(id=1.5),
    "an id of text": _segment(id="1"),
    "no category": _segment(category_id=None),
    "a category beyond all": _segment(category_id=HUGE),
    "a category that is a list": _segment(category_id=[3]),
    "a box beyond all": _segment(bbox=[0, 0, HUGE, 1]),
    "a box that is not finite": _segment(bbox=[0, 0, float("inf"), 1]),
    "a box of nothing": _segment(bbox=[]),
    "a box far away": _segment(bbox=[10**9, 0, 1, 1]),
    "segments that are texts": _entry(segments_info=["a"]),
    "segments that are an object": _entry(segments_info={}),
    "segments in segments": _entry(segments_info=[[[[]]]]),
    "an image that is not there": _entry(image_id=3),
    "an image that is a list": _entry(image_id=[3]),
    "a file that is a number": _entry(file_name=3),
    "a file elsewhere": _entry(file_name="/etc/passwd"),
    "a file above": _entry(file_name="../../x.png"),
    "a file with a zero": _entry(file_name="a\0.png"),
    "an annotation that is a number": lambda content: content["annotations"].append(3),
    "a category twice": lambda content: content["categories"].append(content["categories"][0]),
    "a category without a name": lambda content: content["categories"][0].update(name=None),
    "no images at all": lambda content: content.update(images=[], annotations=content["annotations"][:1]),
}


def panoptic(folder: Path, name: str) -> None:
    """Images with their segments, and such a file about them."""
    content = write_panoptic(folder / "set")
    PANOPTIC[name](content)
    (folder / "set/annotations/panoptic_train2017.json").write_text(json.dumps(content))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNGS: Mapping[str, bytes] = {
    "nothing": b"",
    "text": b"not a picture",
    "a size beyond all": b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1 << 30, 1 << 30, 8, 2, 0, 0, 0)),
    "a size alone": b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", 48, 36, 8, 2, 0, 0, 0)),
}


def png(folder: Path, name: str) -> None:
    """Images with their segments, of which one PNG is no such."""
    write_panoptic(folder / "set")
    (folder / "set/annotations/panoptic_train2017/003.png").write_bytes(PNGS[name])
