"""Make `clips/`: short videos of shapes that move, in a folder for each motion.

    python -m sample_data.make_clips [FOLDER]

Writes into FOLDER (by default, the folder of this file). The same version of PyAV writes the same bytes.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw

WIDTH, HEIGHT, RATE = 128, 96, 25
DRAWN = 4
"""Frames are drawn larger by this, and shrunk, so that edges are smooth."""

Colours = tuple[str, str]
"""Of the shape and of what is behind it."""


def falling(time: float, colours: Colours) -> Image.Image:
    """A disc that falls and bounces."""
    page, draw = _page(colours)
    bounce = abs(math.cos(2.5 * math.pi * time)) * (1 - 0.5 * time)
    x, y, radius = 24 + 80 * time, 78 - 60 * bounce, 11
    draw.ellipse([DRAWN * each for each in (x - radius, y - radius, x + radius, y + radius)], colours[0])
    return _shrunk(page)


def turning(time: float, colours: Colours) -> Image.Image:
    """A square that turns in its place."""
    page, draw = _page(colours)
    angles = [math.pi * (time + corner / 2) for corner in range(4)]
    draw.polygon([(DRAWN * (64 + 34 * math.cos(a)), DRAWN * (48 + 34 * math.sin(a))) for a in angles], colours[0])
    return _shrunk(page)


def passing(time: float, colours: Colours) -> Image.Image:
    """Stripes that pass by."""
    page, draw = _page(colours)
    for stripe in range(-3, 5):
        left = DRAWN * (32 * stripe + 96 * time)
        draw.rectangle([left, 0, left + DRAWN * 14, DRAWN * HEIGHT], colours[0])
    return _shrunk(page)


Clip = tuple[str, str, int, Callable[[float, Colours], Image.Image], Colours]

CLIPS: tuple[Clip, ...] = (
    ("falling/ball-1.mp4", "libx264", 45, falling, ("#d1495b", "#edeae0")),
    ("falling/ball-2.avi", "mpeg4", 40, falling, ("#f2c14e", "#26547c")),
    ("passing/stripes-1.mkv", "libx264", 50, passing, ("#2e4057", "#a3c9a8")),
    ("passing/stripes-2.webm", "libvpx-vp9", 40, passing, ("#ffffff", "#8d5a97")),
    ("turning/square-1.mp4", "libx264", 60, turning, ("#00798c", "#f7f3e3")),
    ("turning/square-2.mov", "libx264", 20, turning, ("#edae49", "#30323d")),
)
"""File, codec, count of frames, what is drawn, and in which colours. The last is too short for 16 frames, 2 apart."""

OPTIONS = {
    "libx264": {"crf": "30", "g": "15", "bf": "2"},
    "mpeg4": {"b": "60000", "g": "20"},
    "libvpx-vp9": {"crf": "45", "b": "0", "cpu-used": "4"},
}


def _page(colours: Colours) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    page = Image.new("RGB", (DRAWN * WIDTH, DRAWN * HEIGHT), colours[1])
    return page, ImageDraw.Draw(page)


def _shrunk(page: Image.Image) -> Image.Image:
    return page.resize((WIDTH, HEIGHT), Image.Resampling.BOX)


def main() -> None:
    """Write all."""
    out = (Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent) / "clips"
    for name, codec, count, draw, colours in CLIPS:
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
            stream: Any = container.add_stream(codec, rate=RATE, options=OPTIONS[codec])
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.codec_context.thread_count = 1
            for number in range(count):
                frame = av.VideoFrame.from_ndarray(np.asarray(draw(number / count, colours)), "rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())


if __name__ == "__main__":
    main()
