"""Images brought to the size, the channels and the axes of a target: one set of rules for files and arrays."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.choices import Resize
from mixup_cli.errors import DataError
from mixup_cli.fields.axes import PICTURE_CHANNELS, Axes, as_axes, as_pictures
from mixup_cli.fields.form import Form
from mixup_cli.fields.scaling import FULL_SCALE, sample_dtype, write_converted
from mixup_cli.fields.target import FormMismatch, Target
from mixup_cli.wording import setting

Pair: TypeAlias = tuple[float, float]


def crop_box(extent: tuple[float, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The largest centred box in an image of `extent` (height, width) that has the aspect of `size` (height, width).

    Returns Pillow's (left, top, right, bottom) in fractional pixels, which never leaves the image.
    """
    height, width = extent
    if width * size[0] >= height * size[1]:
        margin = max(0.0, (width - height * size[1] / size[0]) / 2)
        return margin, 0.0, width - margin, height
    margin = max(0.0, (height - width * size[0] / size[1]) / 2)
    return 0.0, margin, width, height - margin


def pad_size(extent: tuple[float, float], size: tuple[int, int]) -> tuple[int, int]:
    """The (height, width) of an image of `extent` after scaling it to fit into `size`, at least 1 pixel each."""
    height, width = extent
    if width * size[0] >= height * size[1]:
        return max(1, min(size[0], int(height * size[1] / width + 0.5))), size[1]
    return size[0], max(1, min(size[1], int(width * size[0] / height + 0.5)))


def canvas_size(extent: tuple[float, float], size: tuple[int, int]) -> tuple[int, int]:
    """The (height, width) of an image of `extent` on a canvas of `size`: its own, or if it is larger what fits."""
    height, width = extent
    return (int(height), int(width)) if height <= size[0] and width <= size[1] else pad_size(extent, size)


INNER_SIZES = {"pad": pad_size, "canvas": canvas_size}
"""Where an image does not fill the output: what gives its size there."""


def placed(extent: tuple[int, int], size: tuple[int, int], resize: Resize | None) -> tuple[Pair, Pair]:
    """Where the places of an image of `extent` (height, width) lie once it is fitted to `size`: at scale · place +
    shift, each (y, x)."""
    if resize is None:
        return (1.0, 1.0), (0.0, 0.0)
    if resize in INNER_SIZES:
        inner = INNER_SIZES[resize](extent, size)
        top, left = _corner(inner, size, resize)
        return (inner[0] / extent[0], inner[1] / extent[1]), (float(top), float(left))
    box = crop_box(extent, size) if resize == "crop" else (0.0, 0.0, extent[1], extent[0])
    scale = size[0] / (box[3] - box[1]), size[1] / (box[2] - box[0])
    return scale, (-box[1] * scale[0], -box[0] * scale[1])


def _corner(inner: tuple[int, int], size: tuple[int, int], resize: Resize | None) -> tuple[int, int]:
    """Top and left of an image that does not fill the output."""
    return (0, 0) if resize == "canvas" else ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2)


def fit_picture(picture: Image.Image, target: Target) -> NDArray[np.generic]:
    """An 8-bit image from an array, brought to a uint8 target by the rules for files."""
    flat = eight_bit(picture, target.form.channels)
    fitted = fitted_to(flat, (picture.height, picture.width), target.form.size, target.resize)
    return into_form(np.asarray(fitted), target)


def eight_bit(picture: Image.Image, channels: int) -> Image.Image:
    """Any 8-bit mode as "L" (1 channel) or "RGB" (3)."""
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture.convert("RGBA"))
    if picture.mode not in ("1", "L", "RGB"):
        picture = picture.convert("RGB")  # CMYK, YCbCr and LAB convert to "L" only through RGB.
    mode = "L" if channels == 1 else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


def fitted_to(
    picture: Image.Image, extent: tuple[float, float], size: tuple[int, int], resize: Resize | None
) -> Image.Image:
    """Resize to `size` (height, width), or to `INNER_SIZES` of it; an image that fits keeps its pixels."""
    if resize is None:
        return picture
    height, width = INNER_SIZES[resize](extent, size) if resize in INNER_SIZES else size
    box = crop_box(extent, size) if resize == "crop" else (0.0, 0.0, extent[1], extent[0])
    if picture.size == (width, height) and box == (0.0, 0.0, float(width), float(height)):
        return picture
    return picture.resize((width, height), Image.Resampling.BILINEAR, box=box)


