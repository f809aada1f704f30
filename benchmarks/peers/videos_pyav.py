"""The script that a user writes today for videos: a DataLoader whose workers decode clips with PyAV, torch resizes and
crops them, each batch is mixed with itself in another order (VideoMix, spatial), and h5py.

videos_pyav.py FOLDER FILE.h5 --passes N --workers W

As is usual, the worker seeks to the middle by the header's count of frames, decodes to RGB, and one box is drawn for a
batch. Nothing is hashed or synced.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import av
import h5py
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import ConcatDataset, DataLoader, Dataset

FRAMES, STRIDE, SIDE = 16, 2, 112


class Clips(Dataset[tuple[Tensor, int]]):
    """Clips (frames, 3, height, width), and their classes."""

    def __init__(self, folder: Path) -> None:
        classes = sorted(path.name for path in folder.iterdir())
        self._files = [(str(path), classes.index(path.parent.name)) for path in sorted(folder.rglob("*.mp4"))]

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path, number = self._files[index]
        with av.open(path) as container:
            stream = container.streams.video[0]
            start = max(0, (stream.frames - (FRAMES - 1) * STRIDE - 1) // 2)
            step: Any = stream.average_rate * stream.time_base  # type: ignore[operator]  # how many frames to a tick
            container.seek(int(start / step), stream=stream)
            found: list[Any] = []
            for frame in container.decode(stream):
                at = round((frame.pts or 0) * step) - start
                if at >= 0 and at % STRIDE == 0:
                    found.append(frame.to_ndarray(format="rgb24"))
                if len(found) == FRAMES:
                    break
        found += found[-1:] * (FRAMES - len(found))
        clip = torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2)
        scale = SIDE / min(clip.shape[2:])
        size = [round(side * scale) for side in clip.shape[2:]]
        clip = interpolate(clip, size, mode="bilinear", antialias=True)
        top, left = (size[0] - SIDE) // 2, (size[1] - SIDE) // 2
        return clip[:, :, top : top + SIDE, left : left + SIDE], number


def videomix(clips: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """A batch, mixed with itself in another order, by one box; and the soft labels."""
    lam, order = float(np.random.default_rng().beta(1, 1)), torch.randperm(len(clips))
    half = int(SIDE * (1 - lam) ** 0.5 / 2)
    y, x = torch.randint(SIDE, (2,)).tolist()
    box = slice(max(0, y - half), y + half), slice(max(0, x - half), x + half)
    mixed = clips.clone()
    mixed[:, :, :, *box] = clips[order][:, :, :, *box]
    share = 1 - mixed[0, 0, 0, *box].numel() / SIDE**2
    return mixed, share * labels + (1 - share) * labels[order]


def main() -> None:
    """Write the rows, batch after batch."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--passes", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    data = Clips(given.folder)
    count, classes = len(data) * given.passes, len([*given.folder.iterdir()])
    loader: Any = DataLoader(ConcatDataset([data] * given.passes), 16, shuffle=True, num_workers=given.workers)
    with h5py.File(given.file, "w") as file:
        clips = file.create_dataset("clips", (count, FRAMES, 3, SIDE, SIDE), np.uint8)
        labels = file.create_dataset("labels", (count, classes), np.float32)
        start = 0
        for batch, numbers in loader:
            mixed, soft = videomix(batch, torch.nn.functional.one_hot(numbers, classes).float())
            clips[start : start + len(batch)], labels[start : start + len(batch)] = mixed.numpy(), soft.numpy()
            start += len(batch)


if __name__ == "__main__":
    main()
