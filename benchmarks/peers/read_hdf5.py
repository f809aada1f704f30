"""Random batches through h5py's fancy indexing: read_hdf5.py FILE.h5 --seconds S [--batch-size B]."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import h5py
import numpy as np


def main() -> None:
    """Warm up for a fifth of the time, then count. h5py takes rising indices only, each once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--batch-size", type=int, default=256)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    with h5py.File(options.file) as file:
        images, labels = file["images"], file["labels"]

        def read() -> int:
            rows = np.unique(rng.integers(0, len(images), options.batch_size))
            return min(len(images[rows]), len(labels[rows]))

        end = time.perf_counter() + options.seconds / 5
        while time.perf_counter() < end:
            read()
        began, count = time.perf_counter(), 0
        while time.perf_counter() < began + options.seconds:
            count += read()
    print(json.dumps({"rate": count / (time.perf_counter() - began)}))


if __name__ == "__main__":
    main()
