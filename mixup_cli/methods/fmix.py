"""FMix: a mask of few, smooth regions of any shape, made from low-frequency noise.

Harris et al., "FMix: Enhancing Mixed Sample Data Augmentation", 2020, section 4: complex normal noise for every
frequency, divided by |frequency|^decay, transformed back; the real part's largest values, as many as lam asks for, are
the base's. lam ~ Beta(alpha, alpha), alpha 1, decay 3.

The authors' code (and OpenMixup's and KerasCV's copies of it) takes the first two rows of its noise for real and
imaginary part, so that its masks have two horizontal frequencies only. Here every frequency has its own noise, as in
the paper. The count of the base's positions is lam·H·W, rounded half to even; the label is the mask's mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import Words, mask_words
from mixup_cli.kernels import Weights
from mixup_cli.methods.decisions import Decisions, Grid
from mixup_cli.methods.masked import MaskMethod
from mixup_cli.methods.options import number

NOISE_BYTES = 1 << 18
"""The noise of the masks that are made at a time: it stays in a core's cache."""

SINGLE_POSITIONS = 1 << 12
"""Up to this size, masks are made in single precision first."""

SINGLE_ROUNDINGS = 4
"""How many roundings a value goes through in each of a transform's log₂(H·W) levels, and as many more outside: a
multiplication by a rounded factor and a sum. (Brent, Percival and Zimmermann, "Error bounds on complex floating-point
multiplication", 2007: √5 units for the product.) Of 3,200 masks of 32 × 32, the worst had a twentieth."""


@dataclass(frozen=True)
class FMix(MaskMethod):
    """Each position is the base's or the donor's."""

    name = "fmix"
    summary = "base and donor in smooth random regions"
    paper = """\
@article{harris2020fmix,
  title = {FMix: Enhancing Mixed Sample Data Augmentation},
  author = {Harris, Ethan and Marcu, Antonia and Painter, Matthew and Niranjan, Mahesan and Pr{\\"u}gel-Bennett, Adam
    and Hare, Jonathon},
  journal = {arXiv preprint arXiv:2002.12047},
  year = {2020}
}"""

    decay: float = number(3.0, 0.0, 20.0)

    def weights(self, decisions: Decisions, grid: Grid) -> Weights:
        wanted = np.rint(decisions.parts[:, 0] / UNIT * grid.position_count).astype(np.int64)
        is_bases = largest_noise(decisions.mask_seed, wanted, grid, self.decay)
        is_donors = np.logical_not(is_bases, out=is_bases)
        return Weights(decisions.parts, choice=is_donors.view(np.uint8).reshape(-1, grid.height, grid.width))


def word_count(grid: Grid) -> int:
    """How many words a mask takes: one for two of the frequencies of which the real transform is made."""
    return -(-grid.height * (grid.width // 2 + 1) // 2)


def largest_noise(seeds: Words, wanted: NDArray[np.int64], grid: Grid, decay: float) -> NDArray[np.bool_]:
    """Where the `low_frequency_noise` of each seed has its wanted[r] largest values: bool (m, H·W).

    Small masks are made in single precision, in half the time. Where the border lies between values that are further
    apart than their errors, double precision gives the same mask; the other rows are made again.
    """
    from mixup_cli.draws.largest import largest_of_each  # numba takes half a second to import

    found = np.empty((len(seeds), grid.position_count), np.bool_)
    certain = np.zeros(len(seeds), np.bool_)
    rows = max(1, NOISE_BYTES // (8 * grid.position_count))
    if _is_small(grid):
        for first in range(0, len(seeds), 2 * rows):
            part = slice(first, first + 2 * rows)
            found[part], certain[part] = _largest_in_single(seeds[part], wanted[part], grid, decay)
    left = np.flatnonzero(~certain)
    for first in range(0, len(left), rows):
        block = left[first : first + rows]
        found[block] = largest_of_each(low_frequency_noise(seeds[block], grid, decay), wanted[block])
    return found


def _largest_in_single(
    seeds: Words, wanted: NDArray[np.int64], grid: Grid, decay: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """`largest_noise` by single precision, and for which rows that is certain."""
    from mixup_cli.draws.largest import largest_with_errors

    spectrum, reaches, errors = _single(seeds, grid, decay)
    return largest_with_errors(_transformed(spectrum, grid), wanted, reaches, errors)


def _single(seeds: Words, grid: Grid, decay: float) -> tuple[NDArray[Any], NDArray[np.float32], NDArray[np.float32]]:
    """The spectrum in single precision, how large each mask's noise can be, and how wrong."""
    spectrum, sums = _spectrum(seeds, grid, decay, np.dtype(np.float32))
    reaches = sums * np.float32(2 / grid.position_count)
    return spectrum, reaches, reaches * np.float32(SINGLE_ROUNDINGS * np.log2(2 * grid.position_count) * 2.0**-24)


def low_frequency_noise(seeds: Words, grid: Grid, decay: float) -> NDArray[np.float64]:
    """Grey noise whose amplitudes fall as |frequency|^−decay: float64 (m, H·W).

    Real noise has the same amplitude at a frequency and its opposite: half of the plane, in the order of
    `numpy.fft.rfft2`, determines it. Columns that are their own opposites (the first, and the last of an even width)
    have √2 of the amplitude, or they would have half of the power. The zero frequency is treated like one wave over
    the longer side.
    """
    return _transformed(_spectrum(seeds, grid, decay, np.dtype(np.float64))[0], grid)


def _transformed(spectrum: NDArray[Any], grid: Grid) -> NDArray[Any]:
    """Noise (m, H·W) from half of its spectrum, in the spectrum's precision."""
    from scipy import fft  # a tenth of a second to import, and most recipes need none of it

    noise: NDArray[Any] = fft.irfft2(spectrum, (grid.height, grid.width), overwrite_x=True)
    return noise.reshape(-1, grid.position_count)


def _spectrum(seeds: Words, grid: Grid, decay: float, dtype: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Half of each mask's spectrum (m, H, W // 2 + 1), and the sums of its parts' magnitudes (m,)."""
    from mixup_cli.draws.normals import scaled_normals

    amplitude = _amplitude(grid, decay, dtype)
    spectrum, sums = scaled_normals(mask_words(seeds, word_count(grid)), amplitude.reshape(-1))
    return spectrum.reshape(-1, *amplitude.shape), sums


@lru_cache(maxsize=4)
def _amplitude(grid: Grid, decay: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Of every frequency: (H, W // 2 + 1). In single precision the largest is 1, since 3000²⁰ would be infinite."""
    vertical, horizontal = np.fft.fftfreq(grid.height), np.fft.rfftfreq(grid.width)
    frequency = np.maximum(np.hypot(vertical[:, None], horizontal), 1 / max(grid.height, grid.width))
    amplitude: NDArray[Any] = frequency**-decay
    amplitude[:, 0] *= np.sqrt(2.0)
    if grid.width % 2 == 0:
        amplitude[:, -1] *= np.sqrt(2.0)
    return amplitude if dtype == np.float64 else (amplitude / amplitude.max()).astype(dtype)


@lru_cache(maxsize=4)
def _is_small(grid: Grid) -> bool:
    """Whether single precision pays: in large masks the values lie closer than their errors. Sides with large prime
    factors are transformed in another way, whose errors are larger."""
    from scipy import fft

    sides = (grid.height, grid.width)
    return grid.position_count <= SINGLE_POSITIONS and all(fft.next_fast_len(side) == side for side in sides)
