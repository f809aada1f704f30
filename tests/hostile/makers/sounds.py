"""Sound files that are cut short, lie, or hold what no sound does."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from tests.small_sounds import RATE, encoded, noise, put, tone, write_sounds

_WAV, _FLAC, _OGG, _MP3 = (encoded(noise(0), kind) for kind in ("WAV", "FLAC", "OGG", "MP3"))


def _with(data: bytes, at: int, pattern: str, value: int) -> bytes:
    """A file with a number of its header replaced."""
    return data[:at] + struct.pack(pattern, value) + data[at + struct.calcsize(pattern) :]


def _flac_of(frames: int) -> bytes:
    """A FLAC whose header claims another length: 36 bits behind the rate."""
    rest = int.from_bytes(_FLAC[18:26], "big") >> 36 << 36
    return _FLAC[:18] + (rest | frames).to_bytes(8, "big") + _FLAC[26:]


_ODD = tone(440)
_ODD[100] = np.nan
_ENDLESS = tone(440)
_ENDLESS[7] = np.inf

BAD: dict[str, bytes] = {
    "nothing.wav": b"",
    "text.wav": b"not a sound\n" * 50,
    "header.wav": _WAV[:44],
    "no-samples.wav": encoded(np.zeros(0, np.float32)),
    "cut.wav": _WAV[: len(_WAV) // 2],
    "cut.flac": _FLAC[: len(_FLAC) // 2],
    "cut.ogg": _OGG[: len(_OGG) // 2],
    "cut.mp3": _MP3[: len(_MP3) // 2],
    "last-byte.flac": _FLAC[:-1],
    "flipped.flac": _FLAC[:2000] + bytes(255 - each for each in _FLAC[2000:2100]) + _FLAC[2100:],
    "0-hz.wav": _with(_WAV, 24, "<I", 0),
    "1-hz.wav": _with(_WAV, 24, "<I", 1),
    "4-ghz.wav": _with(_WAV, 24, "<I", 0xFFFFFFFF),
    "0-channels.wav": _with(_WAV, 22, "<H", 0),
    "1000-channels.wav": encoded(np.zeros((20, 1000), np.float32)),
    "more-than-there-is.flac": _flac_of(RATE),
    "gigantic.flac": _flac_of((1 << 36) - 1),
    "of-no-length.flac": _flac_of(0),
    "nan.wav": encoded(_ODD, subtype="FLOAT"),
    "infinite.wav": encoded(_ENDLESS, subtype="FLOAT"),
    "huge-double.wav": encoded(np.full(500, 1e300), subtype="DOUBLE"),
    "old-format.wav": encoded(tone(440), "PAF", "PCM_16"),
}
"""By the name of the file."""


def bad_sound(folder: Path, name: str) -> None:
    """Good sounds, and a bad one in the class `high`."""
    write_sounds(folder / "sounds")
    put(folder / "sounds/high" / name, BAD[name])


def of_two_rates(folder: Path) -> None:
    """Sounds at 8,000 Hz, and one at 16,000."""
    write_sounds(folder / "sounds")
    put(folder / "sounds/high/other.wav", encoded(tone(440, rate=16000), rate=16000))


def only_bad(folder: Path) -> None:
    """A folder without any sound that can be read."""
    put(folder / "sounds/high/0.wav", BAD["text.wav"])
    put(folder / "sounds/high/1.flac", BAD["cut.flac"])
