"""Bounds on processor time that hold on any machine: each is a ratio to what something else takes, measured in this
process and this minute. Seconds alone depend on the machine and on what else it does."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from functools import cache

import numpy as np
from PIL import Image

from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources.pictures.decode import decode
from mixup_cli.sources.reading.base import SourceOptions

QUICK_SECONDS = 0.5
"""Less needs no comparison. No outcome depends on it: on any machine a large picture takes longer."""

SIDE_PX = 2000


def seconds_of(work: Callable[[], object]) -> float:
    """The processor time of this process, in all its threads."""
    began = time.process_time()
    work()
    return time.process_time() - began


@cache
def _good_png() -> bytes:
    """Soft noise with alpha: neither flat nor incompressible, like a photograph."""
    noise = np.random.default_rng(1).integers(0, 256, (SIDE_PX // 6, SIDE_PX // 6, 4), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).resize((SIDE_PX, SIDE_PX)).save(out, "png", compress_level=1)
    return out.getvalue()


def largest_good_picture_seconds() -> float:
    """What a good PNG with alpha takes that has as many pixels as `--max-pixels` admits by default, going by one of
    2000 × 2000."""
    data, target = _good_png(), Target(Form((16, 16, 3), "uint8", "hwc"), "crop")
    taken = seconds_of(lambda: decode(data, target, "good.png", SIDE_PX**2))
    return taken * SourceOptions().max_pixels / SIDE_PX**2


def check_bad_input(seconds: float) -> None:
    """The promise of docs/reliability.md: no bad input takes longer than the largest good picture."""
    if seconds > QUICK_SECONDS:
        most = largest_good_picture_seconds()
        assert seconds < most, f"it took {seconds:.1f} s, and the largest good picture takes {most:.1f} s"
