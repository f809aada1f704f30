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

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import Words, mask_words
from mixup_cli.kernels import Weights
from mixup_cli.methods.base import Decisions, Grid
from mixup_cli.methods.masked import MaskMethod
from mixup_cli.methods.options import number

NOISE_BYTES = 1 << 18
"""The noise of the masks that are made at a time: it stays in a core's cache."""


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
        from mixup_cli.draws.largest import largest_of_each  # numba takes half a second to import

        is_donors = np.empty((len(wanted), grid.position_count), np.bool_)
        rows = max(1, NOISE_BYTES // (8 * grid.position_count))
        for first in range(0, len(wanted), rows):
            part = slice(first, first + rows)
            noise = low_frequency_noise(mask_words(decisions.mask_seed[part], word_count(grid)), grid, self.decay)
            np.logical_not(largest_of_each(noise, wanted[part]), out=is_donors[part])
        return Weights(decisions.parts, choice=is_donors.view(np.uint8).reshape(-1, grid.height, grid.width))


def word_count(grid: Grid) -> int:
    """How many words a mask takes: one for two of the frequencies of which the real transform is made."""
    return -(-grid.height * (grid.width // 2 + 1) // 2)


def low_frequency_noise(drawn: Words, grid: Grid, decay: float) -> NDArray[np.float64]:
    """Grey noise whose amplitudes fall as |frequency|^−decay: float64 (m, H·W) from words (m, `word_count`).

    Real noise has the same amplitude at a frequency and its opposite: half of the plane, in the order of
    `numpy.fft.rfft2`, determines it. Columns that are their own opposites (the first, and the last of an even width)
    have √2 of the amplitude, or they would have half of the power. The zero frequency is treated like one wave over
    the longer side.
    """
    from scipy import fft  # a tenth of a second to import, and most recipes need none of it

    amplitude = _amplitude(grid, decay)
    spectrum = normals(drawn)[:, : amplitude.size].reshape(-1, *amplitude.shape)
    spectrum *= amplitude
    noise: NDArray[np.float64] = fft.irfft2(spectrum, (grid.height, grid.width), overwrite_x=True)
    return noise.reshape(len(drawn), -1)


@lru_cache(maxsize=4)
def _amplitude(grid: Grid, decay: float) -> NDArray[np.float64]:
    """Of every frequency: float64 (H, W // 2 + 1)."""
    vertical, horizontal = np.fft.fftfreq(grid.height), np.fft.rfftfreq(grid.width)
    frequency = np.maximum(np.hypot(vertical[:, None], horizontal), 1 / max(grid.height, grid.width))
    amplitude: NDArray[np.float64] = frequency**-decay
    amplitude[:, 0] *= np.sqrt(2.0)
    if grid.width % 2 == 0:
        amplitude[:, -1] *= np.sqrt(2.0)
    return amplitude


def normals(drawn: Words) -> NDArray[np.complex128]:
    """Complex numbers whose real and imaginary parts are standard normal, two from each word: complex128 (m, 2n) from
    words (m, n). Each 16 bits h of a word, the lowest first, are the part Φ⁻¹((h + ½) / 65536)."""
    quarters = drawn.astype("<u8", copy=False).view("<u2")
    parts: NDArray[np.float64] = _quantiles().take(quarters, mode="clip")  # "raise" takes twice as long
    numbers: NDArray[np.complex128] = parts.view(np.complex128)
    return numbers


@lru_cache(maxsize=1)
def _quantiles() -> NDArray[np.float64]:
    from scipy.special import ndtri  # slow to import, and most recipes need none of it

    quantiles: NDArray[np.float64] = ndtri((np.arange(1 << 16) + 0.5) / (1 << 16))
    return quantiles
