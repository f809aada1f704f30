"""The script that a user writes today for sounds: a DataLoader whose workers decode with soundfile, resample and add
noise with torchaudio, and h5py.

sounds_torchaudio.py FOLDER FILE.h5 --passes N --workers W

The noise of each sound is another one, at a ratio drawn for each row. Nothing is hashed or synced.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import soundfile
import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import DataLoader, Dataset
from torchaudio.functional import add_noise
from torchaudio.transforms import Resample

HZ, LOWEST_DB, HIGHEST_DB = 16_000, 0.0, 20.0


class Noisy(Dataset[tuple[Tensor, int]]):
    """Waves (samples,) of a second, and their classes."""

    def __init__(self, folder: Path, passes: int) -> None:
        classes = sorted(path.name for path in folder.iterdir())
        self._files = [(str(path), classes.index(path.parent.name)) for path in sorted(folder.rglob("*.wav"))]
        self._count = passes * len(self._files)
        self._resample = Resample(soundfile.info(self._files[0][0]).samplerate, HZ)  # the filter is made once

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        draw = np.random.default_rng(row)
        number = row % len(self._files)
        wave, noise = self._one(number), self._one(int(draw.integers(len(self._files))))
        mixed = add_noise(wave, noise, torch.tensor(draw.uniform(LOWEST_DB, HIGHEST_DB), dtype=torch.float32))
        return mixed / max(1.0, float(mixed.abs().max())), self._files[number][1]

    def _one(self, number: int) -> Tensor:
        stored, _ = soundfile.read(self._files[number][0], dtype="float32")
        wave: Tensor = self._resample(torch.from_numpy(stored))
        return pad(wave[:HZ], (0, max(0, HZ - len(wave))))


def main() -> None:
    """Write the rows, batch after batch."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--passes", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    data = Noisy(given.folder, given.passes)
    loader: Any = DataLoader(data, 256, shuffle=True, num_workers=given.workers)
    with h5py.File(given.file, "w") as file:
        waves = file.create_dataset("waves", (len(data), HZ), np.float32)
        labels = file.create_dataset("labels", (len(data),), np.int64)
        start = 0
        for batch, numbers in loader:
            waves[start : start + len(batch)], labels[start : start + len(batch)] = batch.numpy(), numbers.numpy()
            start += len(batch)


if __name__ == "__main__":
    main()
