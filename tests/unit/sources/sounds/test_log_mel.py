"""Log-mel spectrograms: a sine lies in its band, silence is 0, and nothing is lost at the edges. tests/oracles/
test_librosa.py compares them with librosa's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mixup_cli.errors import UsageError
from mixup_cli.recipe import Recipe
from mixup_cli.runs.fingerprint import Pixels, spectrogram_fingerprint
from mixup_cli.sources.sounds import log_mel
from mixup_cli.sources.sounds.log_mel import STEPS_PER_DB, LogMel, Transform
from tests.small_sounds import RATE, noise, tone


def slaney(frequency: float) -> float:
    """Mels of a frequency in Hz: three for 200 Hz up to 1 kHz, then 27 for every factor of 6.4."""
    return 3 * frequency / 200 if frequency < 1000 else 15 + 27 * math.log(frequency / 1000) / math.log(6.4)


@pytest.mark.parametrize("frequency", [130, 440, 1000, 1730, 3100])
def test_a_sine_lies_in_its_band(frequency: int) -> None:
    """Bands have their middles at equal distances in mels; the loudest is the nearest, or one that is as near."""
    made = LogMel(bands=40, window=0.064).at(RATE).of(tone(frequency))
    place = slaney(frequency) / slaney(RATE / 2) * 41 - 1
    assert (np.abs(made[:, 8:-8].argmax(axis=0) - place) <= 0.6).all()


def test_a_sine_is_as_loud_as_it_is() -> None:
    """Half of full scale, in the middle of a frequency and of a wide band: (0.5 · Σ window / 2)², as it counts."""
    transform = LogMel(bands=1, window=0.064, hop=0.016).at(RATE)
    counts = transform.filters()[0, 512 * 500 // RATE]
    expected = 10 * math.log10((0.5 * 256 / 2) ** 2 * counts * 1.5) + 100  # a Hann window has 1/4, 1, 1/4 of the power
    assert transform.of(tone(500))[0, 15] == pytest.approx(expected, abs=0.02)


def test_ten_times_the_power_is_ten_decibels_more() -> None:
    transform, wave = LogMel().at(RATE), noise(1, level=0.05)
    np.testing.assert_allclose(transform.of(wave * np.float32(math.sqrt(10))) - transform.of(wave), 10, atol=1 / 200)


def test_silence_is_0_and_values_are_whole_steps() -> None:
    transform = LogMel().at(RATE)
    assert not transform.of(np.zeros(1000, np.float32)).any()
    made = transform.of(noise(2)) * STEPS_PER_DB
    assert made.min() > 0
    np.testing.assert_array_equal(made, np.rint(made))


@pytest.mark.parametrize("samples", [1, 79, 80, 81, 4000, 40_000])
def test_frames_are_centred_on_multiples_of_the_hop(samples: int) -> None:
    """Each is that of its own window alone, also at the edges and beyond what is transformed at once."""
    transform = Transform(RATE, 20, window=200, hop=80)
    wave = noise(samples, samples / RATE)
    made = transform.of(wave)
    assert made.shape == (20, 1 + samples // 80) == (20, transform.frames(samples))
    around = np.pad(wave, 200)
    for frame in {0, 1, 255, 256, made.shape[1] - 1} & {*range(made.shape[1])}:
        first = 200 + 80 * frame - 100
        spectrum = np.abs(np.fft.rfft(around[first : first + 200] * np.hanning(201)[:-1], 256)) ** 2
        expected = 10 * np.log10(np.maximum(transform.filters() @ spectrum, 1e-10)) + 100
        np.testing.assert_allclose(made[:, frame], expected, atol=0.51 / STEPS_PER_DB)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("logmel", LogMel()),
        ("logmel:128", LogMel(128)),
        ("logmel: 40 :hop=0.02:window=0.05", LogMel(40, 0.05, 0.02)),
    ],
)
def test_what_is_written_is_read_back(text: str, made: LogMel) -> None:
    assert LogMel.parse(text) == made == LogMel.parse(str(made))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mel:80", "'mel' is not logmel"),
        ("logmel:0", "not a number of bands"),
        ("logmel:2.5", "not a number of bands"),
        ("logmel:nan", "not a number of bands"),
        ("logmel:80:40", "gives a number of bands twice"),
        ("logmel:many", "neither a number of bands nor OPTION=VALUE"),
        ("logmel:80:window=0.02:window=0.03", "gives window twice"),
        ("logmel:80:step=0.01", "unknown option 'step'"),
        ("logmel:80:bands=40", "unknown option 'bands'"),
        ("logmel:80:hop=0", "hop=0.0 is not a time"),
        ("logmel:80:window=inf", "window=inf is not a time"),
        ("logmel:80:hop=short", "hop=short is not a time"),
        ("logmel:80:hop=0.1", "would leave out what is between them"),
    ],
)
def test_other_texts_are_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        LogMel.parse(text)


def test_bands_without_a_frequency_are_refused() -> None:
    with pytest.raises(UsageError, match="of 400 bands would lie between the frequencies"):
        LogMel(400).at(RATE)


@pytest.mark.parametrize(
    ("features", "rate", "expected"),
    [("logmel:40", 8000, "9e2284f5c1760fef"), ("logmel:80", 16_000, "55c6130b31ad4fa4")],
)
def test_values_stay_what_they_were(features: str, rate: int, expected: str) -> None:
    """Rounded so that libraries and processors do not matter: one in 10¹⁰ values may fall to another step elsewhere."""
    assert spectrogram_fingerprint(features, rate).startswith(expected)


def test_a_run_is_not_continued_with_other_spectrograms(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(task="audio", reading=(("rate", RATE), ("features", str(LogMel()))))
    before = Pixels.here(recipe).fingerprint
    assert before == Pixels.here(recipe).fingerprint != Pixels.here(Recipe(task="audio")).fingerprint
    monkeypatch.setattr(log_mel, "STEPS_PER_DB", 128)
    assert Pixels.here(recipe).fingerprint != before
