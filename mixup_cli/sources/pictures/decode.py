"""Encoded images to arrays in the working form, with Pillow; safe to call from several threads at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from mixup_cli.choices import Resize
from mixup_cli.fields.fit import (
    INNER_SIZES,
    eight_bit,
    fitted_to,
    into_form,
)
from mixup_cli.fields.form import DEPTHS, SampleDtype
from mixup_cli.fields.scaling import write_converted
from mixup_cli.fields.target import FormMismatch, Target
from mixup_cli.sources.pictures.damage import reasons
from mixup_cli.sources.pictures.headers import Header, header_of, is_deep_colour, orientation_of, read_header
from mixup_cli.sources.pictures.kinds import check_stream, open_picture
from mixup_cli.sources.pictures.limits import WatchedBytes, check_work
from mixup_cli.sources.pictures.plain_jpeg import decoded, look_at_jpeg
from mixup_cli.sources.pictures.quick_decoder import quickly_decoded
from mixup_cli.sources.reading.encoded import Undecodable

__all__ = [
    "Header",
    "Undecodable",
    "check_header",
    "check_pixel_count",
    "decode",
    "jpeg_divisor",
    "read_header",
    "upright",
]

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(
    data: bytes, target: Target, key: str, max_pixels: int, out: NDArray[np.generic] | None = None
) -> NDArray[np.generic]:
    """Decode an image into the working form, and into `out` if that is given.

    Returns a C-contiguous array of `target.form.shape` and dtype; its axes are "hwc" or "chw" with 1 or 3 channels.
    Alpha is composited over white; grey is ITU-R 601-2 luma (Pillow's "L"); padding is black. `write_converted` says
    how numbers change with the depth.

    Raises Undecodable for an image that cannot be used, and FormMismatch if its size (without `resize`) or its depth
    does not fit the form.
    """
    found = _plain(data, target, max_pixels) or _of_any_kind(data, target, key, max_pixels)
    height, width = found.pixels.shape[:2]
    if target.resize is None and (height, width) != target.form.size:
        raise FormMismatch(key, (height, width), found.stored)
    converted = into_form(_convert(found.pixels, found.read, target), target, out)
    if (problem := target.problems(converted[None])[0]) is not None:
        raise Undecodable(problem)
    return converted


class _Read(NamedTuple):
    """Pixels, upright and in the target's size and channels, the dtype that their full range is of, and the dtype that
    the file has."""

    pixels: NDArray[np.generic]
    read: SampleDtype
    stored: SampleDtype


def _plain(data: bytes, target: Target, max_pixels: int) -> _Read | None:
    """A plain JPEG; None for any other image."""
    jpeg = look_at_jpeg(data)
    if jpeg is None or jpeg.height * jpeg.width > max_pixels:
        return None
    extent, size = (jpeg.height, jpeg.width), target.form.size if jpeg.orientation < 5 else target.form.size[::-1]
    divisor = 1 if target.resize is None else jpeg_divisor(extent, size, target.resize)
    channels = {"L": 1, "RGB": 3}[jpeg.mode]
    if extent == size and jpeg.orientation == 1 and channels <= target.form.channels:
        pixels = quickly_decoded(data, jpeg.mode)
        if pixels is not None:
            return _Read(pixels if channels == 3 else pixels[:, :, 0], "uint8", "uint8")
    picture = decoded(data, jpeg, divisor)
    if picture is None:
        return None
    flat = eight_bit(picture, target.form.channels)
    fitted = fitted_to(flat, (jpeg.height / divisor, jpeg.width / divisor), size, target.resize)
    return _Read(np.asarray(_turned(fitted, jpeg.orientation)), "uint8", "uint8")


def _of_any_kind(data: bytes, target: Target, key: str, max_pixels: int) -> _Read:
    """An image as the plugin reads it that knows the file. Raises what `decode` raises."""
    picture, orientation, header = _opened(data, max_pixels)
    source_dtype = _check_depth(picture, header, target, key)
    with reasons(data):
        size = target.form.size if orientation < 5 else target.form.size[::-1]
        extent = _load(picture, size, target.resize)
        flat = eight_bit(picture, target.form.channels) if source_dtype == "uint8" else _deep(picture)
        pixels = np.asarray(_turned(fitted_to(flat, extent, size, target.resize), orientation))
    return _Read(pixels, source_dtype, header.dtype)


def _turned(picture: Image.Image, orientation: int) -> Image.Image:
    return picture if orientation == 1 else picture.transpose(_UPRIGHT[orientation])


def check_header(data: bytes, target: Target, key: str, max_pixels: int) -> None:
    """Raise what `decode` would, as far as the header shows it, without decoding."""
    picture, _, header = _opened(data, max_pixels)
    _check_depth(picture, header, target, key)
    if target.resize is None and (header.height, header.width) != target.form.size:
        raise FormMismatch(key, (header.height, header.width), header.dtype)


def _opened(data: bytes, max_pixels: int) -> tuple[ImageFile, int, Header]:
    """An image of which only the header was read, with its orientation. Raises Undecodable."""
    with reasons(data):
        picture = open_picture(WatchedBytes(data))
        orientation = orientation_of(picture)
        header = header_of(picture, orientation)
    check_pixel_count(header, max_pixels)
    check_work(picture, data)
    check_stream(picture)
    return picture, orientation, header


def upright(data: bytes, max_pixels: int) -> Image.Image:
    """An image as its file has it, decoded and turned as EXIF says. Raises Undecodable."""
    picture, orientation, _ = _opened(data, max_pixels)
    with reasons(data):
        picture.load()
        return _turned(picture, orientation)


def check_pixel_count(header: Header, max_pixels: int) -> None:
    """Raises Undecodable for an image with more."""
    count = header.height * header.width
    if count > max_pixels:
        raise Undecodable(f"has {count} pixels, more than --max-pixels {max_pixels}")


def _check_depth(picture: ImageFile, header: Header, target: Target, key: str) -> SampleDtype:
    """Return the dtype that Pillow's pixels stand for. Raises Undecodable or FormMismatch if the form's is another."""
    dtype = target.form.dtype
    deepest = target.deepest or dtype
    if header.dtype == "float32" and deepest != "float32" and target.value_range is None:
        raise Undecodable(
            "has float pixels or integers that uint16 does not hold (pass --dtype float32 or --value-range LOW,HIGH)"
        )
    if DEPTHS.index(dtype) < min(DEPTHS.index(header.dtype), DEPTHS.index(deepest)):
        raise FormMismatch(key, (header.height, header.width), header.dtype)
    if not is_deep_colour(picture):
        return header.dtype
    found = "has 16 bits per colour channel, of which Pillow reads only 8"
    if target.value_range is not None:
        raise Undecodable(f"{found}, without --value-range")
    if dtype != "uint8":
        raise Undecodable(f"{found} (--dtype uint8 accepts that; an array in .npy or .h5 keeps 16)")
    return "uint8"


def _load(picture: ImageFile, size: tuple[int, int], resize: Resize | None) -> tuple[float, float]:
    """Decode the pixels, a JPEG at twice the size that is needed or more.

    Returns the extent (height, width) of the image in decoded pixels: a fraction where 1501 pixels became 751.
    """
    extent: tuple[float, float] | None = None
    if resize is not None and isinstance(picture, JpegImageFile):
        width, height = picture.size
        divisor = jpeg_divisor((height, width), size, resize)
        drafted = picture.draft(None, (width // divisor, height // divisor))
        extent = None if drafted is None else (drafted[1][3], drafted[1][2])
    picture.load()
    return extent or (picture.height, picture.width)


def jpeg_divisor(extent: tuple[int, int], size: tuple[int, int], resize: Resize) -> int:
    """1, 2, 4 or 8: a JPEG of `extent` (height, width) that is resized to `size` is decoded at 1/divisor of its size.

    It is the largest that leaves twice what is needed. To crop or stretch, both sides of `size` are needed; to pad,
    or on a canvas, the side that fills it: the other follows from the image's aspect. Neither side is divided to less
    than a pixel.
    """
    enough = any if resize in INNER_SIZES else all
    for divisor in (8, 4, 2):
        sides = zip(extent, size, strict=True)
        if divisor <= min(extent) and enough(side >= 2 * divisor * needed for side, needed in sides):
            return divisor
    return 1


def _deep(picture: Image.Image) -> Image.Image:
    """Grey pixels of more than 8 bits as mode "F", which holds 16-bit integers exactly."""
    return Image.fromarray(np.asarray(picture).astype(np.float32))


def _convert(pixels: NDArray[np.generic], source: SampleDtype, target: Target) -> NDArray[np.generic]:
    """Scale the full range of `source` to that of the form's dtype (see `scaling`)."""
    dtype = target.form.dtype
    if source == "float32" and not np.isfinite(pixels).all():
        raise Undecodable("has pixels that are no finite number (NaN or infinite)")
    if source == "uint16":
        pixels = np.clip(np.rint(pixels), 0, 65535).astype(np.uint16)
    if source == dtype and (target.value_range is None or dtype != "uint16"):
        return pixels
    converted = np.empty(pixels.shape, dtype)
    write_converted(pixels, converted, target.value_range)
    return converted
