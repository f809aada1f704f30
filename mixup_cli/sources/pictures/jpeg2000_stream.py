"""What a JPEG 2000 asks of its decoder, read here first (ISO/IEC 15444-1, annex A): a few bytes can ask for gigabytes
of tiles, or for blocks of a few pixels, each of which is an object; Pillow has no bound."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from mixup_cli.sources.pictures.boxes import boxes
from mixup_cli.sources.pictures.limits import MOST_TAG_BYTES
from mixup_cli.sources.reading.encoded import Undecodable

MOST_TILES, MOST_PARTS_OF_A_TILE, MOST_LAYERS, MOST_CHANNELS = 10_000, 40, 100, 4
MOST_PIECES = 100
"""Of a header: of the image, or of a tile-part."""

MOST_BLOCKS = 500_000
"""Precincts and blocks of a channel: each is an object of 100 bytes and more."""

RAW, IN_BOXES = b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "
_TILE, _DATA, _END = 0xFF90, 0xFF93, 0xFFD9
_STYLES = {0xFF52: (0, 5), 0xFF53: (1, 2)}
"""Pieces with a style of coding, for all channels and for one: the positions of flags and of the number of levels."""

_UNSOUND = "cannot decode (its codestream is damaged)"


@dataclass(frozen=True)
class Jpeg2000Stream:
    """The pixels and tiles that a codestream has, and whether it has more than 8 bits a channel."""

    pixels: int
    tiles: int
    is_deep: bool

    def check(self, pixels: int) -> None:
        """Raises Undecodable if the file's header has another count of pixels than the codestream."""
        if self.pixels != pixels:
            raise Undecodable(f"has {self.pixels} pixels, and its header says {pixels}")


def look_at_jpeg2000(data: bytes) -> Jpeg2000Stream:
    """Raises Undecodable for what no encoder writes."""
    start = 0
    if not data.startswith(RAW):
        inner = list(boxes(data, 0, len(data)))
        if any(kind == b"jp2h" and last - first > MOST_TAG_BYTES for kind, first, last in inner):
            raise Undecodable(f"has a header of more than {MOST_TAG_BYTES} bytes, which no encoder writes")
        start = next((first for kind, first, _ in inner if kind == b"jp2c"), len(data))
    stream = _size(data, start + 2)
    at = start + 2
    for kind, first, last in _pieces(data, at):
        _check_style(kind, data[first:last], stream.pixels)
        at = last
    _check_parts(data, at, stream)
    return stream


def _size(data: bytes, at: int) -> Jpeg2000Stream:
    """What the first piece says."""
    try:
        marker, _, _, right, bottom, left, top, *tile, channels = struct.unpack_from(">HHHIIIIIIIIH", data, at)
        depths = data[at + 40 : at + 40 + 3 * channels : 3]
    except struct.error:
        raise Undecodable(_UNSOUND) from None
    width, height, tile_left, tile_top = tile
    if marker != 0xFF51 or not width or not height or right <= left or bottom <= top:
        raise Undecodable(_UNSOUND)
    tiles = -(-(right - tile_left) // width) * -(-(bottom - tile_top) // height)
    if channels > MOST_CHANNELS or not 0 < tiles <= MOST_TILES:
        raise Undecodable(
            f"has {channels} channels and {tiles} tiles; at most {MOST_CHANNELS} and {MOST_TILES} are read"
        )
    return Jpeg2000Stream((right - left) * (bottom - top), tiles, any(depth & 127 > 7 for depth in depths))


def _pieces(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """The pieces of a header, up to a tile, its data or the end: kind, and where the content begins and ends."""
    for _ in range(MOST_PIECES):
        if at + 4 > len(data):
            return
        kind, length = struct.unpack_from(">HH", data, at)
        if kind in (_TILE, _DATA, _END):
            return
        if kind < 0xFF00 or length < 2:
            raise Undecodable(_UNSOUND)
        yield kind, at + 4, at + 2 + length
        at += 2 + length
    raise Undecodable(f"has a header of more than {MOST_PIECES} pieces, which no encoder writes")


def _check_style(kind: int, piece: bytes, pixels: int) -> None:
    """Raises Undecodable for blocks and precincts that are very small, and for very many layers."""
    if kind not in _STYLES:
        return
    flags_at, levels_at = _STYLES[kind]
    if len(piece) < levels_at + 5:
        raise Undecodable(_UNSOUND)
    if levels_at == 5 and int.from_bytes(piece[2:4], "big") > MOST_LAYERS:
        raise Undecodable(f"has more than {MOST_LAYERS} layers, which no encoder writes")
    levels, high, wide = piece[levels_at : levels_at + 3]
    precincts = piece[levels_at + 5 :] if piece[flags_at] & 1 else b""
    blocks = pixels >> (high & 15) + (wide & 15) + 4
    for level, sides in zip(range(levels, -1, -1), precincts, strict=False):
        blocks += pixels >> 2 * level + (sides & 15) + (sides >> 4)
    if blocks > MOST_BLOCKS:
        raise Undecodable("is cut into very small blocks, which no encoder writes")


def _check_parts(data: bytes, at: int, stream: Jpeg2000Stream) -> None:
    """Raises Undecodable for a tile of very many tile-parts, or tile-parts of an unusual style."""
    parts: Counter[int] = Counter()
    while at + 12 <= len(data) and data[at : at + 2] == b"\xff\x90":
        _, _, tile, length, _, _ = struct.unpack_from(">HHHIBB", data, at)
        parts[tile] += 1
        if tile >= stream.tiles or parts[tile] > MOST_PARTS_OF_A_TILE:
            raise Undecodable("has more parts of tiles than an encoder writes")
        for kind, first, last in _pieces(data, at + 12):
            _check_style(kind, data[first:last], stream.pixels)
        if length == 0:  # up to the end
            return
        if length < 12:
            raise Undecodable(_UNSOUND)
        at += length
