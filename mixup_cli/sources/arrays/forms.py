"""How an array of samples becomes an array of the working form: axes, dtype, and (for uint8 pictures) size.

Everything here works on a whole block of samples at once; only a change of size or channels goes image by image,
through Pillow, by the same rules as image files.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.errors import DataError
from mixup_cli.fields.form import Axes, Form, SampleDtype, picture_extent
from mixup_cli.sources.reading.base import FormMismatch, Target
from mixup_cli.sources.reading.fit import fit_picture
from mixup_cli.wording import counted, setting

PICTURE_CHANNELS = (1, 3, 4)
EXACT_IN_FLOAT32 = 1 << 24  # every integer up to this size is a float32
_KEPT: dict[str, SampleDtype] = {"uint8": "uint8", "uint16": "uint16", "float32": "float32"}
_CHECKED_INTEGERS = frozenset(["uint32", "uint64", "int32", "int64"])


def natural_axes(shape: tuple[int, ...]) -> Axes:
    """The axes that the dimensions of one sample are read as."""
    if len(shape) == 2:
        return "hw"
    if len(shape) == 3 and shape[2] in PICTURE_CHANNELS:
        return "hwc"
    return "chw" if len(shape) == 3 and shape[0] in PICTURE_CHANNELS else ""


def sample_dtype(dtype: np.dtype[Any], location: str) -> SampleDtype:
    """The working dtype for samples stored as `dtype`. Raises DataError for other than real numbers."""
    if dtype.name in _KEPT:
        return _KEPT[dtype.name]
    if dtype.kind in "biu" or dtype.name in ("float16", "float64"):
        return "float32"
    raise DataError(
        f"{location}: samples of dtype {dtype} cannot be mixed, expected integers or real numbers. Write them as such."
    )


def as_axes(block: NDArray[Any], axes: Axes, wanted: Axes) -> NDArray[Any]:
    """A view of `block` (n, *sample) with its image axes in another order; "hw" is an image of one channel.

    Raises DataError if no view can do it (samples that are not images, or one channel of several).
    """
    if axes == wanted:
        return block
    if "" in (axes, wanted):
        remedy = f"Leave out {setting('layout')} and {setting('size')}."
        raise DataError(f"samples of shape {block.shape[1:]} are not images and keep their form.", remedy)
    if axes == "hw":
        return block[..., None] if wanted == "hwc" else block[:, None]
    if wanted == "hw":
        channels = block.shape[3 if axes == "hwc" else 1]
        if channels != 1:
            raise DataError(f"images with {counted(channels, 'channel')} cannot become height and width alone.")
        return block[..., 0] if axes == "hwc" else block[:, 0]
    return np.moveaxis(block, 1, 3) if wanted == "hwc" else np.moveaxis(block, 3, 1)


def shown_form(shape: tuple[int, ...], axes: Axes, wanted: Axes, dtype: SampleDtype) -> Form:
    """The form that samples of `shape` have once `as_axes` has turned them to `wanted`."""
    view = as_axes(np.broadcast_to(np.uint8(0), (1, *shape)), axes, wanted)
    return Form(view.shape[1:], dtype, wanted)


def problems(block: NDArray[Any]) -> list[str | None]:
    """Why each sample cannot be used (None: it can): floats that are not finite or too large for float32, or integers
    that float32 would round. The texts are sealed into sources.csv."""
    flat = block.reshape(len(block), -1)
    found: list[str | None] = [None] * len(block)
    if block.dtype.kind == "f":
        with np.errstate(over="ignore"):  # float64 beyond float32's range becomes infinite
            bad = (~np.isfinite(flat.astype(np.float32, copy=False))).any(axis=1)
        for row in np.flatnonzero(bad).tolist():
            found[row] = _not_finite(flat[row])
    if block.dtype.name in _CHECKED_INTEGERS:
        beyond = ((flat > EXACT_IN_FLOAT32) | (flat < -EXACT_IN_FLOAT32)).any(axis=1)
        for row in np.flatnonzero(beyond).tolist():
            found[row] = f"holds an integer beyond {EXACT_IN_FLOAT32}, which float32 would round"
    return found


def _not_finite(values: NDArray[Any]) -> str:
    """What is wrong with floats if one is not finite in float32."""
    if not np.isfinite(values).all():
        return "holds NaN or infinity"
    return f"holds {values[np.argmax(np.abs(values))]:g}, which is more than float32 can be"


def needs_refit(shape: tuple[int, ...], axes: Axes, target: Target) -> bool:
    """Whether samples of this shape differ from the target in size or channels, not only in the order of axes."""
    if axes == "" or target.form.axes == "":
        if (axes, shape) != (target.form.axes, target.form.shape):
            raise DataError(f"samples of shape {shape} cannot become {target.form.shape}: they are not images.")
        return False
    return picture_extent(shape, axes) != target.form.extent


def refit(block: NDArray[Any], axes: Axes, target: Target, first_key: str) -> NDArray[np.uint8]:
    """uint8 images (n, *sample) at the size and channels of the target, in its axes, by the rules for image files.

    Raises FormMismatch if the size differs and `target.resize` is None; DataError for another dtype, which Pillow could
    only clip.
    """
    height, width, channels = picture_extent(block.shape[1:], axes)
    wanted = target.form.extent
    if (height, width) != wanted[:2] and target.resize is None:
        raise FormMismatch(first_key, (height, width), sample_dtype(block.dtype, first_key))
    if block.dtype != np.uint8 or channels not in PICTURE_CHANNELS or wanted[2] == 4:
        raise DataError(
            f"arrays of {block.dtype} with {channels} channels keep their form: found {width}x{height}, expected "
            f"{wanted[1]}x{wanted[0]} with {wanted[2]}.",
            f"Leave out {setting('size')}, or pass {setting('channels', 'rgb')} for uint8.",
        )
    pictures = np.empty((len(block), *wanted), np.uint8)
    hwc = Target(Form(wanted, "uint8", "hwc"), target.resize)
    for pixels, out in zip(as_axes(block, axes, "hwc"), pictures, strict=True):
        out[...] = fit_picture(Image.fromarray(pixels[..., 0] if channels == 1 else pixels), hwc)
    return as_axes(pictures, "hwc", target.form.axes)
