"""Make `sounds/`: bells, rain and sirens, synthesised, four of each.

    python -m sample_data.make_sounds [FOLDER]

Writes into FOLDER (by default, the folder of this file). The same versions of NumPy and libsndfile write the
same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 8000
SECONDS = (0.6, 0.7, 0.8, 1.0)
"""How long the four sounds of a class last …"""

LEVELS = (0.8, 0.4, 0.2, 0.1)
"""… and how loud each is."""

Wave = NDArray[np.float64]


def bell(time: Wave, number: int) -> Wave:
    """A tone and its overtones, which die away one after the other."""
    first = 440 * 2 ** (number / 4)
    partials: list[Wave] = [np.sin(2 * np.pi * first * k * time) * np.exp(-4 * k * time) / k for k in (1, 2.76, 4.2)]
    total: Wave = np.array(partials).sum(axis=0)
    return total


def rain(time: Wave, number: int) -> Wave:
    """Noise, of which each value is close to the one before."""
    drawn = np.random.default_rng(number).standard_normal(len(time))
    return np.convolve(drawn, np.exp(-np.arange(8) / (1 + number)), mode="same")


def siren(time: Wave, number: int) -> Wave:
    """A tone that rises and falls."""
    depth, speed = 200 + 50 * number, 2 + number
    return np.sin(2 * np.pi * 800 * time + depth / speed * np.sin(2 * np.pi * speed * time))


CLASSES: dict[str, Callable[[Wave, int], Wave]] = {"bell": bell, "rain": rain, "siren": siren}


def main(folder: Path) -> None:
    """Write them all."""
    for name, make in CLASSES.items():
        (folder / "sounds" / name).mkdir(parents=True, exist_ok=True)
        for number, (seconds, level) in enumerate(zip(SECONDS, LEVELS, strict=True)):
            wave = make(np.arange(round(seconds * RATE)) / RATE, number)
            path = folder / "sounds" / name / f"{name}-{number + 1}.flac"
            soundfile.write(path, level * wave / np.abs(wave).max(), RATE, subtype="PCM_16")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
