"""Small videos whose frames have their number drawn into them, made through PyAV: what a decoder gives can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

BITS = 8
DARK, LIGHT = 40, 215


@dataclass(frozen=True)
class Video:
    """A video of `count` frames, `size` (height, width) each. `times` are the numbers of the frames' time stamps."""

    count: int = 40
    size: tuple[int, int] = (48, 64)
    codec: str = "libx264"
    format: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=lambda: {"crf": "12", "g": "12", "bf": "2"})
    turn: tuple[int, bool] = (0, False)
    times: tuple[int, ...] = ()
    colour: tuple[int, int, int] = (255, 255, 255)

    def write(self, path: Path) -> Path:
        """Write it into a file; the folder is made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream(self.codec, rate=25, options=dict(self.options))
            stream.height, stream.width = self.size
            stream.pix_fmt = self.format
            stream.codec_context.thread_count = 1
            if self.turn != (0, False):
                stream.set_display_rotation(self.turn[0], hflip=self.turn[1])
            for number in range(self.count):
                frame = av.VideoFrame.from_ndarray(numbered(number, self.size, self.colour), "rgb24")
                frame.pts = self.times[number] if self.times else number
                frame.time_base = Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path


NAMES = ("long/0.mp4", "long/1.avi", "short/2.mkv", "short/3.mp4")


def write_videos(folder: Path, names: Sequence[str] = NAMES) -> Path:
    """A folder of videos, of which those after the second are too short for 16 frames, two apart."""
    for number, name in enumerate(names):
        options = {"b": "2000000", "g": "10"}
        colour = (255 - 20 * number, 200, 155 + 20 * number)
        video = Video(48 - 14 * number, codec="mpeg4", options=options, colour=colour)
        video.write(folder / name)
    return folder


def numbered(number: int, size: tuple[int, int], colour: tuple[int, int, int] = (255, 255, 255)) -> NDArray[np.uint8]:
    """A frame (height, width, 3) with the bits of its number as eight bars, the lowest on the left, in its centre; in
    the upper half they are the other way round, so that no codec finds a brightness to keep."""
    height, width = size
    side = min(size)
    bits = np.array([(number >> bit) & 1 for bit in range(BITS)], bool)
    bars = bits[np.arange(side) * BITS // side]
    square = np.empty((side, side), np.uint8)
    square[: side // 2] = np.where(bars, DARK, LIGHT)
    square[side // 2 :] = np.where(bars, LIGHT, DARK)
    frame = np.full((height, width), 128, np.uint8)
    top, left = (height - side) // 2, (width - side) // 2
    frame[top : top + side, left : left + side] = square
    coloured: NDArray[np.uint8] = (frame[..., None].astype(np.float32) * np.array(colour) / 255).astype(np.uint8)
    return coloured


def numbers_in(clip: NDArray[np.uint8]) -> list[int]:
    """The numbers of the frames (frames, side, side, 3), by the brightness of their lower halves."""
    side = clip.shape[1]
    lower = clip[:, 5 * side // 8 : 7 * side // 8].max(axis=3).astype(np.float64).mean(axis=1)
    centres = (np.arange(BITS) * side / BITS + side / (2 * BITS)).astype(int)
    bits = lower[:, centres] > 127
    return [int(sum(1 << bit for bit in range(BITS) if row[bit])) for row in bits]
