"""What a picture's header says, and why a picture cannot be used."""

from __future__ import annotations

import errno
import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from mixup_cli.fields.form import SampleDtype
from mixup_cli.sources.pictures.kinds import Avif, Jpeg2000, Pnm, open_picture
from mixup_cli.sources.pictures.limits import Undecodable, WatchedBytes, WatchedFile

MACHINE_ERRNOS = frozenset([errno.EMFILE, errno.ENFILE, errno.EIO])
"""Errors that say something of the machine, and nothing of the file that was being read."""

# What Pillow says when it met the end of the file; the last three when it was still looking for the first pixel.
_CUT_OFF_WORDS = (
    "truncated",
    "but only got",
    "buffer is not large enough",
    "index out of range",
    "unpack",
    "ord()",
    "not identified by this driver",
    "cannot load this image",
    "no more images in gif file",
)


@dataclass(frozen=True)
class Header:
    """What a picture's header says: its upright size in pixels, its depth, and whether `decode` gives the upper 8 of 16
    bits only."""

    height: int
    width: int
    dtype: SampleDtype
    is_deep_colour: bool = False


def read_header(data: bytes | IO[bytes]) -> Header:
    """Read the header of an encoded picture, or of a file open at its start, without decoding pixels.

    A picture with 16 bits per colour channel is "uint16" here, though `decode` can only give 8 of them.
    Raises Undecodable.
    """
    stream = WatchedBytes(data) if isinstance(data, bytes) else WatchedFile(data.fileno())
    with reasons(data if isinstance(data, bytes) else None):
        picture = open_picture(stream)
        return header_of(picture, orientation_of(picture))


@contextmanager
def reasons(data: bytes | None) -> Iterator[None]:
    """Turn whatever Pillow raises on damaged content into Undecodable, with a reason fit for a user.

    What is the machine's fault and not the picture's (no memory, a disk that cannot be read) is raised as it is.
    """
    try:
        yield
    except (Undecodable, MemoryError):
        raise
    except Exception as error:  # Pillow's plugins raise nearly every built-in exception on damaged content.
        if isinstance(error, OSError) and error.errno in MACHINE_ERRNOS:
            raise
        if data is not None and _is_cut_off(error, data):
            raise Undecodable(f"cannot decode (file ends at byte {len(data)})") from error
        raise Undecodable(f"cannot decode ({_in_short(error)})") from error


def _in_short(error: Exception) -> str:
    text = (str(error).splitlines() or [""])[0].rstrip(".")[:200]
    return "the compressed data are damaged" if text.startswith("decoder error") else text or type(error).__name__


def _is_cut_off(error: Exception, data: bytes) -> bool:
    if data.startswith(b"RIFF") and len(data) >= 8:
        return len(data) < 8 + int.from_bytes(data[4:8], "little")
    if isinstance(error, EOFError | IndexError | struct.error):
        return True
    return any(words in str(error).lower() for words in _CUT_OFF_WORDS)


def header_of(picture: ImageFile, orientation: int) -> Header:
    """The Header of an opened picture, whose pixels need not be there yet."""
    width, height = picture.size if orientation < 5 else picture.size[::-1]
    mode = picture.mode
    dtype: SampleDtype = "uint8"
    if mode.startswith("I;16") or is_deep_colour(picture) or (mode == "I" and isinstance(picture, PngImageFile | Pnm)):
        dtype = "uint16"
    elif mode in ("I", "F"):
        dtype = "float32"
    return Header(height, width, dtype, is_deep_colour(picture))


def is_deep_colour(picture: ImageFile) -> bool:
    """Whether the file has 16 bits per channel and Pillow reads 8 of them (it knows 16 bits for grey only)."""
    if picture.mode.startswith(("I", "F")):
        return False
    if isinstance(picture, TiffImageFile):
        return bool(max(picture.tag_v2.get(258, (8,))) > 8)
    args = picture.tile[0].args if picture.tile else ""
    if isinstance(picture, Avif | Jpeg2000):
        return picture.stream.is_deep
    if isinstance(picture, Pnm):
        return isinstance(args, tuple) and args[1] > 255
    return ";16" in str(args if isinstance(args, str) else args and args[0])


def orientation_of(picture: ImageFile) -> int:
    """The EXIF orientation, 1 … 8. Pillow turns TIFF pictures upright by itself, so they need none.

    Read here and not by `Image.getexif`, which warns about damaged EXIF, and for PNG decodes the picture.
    """
    if isinstance(picture, PngImageFile):
        return _exif_orientation(_png_exif(picture))
    if isinstance(picture, Avif | JpegImageFile | WebPImageFile):
        return _exif_orientation(picture.info.get("exif", b""))
    return 1


def _exif_orientation(exif: bytes) -> int:
    """Tag 0x0112 of the first directory (EXIF 2.32, 4.6.4); 1 if there is none or the EXIF is damaged."""
    tiff = exif.removeprefix(b"Exif\0\0")
    order = ">" if tiff.startswith(b"MM") else "<"
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", tiff, entry)
            if tag == 0x0112:
                (value,) = struct.unpack_from(order + ("I" if kind == 4 else "H"), tiff, entry + 8)
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def _png_exif(picture: PngImageFile) -> bytes:
    """The eXIf chunk, which may stand before the pixels (where Pillow has read it) or behind them."""
    stream = picture.fp
    if "exif" in picture.info or stream is None:
        return bytes(picture.info.get("exif", b""))
    position = stream.tell()
    stream.seek(8)
    found = b""
    while len(head := stream.read(8)) == 8 and not found:
        length = int.from_bytes(head[:4], "big")
        if head[4:] == b"eXIf":
            found = stream.read(length)
        stream.seek(length + 4, io.SEEK_CUR)
    stream.seek(position)
    return found
