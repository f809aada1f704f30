"""Signals as encoded images, for formats that hold PNG, JPEG or WebP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.fields.axes import as_pictures, lengths
from mixup_cli.fields.encoding import HOLDS, encoded
from mixup_cli.fields.signal import FIRST, Signal
from mixup_cli.image_format import ImageFormat
from mixup_cli.wording import counted


def can_hold(signal: Signal, image_format: ImageFormat) -> bool:
    """Whether images of this encoding hold a signal."""
    channels = lengths(signal.shape, signal.axes, "c")[0] if signal.is_picture else 0
    return channels in HOLDS.get((image_format.encoding, signal.dtype), ())


def check_images(signals: dict[str, Signal], image_format: ImageFormat, to: str) -> None:
    """Raises UsageError if the images cannot be encoded so."""
    signal = signals.get(FIRST)
    if signal is None or can_hold(signal, image_format):
        return
    if signal.is_picture and can_hold(signal, ImageFormat()):
        raise UsageError(f"holds no {_form(signal)}.", "Pass png.", field="image_format", value=image_format)
    found = f"{to} has encoded images, which hold no {_form(signal)}."
    raise UsageError(found, f"Use npz, or leave {FIRST} out of the columns.", field="to", value=to)


def _form(signal: Signal) -> str:
    if not signal.is_picture:
        return f"samples of shape {signal.shape}"
    return f"{signal.dtype} images with {counted(lengths(signal.shape, signal.axes, 'c')[0], 'channel')}"


def encoder(signal: Signal, image_format: ImageFormat) -> Callable[[NDArray[Any]], list[bytes]]:
    """Encodes values of a signal (m, *shape): the bytes of an image for each. Pillow lets other threads run."""
    return lambda values: encoded(as_pictures(values, signal.axes), image_format, {})
