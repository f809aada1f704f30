"""The boxes within boxes of AVIF and JPEG 2000 files (ISO/IEC 14496-12, 15444-1), and numbers in them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mixup_cli.sources.reading.encoded import Undecodable

MOST_BOXES = 10_000


def boxes(data: bytes, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each box in `data[start:stop]`, and where its content begins and ends. Raises Undecodable for boxes
    that do not fit into each other, and for more of them than an encoder writes."""
    for _ in range(MOST_BOXES):
        if start + 8 > stop:
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1 and start + 16 <= stop:
            (size,), head = struct.unpack_from(">Q", data, start + 8), 16
        end = stop if size == 0 else start + size
        if end < start + head:
            raise Undecodable("cannot decode (its boxes are damaged)")
        yield kind, start + head, min(end, stop)
        start = end
    raise Undecodable(f"has more than {MOST_BOXES} boxes, which no encoder writes")


class Numbers:
    """Reads big-endian numbers of any count of bytes or bits, one after the other. Zero behind the end."""

    def __init__(self, data: bytes) -> None:
        self._whole, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def bits(self, count: int) -> int:
        """The next number of `count` bits."""
        taken = min(count, self._left)
        self._left -= taken
        return self._whole >> self._left & ((1 << taken) - 1)

    def bytes(self, count: int) -> int:
        """The next number of `count` bytes."""
        return self.bits(8 * count)
