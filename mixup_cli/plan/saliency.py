"""Where a picture is most salient: the peak of its spectral residual.

Hou and Zhang, "Saliency Detection: A Spectral Residual Approach", CVPR 2007, eq. 8 to 10: what the log spectrum of a
picture has beyond its local average (3 × 3) is what stands out in the picture; transformed back with the original
phase, squared, and smoothed. As in the paper, the picture is looked at in grey, its longer side at 64 pixels at most.

A Fourier transform repeats the picture like a tile, and the seams would stand out more than anything else (the peaks of
23 photographs all lay within two pixels of the border). So the picture fades out in the quarters next to its borders
(over the whole of it, spots would be found too near the middle), and the smoothing repeats nothing beyond them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.target import Samples
from mixup_cli.kernels.resample import resample
from mixup_cli.methods import Peaks

LONGER_SIDE = 64
SMOOTHING_SIGMA = 2.5

FLOOR = 1e-3
"""Amplitudes are raised to this part of the largest: drawings have frequencies of amplitude 0, and beside the logarithm
of 0 everything else would stand out."""


def saliency(picture: NDArray[Any]) -> NDArray[np.float64]:
    """The saliency map of a picture (height, width, channels), float64, at 64 pixels on its longer side at most."""
    from scipy import fft, ndimage  # slow to import, and only SaliencyMix needs them

    grey = picture.mean(axis=2, dtype=np.float64, keepdims=True).astype(np.float32)
    scale = min(1.0, LONGER_SIDE / max(grey.shape[:2]))
    small = resample(grey, (max(1, round(grey.shape[0] * scale)), max(1, round(grey.shape[1] * scale))))[..., 0]
    spectrum = fft.fft2((small - small.mean(dtype=np.float64)) * _window(small.shape))
    amplitude = np.abs(spectrum)
    logarithm = np.log(np.maximum(amplitude, amplitude.max(initial=0.0) * FLOOR + 1e-300))
    residual = logarithm - ndimage.uniform_filter(logarithm, 3, mode="wrap")
    back = fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))
    smooth: NDArray[np.float64] = ndimage.gaussian_filter(np.abs(back) ** 2, SMOOTHING_SIGMA, mode="constant")
    return smooth


def _window(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """A Tukey window over height and width: 1 in the middle half of each, above 0 everywhere."""
    vertical, horizontal = (_faded(side) for side in shape)
    return np.outer(vertical, horizontal)


def _faded(side: int) -> NDArray[np.float64]:
    """sin²(π/2 · distance from the border / quarter of the side), and 1 beyond the quarter: float64 (side)."""
    line = np.arange(side)
    distance = np.minimum(line, line[::-1]) + 0.5
    faded: NDArray[np.float64] = np.sin(np.pi / 2 * np.minimum(1.0, distance / (side / 4))) ** 2
    return faded


def peak(picture: NDArray[Any]) -> tuple[int, int]:
    """The position (y, x) of a picture (height, width, channels) that is most salient; the first of several. The middle
    of a picture without any detail."""
    height, width = picture.shape[:2]
    if (picture == picture[:1, :1]).all():
        return height // 2, width // 2
    salient = saliency(picture)
    y, x = np.unravel_index(int(np.argmax(salient)), salient.shape)
    return int((2 * y + 1) * height // (2 * salient.shape[0])), int((2 * x + 1) * width // (2 * salient.shape[1]))


class PeakFinder:
    """The peaks of cached samples, each found when it is first asked for. `pictures` (height, width, channels) are
    all samples, or those of the source indices `indices` int64 (n), ascending.

    Threads may ask for the same sample at once: they find the same.
    """

    def __init__(self, pictures: Samples, indices: NDArray[np.int64] | None = None) -> None:
        self._pictures, self._indices = pictures, indices
        self._found: Peaks = np.full((len(pictures), 2), -1, np.int32)

    def of(self, samples: NDArray[np.int64], starts: NDArray[np.int64] | None = None) -> Peaks:
        """The peaks of some samples, by source index: int32 (m, 2: y, x) in the cached picture. Images have no
        `starts`."""
        places = samples if self._indices is None else np.searchsorted(self._indices, samples)
        for place in np.unique(places[self._found[places, 0] < 0]):
            self._found[place] = peak(self._pictures[int(place)])
        return self._found[places]
