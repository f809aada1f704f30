"""Batches of random samples of a finished data set: read_batches.py FOLDER --seconds S [--batch-size B] [--as WHAT …].

Images and labels as arrays, or as a reader of a framework gives them in this process: shuffled, epoch after epoch.
Several readers take turns, every other round backwards. With --step S, each batch is followed by a pause, in place of a
model's step on a GPU."""

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


def pytorch(folder: str, batch_size: int) -> Iterator[int]:
    """Through a DataLoader."""
    from torch.utils.data import DataLoader

    from mixup_cli.readers.pytorch import MixedDataset

    loader = DataLoader(MixedDataset(folder), batch_size, shuffle=True)
    while True:
        for images, _ in loader:
            yield len(images)


def tensorflow(folder: str, batch_size: int) -> Iterator[int]:
    """Through tf.data."""
    from mixup_cli.readers.tensorflow import mixed_dataset

    for images, _ in mixed_dataset(folder, batch_size, seed=0).repeat():
        yield len(images)


def keras(folder: str, batch_size: int) -> Iterator[int]:
    """From a PyDataset, as arrays."""
    from mixup_cli.readers.keras import MixedDataset

    data = MixedDataset(folder, batch_size, seed=0)
    while True:
        for images, _ in data:
            yield len(images)
        data.on_epoch_end()


def jax(folder: str, batch_size: int) -> Iterator[int]:
    """On the device."""
    from mixup_cli.readers.jax import MixedBatches, on_device

    for images, _ in on_device(MixedBatches(folder, batch_size, seed=0, epochs=EPOCHS)):
        images.block_until_ready()
        yield len(images)


def grain(folder: str, batch_size: int) -> Iterator[int]:
    """Batches through grain, with as many threads and batches ahead as tf.data has."""
    from grain import MapDataset, ReadOptions

    from mixup_cli.readers.jax import MixedBatches

    batches = MapDataset.source(MixedBatches(folder, batch_size, seed=0, epochs=EPOCHS))
    for images, _ in batches.to_iter_dataset(ReadOptions(num_threads=2, prefetch_buffer_size=2)):
        yield len(images)


EPOCHS = 100_000
READERS = {each.__name__: each for each in (arrays, pytorch, tensorflow, keras, jax, grain)}


def paused(batches: Iterator[int], step_seconds: float) -> Iterator[int]:
    """The same, with a pause after each, if it has a length: to sleep for 0 seconds takes 0.1 ms."""
    for size in batches:
        if step_seconds:
            time.sleep(step_seconds)
        yield size


def rate_of(batches: Iterator[int], seconds: float) -> float:
    """Samples a second, after a fifth of the time to warm up."""
    end = time.perf_counter() + seconds / 5
    while time.perf_counter() < end:
        next(batches)
    began, count = time.perf_counter(), 0
    while time.perf_counter() < began + seconds:
        count += next(batches)
    return count / (time.perf_counter() - began)


def main() -> None:
    """Print the rate of the only reader, or of each in each round."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--as", dest="readers", nargs="+", choices=READERS, default=["arrays"])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--step", type=float, default=0.0)
    options = parser.parse_args()
    open_readers = {
        name: paused(READERS[name](options.folder, options.batch_size), options.step) for name in options.readers
    }
    rates: dict[str, list[float]] = {name: [] for name in open_readers}
    for number in range(options.rounds):
        for name in [*open_readers][:: -1 if number % 2 else 1]:
            rates[name].append(rate_of(open_readers[name], options.seconds))
    print(json.dumps({"rate": rates[options.readers[0]][0], "rates": rates}))


if __name__ == "__main__":
    main()
