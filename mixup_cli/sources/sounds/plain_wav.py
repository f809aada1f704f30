"""WAV files of the plainest kind, 16 bits and nothing but samples, as most data sets of speech hold them.

libsndfile opens one in a few tenths of a millisecond, most of which is Python's; what is here takes a tenth of
that, and gives the same samples. Whatever is not plain is left to libsndfile.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

HEADER = struct.Struct("<4sI8sIHHIIHH4sI")
"""RIFF, its size, WAVEfmt, its size, format, channels, rate, bytes a second, bytes a frame, bits, data, its size."""

_PCM, _BITS = 1, 16


def plain_header(head: bytes, stored_bytes: int) -> tuple[int, int, int] | None:
    """Rate, frames and channels of a plain WAV of this size, from its first `HEADER.size` bytes; None for any other."""
    if len(head) < HEADER.size:
        return None
    riff, _, wave, fmt_bytes, kind, channels, rate, _, frame_bytes, bits, data, data_bytes = HEADER.unpack(head)
    if (riff, wave, fmt_bytes, kind, bits, data) != (b"RIFF", b"WAVEfmt ", 16, _PCM, _BITS, b"data"):
        return None
    is_whole = 0 < data_bytes == stored_bytes - HEADER.size
    if not is_whole or channels == 0 or frame_bytes != 2 * channels or data_bytes % frame_bytes:
        return None
    return rate, data_bytes // frame_bytes, channels


def plain_samples(data: bytes, channels: int) -> NDArray[np.float32]:
    """The samples (time, channels) of a plain WAV, float32, from its bytes."""
    whole = np.frombuffer(data, "<i2", offset=HEADER.size).reshape(-1, channels)
    return whole.astype(np.float32) * np.float32(2.0**-15)
