"""Encoded pictures to arrays in the working form, with Pillow; safe to call from several threads at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from mixup_cli.choices import Resize
from mixup_cli.fields.fit import _eight_bit, _fit, _into_form, crop_box, fit_picture, pad_size
from mixup_cli.fields.form import DEPTHS, SampleDtype
from mixup_cli.fields.scaling import write_converted
from mixup_cli.fields.target import FormMismatch, Target
from mixup_cli.sources.pictures.headers import (
    Header,
    header_of,
    is_deep_colour,
    orientation_of,
    read_header,
    reasons,
)
from mixup_cli.sources.pictures.kinds import check_stream, open_picture
from mixup_cli.sources.pictures.limits import Undecodable, WatchedBytes, check_work

__all__ = [
    "Header",
    "Undecodable",
    "check_header",
    "check_pixel_count",
    "crop_box",
    "decode",
    "fit_picture",
    "jpeg_divisor",
    "pad_size",
    "read_header",
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


def decode(data: bytes, target: Target, key: str, max_pixels: int) -> NDArray[np.generic]:
    """Decode a picture into the working form.

    Returns a C-contiguous array of `target.form.shape` and dtype; its axes are "hwc" or "chw" with 1 or 3 channels.
    Alpha is composited over white; grey is ITU-R 601-2 luma (Pillow's "L"); padding is black. Integers keep their
    share of the full range when the depth changes: v*257 from 8 to 16 bits, (v*255 + 32767)//65535 back, and v/255 or
    v/65535 in float32. Where the target has a value range, it takes the place of the full range of 16 bits.

    Raises Undecodable for a picture that cannot be used, and FormMismatch where its size (without `resize`) or its
    depth does not fit the form.
    """
    (height, width), channels = target.form.size, target.form.channels
    picture, orientation, header = _opened(data, max_pixels)
    source_dtype = _check_depth(picture, header, target, key)
    with reasons(data):
        size = (height, width) if orientation < 5 else (width, height)
        extent = _load(picture, size, target.resize)
        flat = _eight_bit(picture, channels) if source_dtype == "uint8" else _deep(picture)
        upright = _turn(_fit(flat, extent, size, target.resize), orientation)
        pixels = np.asarray(upright)
    if target.resize is None and pixels.shape[:2] != (height, width):
        raise FormMismatch(key, (pixels.shape[0], pixels.shape[1]), header.dtype)
    decoded = _into_form(_convert(pixels, source_dtype, target), target)
    if (problem := target.problems(decoded[None])[0]) is not None:
        raise Undecodable(problem)
    return decoded


def check_header(data: bytes, target: Target, key: str, max_pixels: int) -> None:
    """Raise what `decode` would, as far as the header of a picture tells, without decoding it."""
    picture, _, header = _opened(data, max_pixels)
    _check_depth(picture, header, target, key)
    if target.resize is None and (header.height, header.width) != target.form.size:
        raise FormMismatch(key, (header.height, header.width), header.dtype)


def _opened(data: bytes, max_pixels: int) -> tuple[ImageFile, int, Header]:
    """A picture of which only the header was read, with its orientation. Raises Undecodable."""
    with reasons(data):
        picture = open_picture(WatchedBytes(data))
        orientation = orientation_of(picture)
        header = header_of(picture, orientation)
    check_pixel_count(header, max_pixels)
    check_work(picture, data)
    check_stream(picture)
    return picture, orientation, header


def check_pixel_count(header: Header, max_pixels: int) -> None:
    """Raises Undecodable for a picture with too many."""
    count = header.height * header.width
    if count > max_pixels:
        raise Undecodable(f"has {count} pixels, more than --max-pixels {max_pixels}")


def _check_depth(picture: ImageFile, header: Header, target: Target, key: str) -> SampleDtype:
    """Return the dtype that Pillow's pixels stand for; raise where they cannot become the form's."""
    dtype = target.form.dtype
    deepest = target.deepest or dtype
    if header.dtype == "float32" and deepest != "float32" and target.value_range is None:
        raise Undecodable(
            "has float pixels or integers that uint16 does not hold (pass --dtype float32 or --value-range LOW,HIGH)"
        )
    if DEPTHS.index(dtype) < min(DEPTHS.index(header.dtype), DEPTHS.index(deepest)):
        raise FormMismatch(key, (header.height, header.width), header.dtype)
    if is_deep_colour(picture):
        if target.value_range is not None:
            raise Undecodable("has 16 bits per colour channel, of which Pillow reads only 8, without --value-range")
        if dtype == "uint8":
            return "uint8"
        raise Undecodable(
            "has 16 bits per colour channel, of which Pillow reads only 8 (--dtype uint8 accepts that; an array in "
            ".npy or .h5 keeps 16)"
        )
    return header.dtype


def _load(picture: ImageFile, size: tuple[int, int], resize: Resize | None) -> tuple[float, float]:
    """Decode the pixels, a JPEG at twice the size that is needed or more.

    Returns the extent (height, width) of the picture in decoded pixels: a fraction where 1501 pixels became 751.
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
    """1, 2, 4 or 8: a JPEG of `extent` (height, width) that is resized to `size` is decoded at 1/divisor of its own.

    It is the largest that leaves twice what is needed. To crop or stretch, both sides of `size` are needed; to pad, the
    side that fills it: the other follows by the picture's own aspect. Neither side is divided to less than a pixel.
    """
    enough = any if resize == "pad" else all
    for divisor in (8, 4, 2):
        sides = zip(extent, size, strict=True)
        if divisor <= min(extent) and enough(side >= 2 * divisor * needed for side, needed in sides):
            return divisor
    return 1


def _deep(picture: Image.Image) -> Image.Image:
    """Grey pixels of more than 8 bits as mode "F", which holds 16-bit integers exactly."""
    return Image.fromarray(np.asarray(picture).astype(np.float32))


def _turn(picture: Image.Image, orientation: int) -> Image.Image:
    return picture if orientation == 1 else picture.transpose(_UPRIGHT[orientation])


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
