"""Log-mel spectrograms: how loud a sound is in bands of frequency, from one moment to the next.

Power of the short-time Fourier transform (Hann window, periodic, in pieces centred on multiples of the hop, silence
beyond the sound), summed by triangular bands on the mel scale, in decibels above 10⁻¹⁰: what
`librosa.power_to_db(librosa.feature.melspectrogram(…), ref=1e-10, top_db=None)` gives, to half a step. The bands are
those of M. Slaney's Auditory Toolbox (1998), as librosa's and Whisper's: linear below 1 kHz, logarithmic above,
each of area 1. librosa would bring scikit-learn and ten packages more for that one table.

Silence is 0, as is what methods and padding fill with. Values are whole 256ths of a decibel: transforms of other
machines differ by 10⁻¹² dB or less, so that hardly one value in 10¹⁰ falls to another step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.option_text import SHOWN_LETTERS, taken_apart
from mixup_cli.sources.sounds.window import hann
from mixup_cli.wording import did_you_mean, quoted

NAME = "logmel"
EXAMPLE = "Give, for example, logmel:80 or logmel:128:window=0.04:hop=0.02."

MOST_BANDS = 1024
LEAST_HOP_S, MOST_WINDOW_S = 0.0005, 1.0

SILENCE = 1e-10
"""The power below which everything is silence."""

STEPS_PER_DB = 256

_PIECES_AT_ONCE = 256


@dataclass(frozen=True)
class LogMel:
    """How spectrograms are computed: into how many `bands`, from windows and at distances of so many seconds. The
    defaults of both are usual for speech (Whisper, AST, Kaldi), that of bands is Whisper's."""

    bands: int = 80
    window: float = 0.025
    hop: float = 0.01

    @classmethod
    def parse(cls, text: str) -> Self:
        """Of `logmel[:BANDS][:window=SECONDS][:hop=SECONDS]`. Raises UsageError for other texts."""
        name, bands, options = taken_apart(text, "a number of bands", EXAMPLE)
        if name != NAME:
            raise UsageError(f"{quoted(name, SHOWN_LETTERS)} is not {NAME}.", EXAMPLE)
        known = [each.name for each in fields(cls) if each.name != "bands"]
        for key, value in options.items():
            if key not in known:
                shown = quoted(key, SHOWN_LETTERS)
                raise UsageError(f"unknown option {shown}{did_you_mean(key, known)}", "The options are window and hop.")
            if isinstance(value, str) or not LEAST_HOP_S <= value <= MOST_WINDOW_S:
                found = f"{key}={value} is not a time from {LEAST_HOP_S} to {MOST_WINDOW_S:g} s."
                raise UsageError(found, EXAMPLE)
        bands = cls.bands if bands is None else bands
        if not 1 <= bands <= MOST_BANDS or bands != int(bands):
            raise UsageError(f"{bands:g} is not a number of bands from 1 to {MOST_BANDS}.", EXAMPLE)
        made = cls(int(bands), **options)  # type: ignore[arg-type]  # seen above
        if made.hop > made.window:
            found = f"windows of {made.window} s, one every {made.hop} s, would leave out what is between them."
            raise UsageError(found, "Give a hop that is at most the window.")
        return made

    def __str__(self) -> str:
        """What `parse` reads back."""
        return f"{NAME}:{self.bands}:window={self.window}:hop={self.hop}"

    def at(self, rate: int) -> Transform:
        """The same at a rate, in samples a second. Raises UsageError where that has too few frequencies for as many
        bands."""
        made = Transform(rate, self.bands, max(2, round(self.window * rate)), max(1, round(self.hop * rate)))
        if empty := int((made.filters().max(axis=1) == 0).sum()):
            found = f"at {rate:,} Hz, {empty} of {self.bands} bands would lie between the frequencies of a window of"
            raise UsageError(f"{found} {self.window} s.", "Give fewer bands, or a longer window.", field="features")
        return made


@dataclass(frozen=True)
class Transform:
    """Spectrograms of waves with `rate` samples a second: the `window` and the `hop` are so many samples."""

    rate: int
    bands: int
    window: int
    hop: int

    def frames(self, samples: int) -> int:
        """How many frames a wave of so many samples has: one at its first sample, and then one every hop."""
        return 1 + samples // self.hop

    @property
    def points(self) -> int:
        """How long the Fourier transform is: the power of two from the window on."""
        return 1 << (self.window - 1).bit_length()

    def filters(self) -> NDArray[np.float64]:
        """What each frequency counts in each band: float64 (bands, points / 2 + 1)."""
        low, middle, high = np.lib.stride_tricks.sliding_window_view(_edges(self.rate / 2, self.bands), 3).T[..., None]
        frequency = np.fft.rfftfreq(self.points, 1 / self.rate)
        triangles = np.minimum((frequency - low) / (middle - low), (high - frequency) / (high - middle))
        return np.asarray(np.maximum(triangles, 0) * (2 / (high - low)))

    def of(self, wave: NDArray[np.float32]) -> NDArray[np.float32]:
        """The spectrogram of a wave (time): float32 (bands, frames), low frequencies first, in dB from 0 up."""
        lead = self.points // 2 - (self.points - self.window) // 2
        padded = np.pad(wave, (lead, self.window))
        pieces = np.lib.stride_tricks.sliding_window_view(padded, self.window)[:: self.hop][: self.frames(len(wave))]
        made = np.empty((self.bands, len(pieces)), np.float32)
        window, filters = hann(self.window), _sparse_filters(self)
        for first in range(0, len(pieces), _PIECES_AT_ONCE):
            spectrum = np.fft.rfft(pieces[first : first + _PIECES_AT_ONCE] * window, self.points)
            power = np.square(spectrum.real) + np.square(spectrum.imag)
            decibels = 10 * np.log10(np.maximum(filters @ power.T / SILENCE, 1))
            made[:, first : first + len(power)] = np.rint(decibels * STEPS_PER_DB) / STEPS_PER_DB
        return made


@lru_cache(maxsize=4)
def _sparse_filters(transform: Transform) -> Any:
    """The filters without their zeros, which are most. Their sums have one order, where BLAS chooses its own."""
    from scipy.sparse import csr_array  # a tenth of a second to import

    return csr_array(transform.filters())


_LINEAR_HZ, _LINEAR_MELS = 1000.0, 15.0
_LOG_STEP = math.log(6.4) / 27
"""Up to 1000 Hz there are 15 mels, and from then on 27 until the frequency is 6.4 times as high."""


def _edges(highest: float, bands: int) -> NDArray[np.float64]:
    """Where bands begin, have their middle and end, in Hz: float64 (bands + 2), equally far apart in mels."""
    whole = highest / _LINEAR_HZ * _LINEAR_MELS
    if highest > _LINEAR_HZ:
        whole = _LINEAR_MELS + math.log(highest / _LINEAR_HZ) / _LOG_STEP
    mels = np.linspace(0, whole, bands + 2)
    above = _LINEAR_HZ * np.exp(_LOG_STEP * np.maximum(mels - _LINEAR_MELS, 0))
    return np.where(mels <= _LINEAR_MELS, mels / _LINEAR_MELS * _LINEAR_HZ, above)