def into_form(
    pixels: NDArray[np.generic], target: Target, out: NDArray[np.generic] | None = None
) -> NDArray[np.generic]:
    """Give pixels (h, w) or (h, w, 3) the form's shape: repeat grey, put them on the fill colour, channels first. They
    are written into `out`, if that is given."""
    (height, width), channels = target.form.size, target.form.channels
    if pixels.ndim == 2:
        pixels = np.broadcast_to(pixels[:, :, np.newaxis], (*pixels.shape, channels))
    if out is None:
        out = np.empty(target.form.shape, pixels.dtype)
    picture = out.transpose(1, 2, 0) if target.form.axes == "chw" else out
    inner_height, inner_width = pixels.shape[:2]
    top, left = _corner((inner_height, inner_width), (height, width), target.resize)
    bottom, right = top + inner_height, left + inner_width
    if (inner_height, inner_width) != (height, width):
        fill = _fill_of(target, pixels.dtype)
        for around in (picture[:top], picture[bottom:], picture[top:bottom, :left], picture[top:bottom, right:]):
            around[...] = fill
    picture[top:bottom, left:right] = pixels
    return out


def _fill_of(target: Target, dtype: np.dtype[np.generic]) -> NDArray[np.generic]:
    """The fill colour; as one number where it is a grey, which takes a tenth of the time."""
    fill = (np.array(target.fill, np.float64) * (FULL_SCALE[target.form.dtype] / 255.0)).astype(dtype)
    return fill[:1] if (fill == fill[0]).all() else fill


def fit_map(values: NDArray[Any], target: Target) -> NDArray[Any]:
    """An index map (height, width) brought to a target (height, width) as its picture is, by taking the nearest place;
    around it, the target's fill. The picture has shown before that its size fits."""
    extent, size = (int(values.shape[0]), int(values.shape[1])), target.form.size
    (scale, shift), fitted = placed(extent, size, target.resize), np.full(size, target.fill[0], target.form.dtype)
    lines, columns = (
        np.floor((np.arange(count) + 0.5 - first) / step).astype(np.int64)
        for count, step, first in zip(size, scale, shift, strict=True)
    )
    rows, across = ((each >= 0) & (each < side) for each, side in zip((lines, columns), extent, strict=True))
    fitted[np.ix_(rows, across)] = values[np.ix_(lines[rows], columns[across])]
    return fitted


def bring(values: NDArray[Any], axes: Axes, target: Target, out: NDArray[Any], first_key: str) -> list[str | None]:
    """Write arrays (n, *sample) with these axes into `out` (n, *target.form.shape). Returns why each cannot be used.

    Raises FormMismatch where they have another size than the target and it does not say how to resize; DataError where
    no rule leads from their shape or dtype to the target.
    """
    stored = Form(values.shape[1:], sample_dtype(values.dtype, first_key), axes)
    if _needs_refit(stored, target.form):
        view: NDArray[Any] = _refitted(values, stored, target, first_key)
    else:
        view = as_axes(values, axes, target.form.axes)
    write_converted(view, out, target.value_range)
    return target.problems(out)


def _needs_refit(stored: Form, wanted: Form) -> bool:
    """Whether samples differ from what is wanted in size or channels, not only in the order of axes."""
    if stored.axes and wanted.axes:
        return (stored.size, stored.channels) != (wanted.size, wanted.channels)
    if (stored.axes, stored.shape) != (wanted.axes, wanted.shape):
        raise DataError(f"samples of shape {stored.shape} cannot become {wanted.shape}: they are not images.")
    return False


def _refitted(block: NDArray[Any], stored: Form, target: Target, first_key: str) -> NDArray[np.uint8]:
    """uint8 images at the size and channels of the target, in its axes, by the rules for image files."""
    wanted = target.form
    if stored.size != wanted.size and target.resize is None:
        raise FormMismatch(first_key, stored.size, stored.dtype)
    if block.dtype != np.uint8 or stored.channels not in PICTURE_CHANNELS or wanted.channels == 4:
        found, expected = ("x".join(map(str, form.size[::-1])) for form in (stored, wanted))
        raise DataError(
            f"arrays of {block.dtype} with {stored.channels} channels keep their form: found {found}, expected "
            f"{expected} with {wanted.channels}.",
            f"Leave out {setting('size')}, or pass {setting('channels', 'rgb')} for uint8.",
        )
    hwc = Target(Form((*wanted.size, wanted.channels), "uint8", "hwc"), target.resize)
    pictures = np.empty((len(block), *hwc.form.shape), np.uint8)
    for pixels, room in zip(as_pictures(block, stored.axes), pictures, strict=True):
        room[...] = fit_picture(Image.fromarray(pixels[..., 0] if stored.channels == 1 else pixels), hwc)
    return as_axes(pictures, "hwc", wanted.axes)
