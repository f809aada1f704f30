"""Writes TIFF files of kinds that Pillow reads and does not write: any number of bands, of any plain dtype."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FORMATS = {"u": 1, "i": 2, "f": 3}


def write_tiff(path: Path, bands: NDArray[Any], planar: bool = False) -> Path:
    """An uncompressed little-endian TIFF of `bands` (h, w, n); with `planar`, band after band."""
    height, width, count = bands.shape
    stored = np.moveaxis(bands, 2, 0) if planar else bands
    data = stored.astype(bands.dtype.newbyteorder("<")).tobytes()
    bits, kind = bands.dtype.itemsize * 8, _FORMATS[bands.dtype.kind]
    strips = count if planar else 1
    tags: dict[int, tuple[str, list[int]]] = {
        256: ("H", [width]),
        257: ("H", [height]),
        258: ("H", [bits] * count),
        259: ("H", [1]),
        262: ("H", [2 if count >= 3 else 1]),
        273: ("I", [0] * strips),
        277: ("H", [count]),
        278: ("H", [height]),
        279: ("I", [len(data) // strips] * strips),
        284: ("H", [2 if planar else 1]),
        338: ("H", [0] * max(0, count - 3)),
        339: ("H", [kind] * count),
    }
    tags = {tag: entry for tag, entry in tags.items() if entry[1]}
    behind = 8 + 2 + 12 * len(tags) + 4
    lists = sum(struct.calcsize(f"{len(values)}{code}") for code, values in tags.values() if len(values) > 1)
    data_at = behind + lists + 4 * len(tags)
    tags[273] = ("I", [data_at + strip * (len(data) // strips) for strip in range(strips)])
    entries, stored_lists = b"", b""
    for tag, (code, values) in sorted(tags.items()):
        packed = struct.pack(f"<{len(values)}{code}", *values)
        if len(packed) > 4:
            cell, stored_lists = struct.pack("<I", behind + len(stored_lists)), stored_lists + packed
        else:
            cell = packed.ljust(4, b"\0")
        entries += struct.pack("<HHI", tag, {"H": 3, "I": 4}[code], len(values)) + cell
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + stored_lists
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head.ljust(data_at, b"\0") + data)
    return path
