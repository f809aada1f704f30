"""Signals as encoded images, for formats that hold PNG, JPEG or WebP."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.errors import UsageError
from mixup_cli.exporters.image_format import ImageFormat
from mixup_cli.fields.axes import as_pictures, lengths
from mixup_cli.fields.signal import FIRST, Signal
from mixup_cli.wording import counted

HOLDS = {
    ("png", "uint8"): (1, 3, 4),
    ("png", "uint16"): (1,),
    ("jpeg", "uint8"): (1, 3),
    ("webp", "uint8"): (3, 4),
}
"""The counts of channels that an encoding holds without changing them, by dtype."""


def can_hold(signal: Signal, image_format: ImageFormat) -> bool:
    """Whether images of this encoding hold a signal."""
    channels = lengths(signal.shape, signal.axes, "c")[0] if signal.axes else 0
    return channels in HOLDS.get((image_format.encoding, signal.dtype), ())


def check_images(signals: dict[str, Signal], image_format: ImageFormat, to: str) -> None:
    """Raises UsageError if the images cannot be encoded so."""
    signal = signals.get(FIRST)
    if signal is None or can_hold(signal, image_format):
        return
    if signal.axes and can_hold(signal, ImageFormat()):
        raise UsageError(f"holds no {_form(signal)}.", "Pass png.", field="image_format", value=image_format)
    found = f"{to} has encoded images, which hold no {_form(signal)}."
    raise UsageError(found, f"Use npz, or leave {FIRST} out of the columns.", field="to", value=to)


def _form(signal: Signal) -> str:
    if not signal.axes:
        return f"samples of shape {signal.shape}"
    return f"{signal.dtype} images with {counted(lengths(signal.shape, signal.axes, 'c')[0], 'channel')}"


def encoder(signal: Signal, image_format: ImageFormat) -> Callable[[NDArray[Any]], list[bytes]]:
    """Encodes values of a signal (m, *shape): the bytes of an image for each. Pillow lets other threads run."""
    settings = {} if image_format.quality is None else {"quality": image_format.quality}

    def encode(values: NDArray[Any]) -> list[bytes]:
        found = list[bytes]()
        for picture in as_pictures(values, signal.axes):
            written = io.BytesIO()
            plane = picture[..., 0] if picture.shape[-1] == 1 else picture
            Image.fromarray(np.ascontiguousarray(plane)).save(written, image_format.encoding, **settings)
            found.append(written.getvalue())
        return found

    return encode
