"""(c) What an expert writes: everything in memory, a lam per sample, whole numbers, large writes, all cores.

    python expert_numpy.py SOURCE OUT.h5 --samples N --workers N

Photographs are decoded once, by a pool of processes. Weights are 256ths, so that sums fit into uint16, which NumPy
does in vectors; tiles fit into a core's cache; threads blend (NumPy lets go of the GIL) while h5py writes in order.
"""

from __future__ import annotations

import argparse
import pickle
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from PIL import Image

ALPHA = 0.2
CHUNK_BYTES = 32 << 20
TILE_BYTES = 128 << 10


def read_cifar(folder: Path) -> tuple[Any, Any, int]:
    """Images uint8 (N, 3072), classes (N), and how many classes."""
    images, classes = [], []
    for number in range(1, 6):
        with (folder / "cifar-10-batches-py" / f"data_batch_{number}").open("rb") as file:
            batch = pickle.load(file, encoding="latin1")
        images.append(batch["data"])
        classes += batch["labels"]
    return np.concatenate(images), np.array(classes), 10


def read_picture(path: Path) -> Any:
    """A picture, resized and centre-cropped: uint8 (224, 224, 3)."""
    with Image.open(path) as picture:
        picture.draft("RGB", (224, 224))
        scale = 224 / min(picture.size)
        size = (max(224, round(picture.width * scale)), max(224, round(picture.height * scale)))
        resized = picture.convert("RGB").resize(size, Image.Resampling.BILINEAR)
        left, top = (size[0] - 224) // 2, (size[1] - 224) // 2
        return np.asarray(resized.crop((left, top, left + 224, top + 224)))


def read_photos(folder: Path, workers: int) -> tuple[Any, Any, int]:
    """Images uint8 (N, 224, 224, 3), classes (N), and how many classes."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    paths = [(path, number) for number, name in enumerate(names) for path in sorted((folder / name).iterdir())]
    with ProcessPoolExecutor(workers) as pool:
        images = np.stack(list(pool.map(read_picture, [path for path, _ in paths], chunksize=16)))
    return images, np.array([number for _, number in paths]), len(names)


def blend(images: Any, one_hot: Any, base: Any, donor: Any, seed: Any) -> tuple[Any, Any]:
    """Mixed images and labels of some pairs."""
    lam = np.round(np.random.default_rng(seed).beta(ALPHA, ALPHA, len(base)) * 256).astype(np.uint16)
    shape = (-1, *[1] * (images.ndim - 1))
    mixed = np.empty((len(base), *images.shape[1:]), np.uint8)
    rows = max(1, TILE_BYTES // images[0].nbytes)
    sums, second = np.empty((2, rows, *images.shape[1:]), np.uint16)
    for start in range(0, len(base), rows):
        tile = slice(start, start + rows)
        count = len(base[tile])
        share = lam[tile].reshape(shape)
        np.multiply(images[base[tile]], share, out=sums[:count])
        np.multiply(images[donor[tile]], 256 - share, out=second[:count])
        sums[:count] += second[:count]
        sums[:count] += 128
        np.right_shift(sums[:count], 8, out=mixed[tile], casting="unsafe")
    part = (lam / np.float32(256)).astype(np.float32)[:, None]
    return mixed, one_hot[base] * part + one_hot[donor] * (1 - part)


def chunks(sample_count: int, wanted: int, rows: int) -> Iterator[tuple[Any, Any]]:
    """Bases and donors: a permutation a pass, everybody with the next one."""
    rng = np.random.default_rng(0)
    while wanted > 0:
        order = rng.permutation(sample_count)
        donors = np.roll(order, -1)
        for start in range(0, min(wanted, sample_count), rows):
            stop = min(start + rows, sample_count, wanted)
            yield order[start:stop], donors[start:stop]
        wanted -= sample_count


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    options = parser.parse_args()
    is_cifar = (options.source / "cifar-10-batches-py").is_dir()
    read = read_cifar(options.source) if is_cifar else read_photos(options.source, options.workers)
    images, classes, class_count = read
    one_hot = np.eye(class_count, dtype=np.float32)[classes]
    shape = (3, 32, 32) if is_cifar else images.shape[1:]
    rows = max(1, CHUNK_BYTES // images[0].nbytes)
    with h5py.File(options.out, "w") as file, ThreadPoolExecutor(options.workers) as pool:
        mixed = file.create_dataset("images", (options.samples, *shape), "uint8")
        labels = file.create_dataset("labels", (options.samples, class_count), "float32")
        waiting: deque[Future[tuple[Any, Any]]] = deque()
        done = 0

        def take() -> int:
            pixels, shares = waiting.popleft().result()
            stop = done + len(pixels)
            mixed[done:stop], labels[done:stop] = pixels.reshape(-1, *shape), shares
            return stop

        for number, (base, donor) in enumerate(chunks(len(images), options.samples, rows)):
            waiting.append(pool.submit(blend, images, one_hot, base, donor, number))
            if len(waiting) > options.workers:
                done = take()
        while waiting:
            done = take()


if __name__ == "__main__":
    main()
