"""How loud a wave is: its A-weighted level, its RMS level, and its peak.

The A-weighted level is that of Tokozume, Ushiku, Harada, "Learning from Between-class Examples for Deep Sound
Recognition", ICLR 2018, appendix A, as in their code: the wave is cut into pieces that overlap by half, the spectrum of
each (Hann window) is weighted by the A curve of IEC 61672, and the loudest piece counts, at least −80 dB. Pieces are as
long there (2048 samples at 16 kHz, 4096 at 44.1 kHz): here the power of two from 0.08 s on. Several channels
have the mean of their power.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.target import Samples
from mixup_cli.methods.gains import PEAK
from mixup_cli.sources.sounds.window import hann

FLOOR_DB = -80.0
SHORTEST_SECONDS = 0.08

SILENCE_DB = -400.0
"""The RMS level of zeros, and of what is hardly more."""

_STEPS_PER_DB = 1000
"""Levels are rounded, so that the last bits of a transform show nowhere."""

_PIECES_AT_ONCE = 64


def levels(wave: NDArray[Any], rate: int, is_weighted: bool = True) -> tuple[float, float, float]:
    """Of a wave (time, channels) with `rate` samples a second: the A-weighted level and the RMS level in dB, both to a
    thousandth, and the largest absolute value. The first takes fifty times as long as the others: unless it is asked
    for, it is not a number."""
    peak = float(np.abs(wave).max(initial=0.0))
    power = float(np.square(wave, dtype=np.float64).mean())
    rms = 10 * math.log10(power) if power > 0 else SILENCE_DB
    weighted = math.nan
    if is_weighted:
        weighted = _rounded(10 * math.log10(max(_loudest(wave, rate), 10 ** (FLOOR_DB / 10))))
    return weighted, _rounded(max(rms, SILENCE_DB)), peak


def _loudest(wave: NDArray[Any], rate: int) -> float:
    """The largest A-weighted power of a piece."""
    length = piece_length(rate)
    step, window, weights = length // 2, hann(length), a_weights(rate, length)
    if len(wave) < length:
        wave = np.pad(wave, ((0, length - len(wave)), (0, 0)))
    pieces = np.lib.stride_tricks.sliding_window_view(wave, length, axis=0)[::step]
    loudest = 0.0
    for first in range(0, len(pieces), _PIECES_AT_ONCE):
        spectrum = np.fft.rfft(pieces[first : first + _PIECES_AT_ONCE] * window)
        power = np.square(np.abs(spectrum)).mean(axis=1)
        loudest = max(loudest, float((power * weights).sum(axis=1).max()))
    return loudest


def piece_length(rate: int) -> int:
    """How many samples a piece has."""
    return 1 << max(1, math.ceil(rate * SHORTEST_SECONDS) - 1).bit_length()


@lru_cache(maxsize=16)
def a_weights(rate: int, length: int) -> NDArray[np.float64]:
    """By what the power at each frequency of a transform of `length` samples is multiplied: float64 (length / 2 + 1),
    −80 dB at least."""
    squared = np.square(np.linspace(0, rate // 2, length // 2 + 1))
    squared[0] = 1.0
    decibels = 2 + 20 * (
        2 * np.log10(12194)
        + 2 * np.log10(squared)
        - np.log10(squared + 12194**2)
        - np.log10(squared + 20.6**2)
        - 0.5 * np.log10(squared + 107.7**2)
        - 0.5 * np.log10(squared + 737.9**2)
    )
    weights: NDArray[np.float64] = 10 ** (np.maximum(decibels, FLOOR_DB) / 10)
    weights.flags.writeable = False
    return weights


def _rounded(decibels: float) -> float:
    return round(decibels * _STEPS_PER_DB) / _STEPS_PER_DB


class LevelFinder:
    """The levels of cached waves: of what is seen from their beginning on, found when they are first asked for; of
    later parts, each time.

    `waves` (time, channels) are all samples, or those of the source indices `indices` int64 (n), ascending; `window` is
    how many places in time rows show; A-weighted levels are found if `is_weighted`. Threads may ask for the same sample
    at once: they find the same.
    """

    def __init__(
        self,
        waves: Samples,
        rate: int,
        window: int,
        indices: NDArray[np.int64] | None = None,
        is_weighted: bool = True,
    ) -> None:
        self._waves, self._rate, self._window, self._indices = waves, rate, window, indices
        self._is_weighted = is_weighted
        self._found = np.full((len(waves), 3), np.nan)  # of their first `window` places

    def of(self, samples: NDArray[np.int64], starts: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """The levels of some samples by source index, or of what is seen of them from `starts` on: float64 (m, 3)."""
        places = samples if self._indices is None else np.searchsorted(self._indices, samples)
        for place in np.unique(places[np.isnan(self._found[places, PEAK])]).tolist():
            self._found[place] = self._of_part(place, 0)
        found = self._found[places]
        if starts is not None:
            for row in np.flatnonzero(starts).tolist():
                found[row] = self._of_part(int(places[row]), int(starts[row]))
        return found

    def _of_part(self, place: int, start: int) -> tuple[float, float, float]:
        return levels(self._waves[place][start : start + self._window], self._rate, self._is_weighted)
