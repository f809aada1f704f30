"""Samples that go on in time, as a page plays them: waves as sounds, clips as moving pictures.

Sounds are MP3 where soundfile is installed, else WAV; libsndfile's Ogg has a random number in each file. Clips are
animated WebP, which any browser shows as a picture, and which Pillow writes without a library for videos.
"""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.fields.axes import Axes
from mixup_cli.fields.signal import RATE
from mixup_cli.recipe import Normalize, Recipe
from mixup_cli.report.rgb import levels, rgb

MOST_PLAYED_BYTES = 2_000_000
"""Of all that plays on a page, as data URLs. Later rows do not play."""

MP3_RATES = frozenset((8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000))

FRAME_MS = 80
"""How long a frame is shown: a data set does not record how fast its videos were."""


@dataclass
class Player:
    """Makes what plays of the samples of rows with these axes, while there is room."""

    axes: Axes
    room: int = MOST_PLAYED_BYTES

    def row(self, parents: Sequence[NDArray[Any]], result: NDArray[Any], recipe: Recipe) -> tuple[str, ...]:
        """Data URLs of a row's parents and of its result, which `recipe` may have normalized, each of them (*shape);
        none if such samples do not play, and from the first row on that there is no room for."""
        rate = dict(recipe.reading).get(RATE)
        if self.room <= 0 or (self.axes, rate is None) not in {("tc", False), ("thwc", True)}:
            return ()
        if rate is None:
            made = (*map(_moving, parents), _moving(result, recipe.normalize))
        else:
            made = tuple(_sound(each, int(rate)) for each in (*parents, result))
        self.room -= sum(map(len, made))
        return made if self.room >= 0 else ()


def _sound(samples: NDArray[Any], rate: int) -> str:
    """A wave (time, channels), float in −1 … 1 or int16."""
    whole = samples if samples.dtype.kind == "i" else np.clip(np.rint(np.nan_to_num(samples) * 32768.0), -32768, 32767)
    whole = whole.astype("<i2")
    file = io.BytesIO()
    if rate in MP3_RATES and (library := _libsndfile()) is not None:
        library.write(file, whole, rate, format="MP3")
        return _url("audio/mpeg", file)
    with wave.open(file, "wb") as made:
        made.setparams((whole.shape[1], 2, rate, len(whole), "NONE", ""))
        made.writeframes(whole.tobytes())
    return _url("audio/wav", file)


def _libsndfile() -> Any:
    """The module soundfile, if it is installed with a library that writes MP3."""
    try:
        import soundfile
    except (ImportError, OSError):  # OSError: without the library in C
        return None
    return soundfile if soundfile.check_format("MP3") else None


def _moving(clip: NDArray[Any], normalize: Normalize | None = None) -> str:
    """A clip (time, height, width, channels), which may be normalized."""
    first, *others = map(Image.fromarray, rgb(levels(clip, "hwc", normalize), (0.0, 1.0)))
    file = io.BytesIO()
    how = {"duration": FRAME_MS, "loop": 0, "quality": 60, "method": 2}
    first.save(file, "WEBP", save_all=True, append_images=others, **how)
    return _url("image/webp", file)


def _url(kind: str, file: io.BytesIO) -> str:
    return f"data:{kind};base64,{base64.b64encode(file.getvalue()).decode()}"
