"""What other libraries did, as recorded in golden/, and how their draws become our words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import ROW_WORDS, Draws, RowWord, Words
from mixup_cli.kernels import Surface, Weights
from mixup_cli.kernels.cpu import CpuKernel

GOLDEN = Path(__file__).parent / "golden"
SIZE_NUMBERS = range(3)
CLASS_COUNT = 5

Arrays = dict[str, NDArray[Any]]


def recorded(library: str, prefix: str = "") -> Arrays:
    """The arrays of a library whose names begin with `prefix`, without it."""
    with np.load(GOLDEN / f"{library}.npz") as golden:
        return {name.removeprefix(prefix): golden[name] for name in golden.files if name.startswith(prefix)}


def blended(samples: NDArray[Any], parents: NDArray[np.int64], weights: Weights, fill: Any = 0) -> NDArray[Any]:
    """Rows of pictures (n, C, H, W), as the CPU kernel blends them."""
    channels, height, width = samples.shape[1:]
    zero, one = np.zeros((channels, 1), np.float32), np.ones((channels, 1), np.float32)
    colour = np.resize(np.asarray(fill, samples.dtype), (channels, 1))
    surface = Surface(channels, height, width, 1, fill=colour, mean=zero, scale=one)
    out = np.empty((len(parents), *samples.shape[1:]), samples.dtype)
    CpuKernel(surface).blend(samples, parents, weights, out, np.arange(len(parents)))
    return out


def draws_of(**words: Words) -> Draws:
    """Draws with these words, named as in `RowWord`; the others are 0."""
    count = len(next(iter(words.values())))
    drawn = np.zeros((count, ROW_WORDS), np.uint64)
    for name, values in words.items():
        drawn[:, RowWord[name]] = values
    return Draws(0, 0, count, np.arange(count), drawn)


def lam_words(levels: NDArray[np.int64]) -> Words:
    """Words from which alpha 1 draws these levels of lam."""
    return np.minimum(levels.astype(np.float64) * 2.0**48, 2.0**64 - 2.0**11).astype(np.uint64)


def integer_words(wanted: NDArray[np.int64], bounds: NDArray[np.int64] | int) -> Words:
    """Words from which `below` draws these integers of 0 … bound−1: a little above wanted / bound of their range."""
    upper = (wanted.astype(np.uint64) << np.uint64(32)) // np.asarray(bounds, np.uint64) + np.uint64(1)
    return upper << np.uint64(32)
