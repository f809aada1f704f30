"""One decoded frame, brought to the size of a clip: turned as it is to be shown, resized, cropped, in RGB.

Luma and chroma are resized apart, each at its own resolution, and only then become RGB: that is less work, and bytes
depend on Pillow and on integers alone. Frames in other pixel formats become RGB first, through FFmpeg."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.fields.fit import fitted_to
from mixup_cli.sources.clips.colours import write_rgb

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

CHROMA_STEPS = {
    **{f"yuv{mark}420p": (2, 2) for mark in ("", "j")},
    **{f"yuv{mark}422p": (1, 2) for mark in ("", "j")},
    **{f"yuv{mark}444p": (1, 1) for mark in ("", "j")},
}
"""Pixel formats of 8 bits, a plane for each component: how many lines and columns share a value of chroma."""

EXACT = 0x2 | 0x40000 | 0x80000
"""FFmpeg's flags for bilinear interpolation that rounds alike on every processor."""

FULL_RANGE = 2
"""FFmpeg's number for values in 0 … 255."""

TURNS = {
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}
"""What shows a frame as the upper left of its display matrix says, row by row."""

_SIDEWAYS = frozenset(each for matrix, each in TURNS.items() if not matrix[0])


def write_frame(frame: VideoFrame, out: NDArray[np.uint8]) -> None:
    """Write a frame into `out` (height, width, 3), by the rules for images: resized so that it covers the size, and
    cropped in its centre."""
    turn = _turn_of(frame)
    steps = CHROMA_STEPS.get(frame.format.name)
    if steps is None or any(plane.line_size < 0 for plane in frame.planes):
        flat = frame.reformat(format="rgb24", interpolation=EXACT, threads=1)
        out[...] = _fitted(_image("RGB", flat, 0, (1, 1)), (frame.height, frame.width), turn, out)
        return
    luma, u, v = (
        _fitted(_image("L", frame, number, each), (frame.height / each[0], frame.width / each[1]), turn, out)
        for number, each in enumerate(((1, 1), steps, steps))
    )
    is_full = frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj")
    write_rgb(luma, (u, v), (frame.colorspace, is_full), out)


def _image(mode: str, frame: VideoFrame, number: int, steps: tuple[int, int]) -> Image.Image:
    """One plane of a frame, without a copy where Pillow can."""
    size = -(-frame.width // steps[1]), -(-frame.height // steps[0])
    plane = frame.planes[number]
    return Image.frombuffer(mode, size, cast(bytes, plane), "raw", mode, plane.line_size, 1)


def _fitted(
    picture: Image.Image, extent: tuple[float, float], turn: Image.Transpose | None, out: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """A plane at the size of `out`. `extent` is its height and width: half a value less than it has where a frame with
    an odd side shares its chroma."""
    if turn is not None:
        picture = picture.transpose(turn)
        extent = extent[::-1] if turn in _SIDEWAYS else extent
    return np.asarray(fitted_to(picture, extent, (out.shape[0], out.shape[1]), "crop"))


def _turn_of(frame: VideoFrame) -> Image.Transpose | None:
    """How a frame is to be turned. Angles other than right ones are not applied."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return None
    first, second, _, third, fourth = np.frombuffer(cast(bytes, matrix), "=i4")[:5] / (1 << 16)
    return TURNS.get((first, second, third, fourth))
