"""What an image may make a decoder do: a few bytes can ask for more work or memory than all its pixels.

Pillow reads headers piece by piece, in Python, and bounds neither their number nor the work of its decoders. So the
streams here count the pieces, and `check_work` looks at the content before a decoder does.
"""

from __future__ import annotations

import io
import re

from PIL.ImageFile import ImageFile

from mixup_cli.sources.reading.encoded import Undecodable

MOST_READS = 500_000
"""An image of 100 million pixels in tiles of 32 pixels takes 200,000; a second or two pass over these."""

MOST_EXIF_PIECES = 100
"""Pillow joins each to those before it, in a new place. One holds all that cameras write."""

MOST_TAG_BYTES = 4 << 20
"""Of a TIFF tag that holds numbers: one for each of half a million tiles."""

MOST_SCANS = 200
MOST_SCANNED_PIXELS = 4 * 10**9
"""Of a JPEG, over all of its scans: twenty over 200 million pixels."""

MOST_RUN_PIXELS = 20_000_000
"""Of a BMP in run lengths, which Pillow fills pixel by pixel, in Python."""

MOST_PLAIN_PIXELS, MOST_COMMENTS = 5_000_000, 1000
"""Of a PBM, PGM or PPM of plain text, which Pillow reads number by number, in Python, and moves for each comment."""

_SCAN, _END = b"\xff\xda", b"\xff\xd9"
_MARKER = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")  # in compressed data only 00 and D0 … D7 follow FF


class _Budget:
    """How many pieces may still be read."""

    def __init__(self) -> None:
        self._reads_left, self._exif_left = MOST_READS, MOST_EXIF_PIECES

    def spend(self, data: bytes) -> bytes:
        """The same bytes. Raises Undecodable for too many pieces."""
        self._reads_left -= 1
        if self._reads_left < 0:
            raise Undecodable(f"is of more than {MOST_READS} pieces, which no encoder writes")
        if data.startswith(b"Exif\0\0"):
            self._exif_left -= 1
            if self._exif_left < 0:
                raise Undecodable(f"has more than {MOST_EXIF_PIECES} pieces of EXIF, which no encoder writes")
        return data


class WatchedBytes(io.BytesIO):
    """An image's bytes, for a limited number of reads: beyond it, reading raises Undecodable."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._budget = _Budget()

    def read(self, size: int | None = -1, /) -> bytes:
        """See `io.BytesIO.read`."""
        return self._budget.spend(super().read(size))


class WatchedFile(io.BufferedReader):
    """As `WatchedBytes`, of an open file, which stays open."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(io.FileIO(descriptor, closefd=False))
        self._budget = _Budget()

    def read(self, size: int | None = -1, /) -> bytes:
        """See `io.BufferedReader.read`."""
        return self._budget.spend(super().read(size))


def check_work(picture: ImageFile, data: bytes) -> None:
    """Raises Undecodable for an image whose pixels, few as they may be, take a decoder minutes."""
    pixels = picture.width * picture.height
    codec = picture.tile[0][0] if picture.tile else ""
    if codec == "bmp_rle" and pixels > MOST_RUN_PIXELS:
        raise Undecodable(f"has {pixels} pixels in run lengths, of which at most {MOST_RUN_PIXELS} are read")
    if codec == "ppm_plain" and pixels > MOST_PLAIN_PIXELS:
        raise Undecodable(f"has {pixels} pixels in plain text, of which at most {MOST_PLAIN_PIXELS} are read")
    if codec == "ppm_plain" and data.count(b"#") > MOST_COMMENTS:
        raise Undecodable(f"has more than {MOST_COMMENTS} comments, which no encoder writes")
    if data.startswith(b"\xff\xd8") and may_be_too_often(data, pixels):
        scans = _scan_count(data)
        if _is_too_often(scans, pixels):
            raise Undecodable(f"has {scans} scans over {pixels} pixels, which no encoder writes")


def may_be_too_often(data: bytes, pixels: int) -> bool:
    """Whether a JPEG's scans are to be counted one by one: it has many marks of them, or what looks like marks."""
    return _is_too_often(data.count(_SCAN), pixels)


def _is_too_often(scans: int, pixels: int) -> bool:
    """Twenty bytes of a JPEG make the decoder go over the whole image once more, thousands of times in all."""
    return scans > MOST_SCANS or (scans > 1 and scans * pixels > MOST_SCANNED_PIXELS)


def _scan_count(data: bytes) -> int:
    """Scans up to the end mark: what follows it (another image, a film) has marks too."""
    count, at = 0, 2
    while (found := _MARKER.search(data, at)) is not None and found[0] != _END:
        count += found[0] == _SCAN
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return count
