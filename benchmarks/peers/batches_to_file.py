"""The part that the DataLoader scripts share: batches that are mixed already go into one HDF5 file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import torch
from sources import open_source  # type: ignore[import-not-found]  # beside this script
from torch.utils.data import DataLoader, default_collate

Mix = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
"""Float images (B, C, H, W) and classes (B) in, mixed images and soft labels (B, K) out."""


class Collate:
    """Batches a worker's samples, mixes them in float32, and rounds to bytes: so that little goes between processes."""

    def __init__(self, mix: Mix) -> None:
        self._mix = mix

    def __call__(self, samples: list[Any]) -> tuple[torch.Tensor, torch.Tensor]:
        images, classes = default_collate(samples)
        mixed, labels = self._mix(images.float(), classes)
        return mixed.round_().clamp_(0, 255).to(torch.uint8), labels.float()


def mixed_batches(pictures: Any, batch_size: int, workers: int, mix: Mix) -> DataLoader[Any]:
    """The arrangement that a user would choose: shuffled, mixed in the workers, which stay from epoch to epoch."""
    return DataLoader(
        pictures,
        batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=Collate(mix),
    )


def write(mix_of: Callable[[int], Mix]) -> None:
    """Write --samples mixed samples of SOURCE, over as many epochs as it takes, into one file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--workers", type=int, required=True)
    options = parser.parse_args()
    pictures, class_count = open_source(options.source)
    loader = mixed_batches(pictures, options.batch_size, options.workers, mix_of(class_count))
    with h5py.File(options.out, "w") as file:
        images = file.create_dataset("images", (options.samples, *pictures[0][0].shape), "uint8")
        labels = file.create_dataset("labels", (options.samples, class_count), "float32")
        done = 0
        while done < options.samples:
            for batch, shares in loader:
                count = min(len(batch), options.samples - done)
                images[done : done + count] = batch[:count].numpy()
                labels[done : done + count] = shares[:count].numpy()
                done += count
                if done == options.samples:
                    break
