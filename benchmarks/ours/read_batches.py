"""Batches of random samples from a finished data set: read_batches.py FOLDER --seconds S [--batch-size B] [--loader].

Images and labels as arrays, or, with --loader, as the tensors that a DataLoader in this process gives."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator

import numpy as np


def arrays(folder: str, batch_size: int) -> Iterator[int]:
    """Read random batches for ever, telling the size of each."""
    from mixup_cli.readers.numpy import MixedArrays

    rng, mixed = np.random.default_rng(0), MixedArrays(folder)
    while True:
        rows = rng.integers(0, len(mixed), batch_size)
        images, labels = mixed.images(rows), mixed.labels(rows)
        assert labels is not None  # noqa: S101
        yield min(len(images), len(labels))


def tensors(folder: str, batch_size: int) -> Iterator[int]:
    """The same through PyTorch, shuffled, epoch after epoch."""
    from torch.utils.data import DataLoader

    from mixup_cli.readers.pytorch import MixedDataset

    loader = DataLoader(MixedDataset(folder), batch_size, shuffle=True)
    while True:
        for images, _ in loader:
            yield len(images)


def main() -> None:
    """Warm up for a fifth of the time, then count."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--loader", action="store_true")
    options = parser.parse_args()
    batches = (tensors if options.loader else arrays)(options.folder, options.batch_size)
    end = time.perf_counter() + options.seconds / 5
    while time.perf_counter() < end:
        next(batches)
    began, count = time.perf_counter(), 0
    while time.perf_counter() < began + options.seconds:
        count += next(batches)
    print(json.dumps({"rate": count / (time.perf_counter() - began)}))


if __name__ == "__main__":
    main()
