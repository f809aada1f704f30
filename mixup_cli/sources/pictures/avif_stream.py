"""What an AVIF asks of its decoder, read here first: a few bytes can hide a frame of any size; Pillow has no bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mixup_cli.sources.pictures.boxes import Numbers, boxes
from mixup_cli.sources.pictures.limits import MOST_TAG_BYTES
from mixup_cli.sources.reading.encoded import Undecodable

MOST_LIST_BYTES = 64 << 10
"""Of a list of items: libavif searches it from the start for each of them."""

FRAMES_PER_PIXEL, FREE_PIXELS = 16, 1 << 22
"""The most pixels in all frames, for each pixel of the image, and some more: colour, alpha, layers, cells of a grid."""

_LISTS = (b"iinf", b"iloc", b"iref")
_SEQUENCE, _FRAMES = 1, (3, 6)
_HEADER_BYTES = 256


@dataclass(frozen=True)
class AvifStream:
    """The pixels of all frames of an AVIF, and whether they have more than 8 bits."""

    coded_pixels: int
    is_deep: bool

    def check(self, pixels: int) -> None:
        """Raises Undecodable for frames of far more pixels than the image."""
        if self.coded_pixels > FRAMES_PER_PIXEL * pixels + FREE_PIXELS:
            raise Undecodable(f"has frames of {self.coded_pixels} pixels for {pixels}, which no encoder writes")


def look_at_avif(data: bytes) -> AvifStream:
    """Raises Undecodable for an animation, and for lists of items that no encoder writes."""
    coded_pixels, is_deep = 0, False
    for kind, start, stop in boxes(data, 0, len(data)):
        if kind == b"moov":
            raise Undecodable("is an animation (AVIF), and no picture")
        if kind == b"meta":
            inner = {name: (first, last) for name, first, last in boxes(data, start + 4, stop)}
            _check_sizes(inner)
            coded_pixels += _coded_pixels(data, inner)
            is_deep = is_deep or _is_deep(data, *inner.get(b"iprp", (0, 0)))
    return AvifStream(coded_pixels, is_deep)


def _check_sizes(inner: dict[bytes, tuple[int, int]]) -> None:
    for name, (first, last) in inner.items():
        if name != b"idat" and last - first > (MOST_LIST_BYTES if name in _LISTS else MOST_TAG_BYTES):
            raise Undecodable(f"has a list of {last - first} bytes, which no encoder writes")


def _is_deep(data: bytes, start: int, stop: int) -> bool:
    """Whether the configuration of a codec (av1C, third byte) says more than 8 bits."""
    for kind, first, last in boxes(data, start, stop):
        if kind == b"ipco":
            codecs = [at for name, at, _ in boxes(data, first, last) if name == b"av1C"]
            return any(data[at + 2 : at + 3] > b"\x3f" and data[at + 2] & 64 for at in codecs)
    return False


def _coded_pixels(data: bytes, inner: dict[bytes, tuple[int, int]]) -> int:
    """The pixels of all frames."""
    pictures = _pictures(data, *inner.get(b"iinf", (0, 0)))
    in_item_data = inner.get(b"idat", (0, 0))[0]
    first, last = inner.get(b"iloc", (0, 0))
    total = 0
    for item, extents in _items(data[first:last]):
        if item in pictures:
            starts = [(offset + (in_item_data if is_inner else 0), length) for is_inner, offset, length in extents]
            total += _pixels_in(b"".join(data[at : at + length if length else None] for at, length in starts))
    return total


def _pictures(data: bytes, start: int, stop: int) -> set[int]:
    """The items that are coded images (iinf: infe)."""
    found = set()
    count_bytes = 2 if data[start : start + 1] == b"\0" else 4
    for _, first, last in boxes(data, start + 4 + count_bytes, stop):
        entry = Numbers(data[first : min(last, first + 16)])
        item_bytes = 4 if entry.bytes(1) == 3 else 2
        entry.bytes(3)
        item, _, kind = entry.bytes(item_bytes), entry.bytes(2), entry.bytes(4)
        if kind == int.from_bytes(b"av01"):
            found.add(item)
    return found


def _items(iloc: bytes) -> Iterator[tuple[int, list[tuple[bool, int, int]]]]:
    """Each item, and of its pieces: whether they are in the box of item data, where they begin, and their length."""
    numbers = Numbers(iloc)
    version, _ = numbers.bytes(1), numbers.bytes(3)
    offset_bytes, length_bytes, base_bytes, index_bytes = (numbers.bits(4) for _ in range(4))
    id_bytes = 4 if version == 2 else 2
    for _ in range(min(numbers.bytes(id_bytes), len(iloc))):
        item = numbers.bytes(id_bytes)
        method = numbers.bytes(2) & 15 if version else 0
        _, base = numbers.bytes(2), numbers.bytes(base_bytes)
        extents = []
        for _ in range(min(numbers.bytes(2), len(iloc))):
            numbers.bytes(index_bytes if version else 0)
            extents.append((method == 1, base + numbers.bytes(offset_bytes), numbers.bytes(length_bytes)))
        yield item, extents


def _pixels_in(item: bytes) -> int:
    """The pixels of an item's frames (AV1, 5.3), each as large as it may be."""
    at, frames, largest = 0, 0, 0
    while at < len(item):
        kind, has_size, has_extension = item[at] >> 3 & 15, item[at] & 2, item[at] >> 2 & 1
        at += 1 + has_extension
        size, at = _leb128(item, at) if has_size else (len(item) - at, at)
        if kind == _SEQUENCE:
            largest = max(largest, _frame_pixels(Numbers(item[at : at + min(size, _HEADER_BYTES)])))
        frames += kind in _FRAMES
        at += size
    return frames * largest


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """A number (AV1, 4.10.5), and the position behind it."""
    value = 0
    for place, byte in enumerate(data[at : at + 8]):
        value |= (byte & 127) << 7 * place
        if not byte & 128:
            return value, at + place + 1
    return value, at + 8


def _frame_pixels(header: Numbers) -> int:
    """The largest frame that the header of a sequence allows (AV1, 5.5.1): width times height."""
    header.bits(4)
    if header.bits(1):  # a single image
        header.bits(5)
    else:
        _pass_timing(header)
    width_bits, height_bits = header.bits(4) + 1, header.bits(4) + 1
    return (header.bits(width_bits) + 1) * (header.bits(height_bits) + 1)


def _pass_timing(header: Numbers) -> None:
    """Skip what stands before the size: timing, and the operating points."""
    delay_bits = 0
    if header.bits(1):
        header.bits(64)
        if header.bits(1):
            zeros = next((count for count in range(32) if header.bits(1)), 32)
            header.bits(zeros)
        if header.bits(1):
            delay_bits = header.bits(5) + 1
            header.bits(42)
    has_delays = header.bits(1)
    for _ in range(header.bits(5) + 1):
        header.bits(12)
        if header.bits(5) > 7:
            header.bits(1)
        if delay_bits and header.bits(1):
            header.bits(2 * delay_bits + 1)
        if has_delays and header.bits(1):
            header.bits(4)
