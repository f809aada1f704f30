"""Batches of mixed images, made when they are needed: ImageFolder or CIFAR10, DataLoader, torchvision's v2.MixUp.

python mix_on_the_fly.py FOLDER --seconds S --workers N [--batch-size B] [--step S]

With --step, each batch is followed by a pause, in place of a model's step on a GPU.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

from batches_to_file import mixed_batches  # type: ignore[import-not-found]  # beside this script
from sources import open_source  # type: ignore[import-not-found]
from torchvision.transforms import v2


def main() -> None:
    """Warm up for a fifth of the time, then count."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--step", type=float, default=0.0)
    options = parser.parse_args()
    pictures, class_count = open_source(options.folder)
    loader = mixed_batches(pictures, options.batch_size, options.workers, v2.MixUp(alpha=0.2, num_classes=class_count))

    def batches() -> Iterator[int]:
        while True:
            for images, _ in loader:
                if options.step:  # to sleep for 0 seconds takes 0.1 ms
                    time.sleep(options.step)
                yield len(images)

    sizes = batches()
    end = time.perf_counter() + options.seconds / 5
    while time.perf_counter() < end:
        next(sizes)
    began, count = time.perf_counter(), 0
    while time.perf_counter() < began + options.seconds:
        count += next(sizes)
    print(json.dumps({"rate": count / (time.perf_counter() - began)}))


if __name__ == "__main__":
    main()
