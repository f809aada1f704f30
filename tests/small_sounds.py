"""Small sounds for tests: tones and noise, in files of any format."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 8000

Wave = NDArray[np.float32]


def tone(frequency: float, seconds: float = 0.5, level: float = 0.5, rate: int = RATE) -> Wave:
    """A sine, float32 (time)."""
    return (level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def noise(seed: int, seconds: float = 0.5, level: float = 0.5, rate: int = RATE) -> Wave:
    """White noise, uniform, float32 (time)."""
    return np.random.default_rng(seed).uniform(-level, level, round(seconds * rate)).astype(np.float32)


def encoded(wave: Wave, kind: str = "WAV", subtype: str | None = None, rate: int = RATE) -> bytes:
    """A wave (time) or (time, channels) as a file."""
    stream = io.BytesIO()
    soundfile.write(stream, wave, rate, format=kind, subtype=subtype)
    return stream.getvalue()


def write_sounds(folder: Path, count: int = 4, subtype: str = "FLOAT") -> Path:
    """Tones in the class folders `high` and `low`, and noise in `noise`: sounds of 0.3 to 0.5 seconds."""
    for number in range(count):
        seconds = 0.3 + 0.2 * number / max(1, count - 1)
        waves = {
            "high": tone(1500 + 100 * number, seconds),
            "low": tone(150 + 10 * number, seconds, 0.2),
            "noise": noise(number, seconds, 0.8),
        }
        for name, wave in waves.items():
            put(folder / name / f"{number}.wav", encoded(wave, subtype=subtype))
    return folder


def put(path: Path, data: bytes) -> None:
    """A file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
