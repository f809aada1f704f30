"""(c) What an expert writes to read a folder of small pictures: a pool of threads or processes, Pillow and NumPy.

    python read_pictures.py FOLDER threads|processes WORKERS

Prints pictures a second, once the pool has started. Nothing is hashed or checked.
"""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PIECE = 256


def read_some(paths: list[str]) -> Any:
    """The pixels of some pictures of one size: uint8 (n, height, width, 3)."""
    pictures = []
    for path in paths:
        with Image.open(path) as picture:
            pictures.append(np.asarray(picture.convert("RGB")))
    return np.stack(pictures)


def read_all(pool: Executor, paths: list[str]) -> Any:
    """The pixels of all pictures, in order."""
    return np.concatenate(list(pool.map(read_some, [paths[at : at + PIECE] for at in range(0, len(paths), PIECE)])))


def main() -> None:
    """Print the rate of the second of two readings."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("kind", choices=("threads", "processes"))
    parser.add_argument("workers", type=int)
    options = parser.parse_args()
    paths = sorted(str(path) for path in options.folder.rglob("*.jpg"))
    kind = ThreadPoolExecutor if options.kind == "threads" else ProcessPoolExecutor
    with kind(options.workers) as pool:
        for _ in range(2):
            began = time.perf_counter()
            pixels = read_all(pool, paths)
            seconds = time.perf_counter() - began
    print(json.dumps({"rate": len(pixels) / seconds}))


if __name__ == "__main__":
    main()
