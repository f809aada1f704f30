"""How loud waves are: against an A-weighting written again, with SciPy's transform."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from mixup_cli.plan.levels import FLOOR_DB, SILENCE_DB, LevelFinder, a_weights, levels, piece_length
from tests.small_sounds import noise, tone

HUNDREDTH = 0.01


def a_curve(frequency: NDArray[np.floating[Any]]) -> NDArray[Any]:
    """IEC 61672-1, annex E, in dB, with 0 dB at 1,000 Hz."""
    f2 = np.square(frequency)
    over = 12194**2 * f2**2
    under = (f2 + 20.6**2) * np.sqrt((f2 + 107.7**2) * (f2 + 737.9**2)) * (f2 + 12194**2)
    decibels: NDArray[Any] = 20 * np.log10(over / under) + 2.0
    return decibels


def level_of(wave: NDArray[np.float32], rate: int) -> float:
    """The loudest piece of a wave (time), in dB."""
    length = piece_length(rate)
    window = signal.get_window("hann", length)
    pieces = [wave[start : start + length] for start in range(0, len(wave) - length + 1, length // 2)]
    frequency = np.fft.rfftfreq(length, 1 / rate)
    frequency[0] = 1
    gain = 10 ** (np.maximum(a_curve(frequency), -80) / 10)
    return float(10 * np.log10(max((np.abs(np.fft.rfft(window * each)) ** 2 * gain).sum() for each in pieces)))


@pytest.mark.parametrize(("rate", "length"), [(8000, 1024), (16000, 2048), (22050, 2048), (44100, 4096), (48000, 4096)])
def test_pieces_are_as_long_as_in_the_paper(rate: int, length: int) -> None:
    assert piece_length(rate) == length


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("frequency", [60, 250, 1000, 3000])
def test_the_a_weighted_level_is_that_of_the_standard(rate: int, frequency: float) -> None:
    wave = tone(frequency, 0.7, 0.3, rate) + noise(1, 0.7, 0.01, rate)
    assert levels(wave[:, None], rate)[0] == pytest.approx(level_of(wave, rate), abs=HUNDREDTH)


def test_the_curve_is_flat_at_a_thousand_hertz_and_falls_to_both_sides() -> None:
    decibels = 10 * np.log10(a_weights(16000, 2048))
    at = {frequency: decibels[frequency * 2048 // 16000] for frequency in (125, 1000, 2000, 4000)}
    assert at[1000] == pytest.approx(0, abs=0.05)
    assert at[125] == pytest.approx(-16.1, abs=0.2)  # IEC 61672-1, table 3
    assert at[2000] == pytest.approx(1.2, abs=0.1)
    assert at[4000] == pytest.approx(1.0, abs=0.1)


def test_the_loudest_moment_counts() -> None:
    quiet = tone(1000, 1, 0.01)
    quiet[2048:4096] += tone(1000, 0.256, 0.5)
    assert levels(quiet[:, None], 8000)[0] == pytest.approx(levels(tone(1000, 1, 0.51)[:, None], 8000)[0], abs=0.01)


def test_twice_the_amplitude_is_six_decibels() -> None:
    once, twice = (levels(factor * noise(3)[:, None], 8000) for factor in (1, 2))
    assert twice[0] - once[0] == pytest.approx(6.0206, abs=0.002)
    assert twice[1] - once[1] == pytest.approx(6.0206, abs=0.002)
    assert twice[2] == 2 * once[2]


def test_rms_and_peak_of_a_sine() -> None:
    _, rms, peak = levels(tone(1000, 1, 0.5)[:, None], 8000)
    assert rms == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.001)
    assert peak == pytest.approx(0.5)


def test_silence_has_levels_too() -> None:
    assert levels(np.zeros((100, 2), np.float32), 8000) == (FLOOR_DB, SILENCE_DB, 0.0)


def test_what_is_shorter_than_a_piece_has_a_level() -> None:
    assert levels(tone(1000, 0.02)[:, None], 8000)[0] > 0


def test_channels_have_the_mean_of_their_power() -> None:
    wave = noise(1)
    mono, stereo = levels(wave[:, None], 8000), levels(np.stack([wave, wave], axis=1), 8000)
    assert mono == stereo
    half = levels(np.stack([wave, np.zeros_like(wave)], axis=1), 8000)
    assert mono[0] - half[0] == pytest.approx(3.0103, abs=0.002)


def test_a_finder_finds_whole_waves_and_parts_of_them() -> None:
    waves = np.stack([noise(number, 0.5, 0.2 * (number + 1)) for number in range(4)])[..., None]
    indices = np.array([3, 5, 8, 9])
    found = LevelFinder(waves, 8000, 4000, indices).of(np.array([8, 3, 8]))
    np.testing.assert_array_equal(found, [levels(waves[place], 8000) for place in (2, 0, 2)])
    finder = LevelFinder(waves, 8000, 2000, indices)
    parts = finder.of(np.array([8, 3]), np.array([1000, 0]))
    np.testing.assert_array_equal(parts, [levels(waves[2, 1000:3000], 8000), levels(waves[0, :2000], 8000)])
    assert finder.of(np.array([], np.int64), np.array([], np.int64)).shape == (0, 3)
