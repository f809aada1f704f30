"""What an image's header says: size, depth, orientation."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import IO

from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import BITSPERSAMPLE, TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from mixup_cli.fields.form import SampleDtype
from mixup_cli.sources.pictures.damage import reasons
from mixup_cli.sources.pictures.kinds import Avif, Jpeg2000, Pnm, open_picture
from mixup_cli.sources.pictures.limits import WatchedBytes, WatchedFile


@dataclass(frozen=True)
class Header:
    """An image's upright size in pixels, its depth, and whether `decode` yields only the upper 8 of its 16 bits."""

    height: int
    width: int
    dtype: SampleDtype
    is_deep_colour: bool = False


def read_header(data: bytes | IO[bytes]) -> Header:
    """Read the header of an encoded image, or of a file open at its start, without decoding pixels.

    An image with 16 bits per colour channel is "uint16" here, though `decode` yields only 8 of them. Raises
    Undecodable.
    """
    stream = WatchedBytes(data) if isinstance(data, bytes) else WatchedFile(data.fileno())
    with reasons(data if isinstance(data, bytes) else None):
        picture = open_picture(stream)
        return header_of(picture, orientation_of(picture))


def header_of(picture: ImageFile, orientation: int) -> Header:
    """The Header of an opened image, whose pixels need not be decoded yet."""
    width, height = picture.size if orientation < 5 else picture.size[::-1]
    mode, is_deep = picture.mode, is_deep_colour(picture)
    dtype: SampleDtype = "uint8"
    if mode.startswith("I;16") or is_deep or (mode == "I" and isinstance(picture, PngImageFile | Pnm)):
        dtype = "uint16"
    elif mode in ("I", "F"):
        dtype = "float32"
    return Header(height, width, dtype, is_deep)


def is_deep_colour(picture: ImageFile) -> bool:
    """Whether the file has 16 bits per channel and Pillow reads 8 of them (it knows 16 bits for grey only)."""
    if picture.mode.startswith(("I", "F")):
        return False
    if isinstance(picture, TiffImageFile):
        return bool(max(picture.tag_v2.get(BITSPERSAMPLE, (8,))) > 8)
    args = picture.tile[0].args if picture.tile else ""
    if isinstance(picture, Avif | Jpeg2000):
        return picture.stream.is_deep
    if isinstance(picture, Pnm):
        return isinstance(args, tuple) and args[1] > 255
    return ";16" in str(args if isinstance(args, str) else args and args[0])


def orientation_of(picture: ImageFile) -> int:
    """The EXIF orientation, 1 … 8. Pillow turns TIFF images upright itself, so they need none.

    Not by `Image.getexif`, which warns about damaged EXIF, and decodes a PNG.
    """
    if isinstance(picture, PngImageFile):
        return exif_orientation(_png_exif(picture))
    if isinstance(picture, Avif | JpegImageFile | WebPImageFile):
        return exif_orientation(picture.info.get("exif", b""))
    return 1


def exif_orientation(exif: bytes) -> int:
    """Tag 0x0112 of the first directory (EXIF 2.32, 4.6.4); 1 if it is missing or the EXIF is damaged."""
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
