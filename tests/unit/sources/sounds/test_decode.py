"""Sounds decoded: any format, any rate, any count of channels, never beyond full scale."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from mixup_cli.errors import UsageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.encoded import Undecodable
from mixup_cli.sources.sounds import decode as module
from mixup_cli.sources.sounds.decode import Header, at, decode
from mixup_cli.sources.sounds.folder import open_sounds
from mixup_cli.sources.sounds.plain_wav import plain_header
from mixup_cli.sources.sounds.source import SoundSource
from tests.small_sounds import RATE, Wave, encoded, noise, put, tone

EXACT = [("WAV", "FLOAT"), ("WAV", "DOUBLE"), ("AU", "FLOAT"), ("CAF", "FLOAT"), ("W64", "FLOAT"), ("AIFF", "FLOAT")]
NEAR = [("WAV", "PCM_16"), ("WAV", "PCM_24"), ("FLAC", "PCM_16"), ("AIFF", "PCM_16"), ("WAVEX", "PCM_16")]
LOSSY = [("OGG", "VORBIS"), ("MP3", None)]


@pytest.mark.parametrize(("kind", "subtype"), [*EXACT, *NEAR, *LOSSY])
def test_each_format_gives_its_samples(kind: str, subtype: str | None) -> None:
    wave = tone(440)
    header, samples = decode(encoded(wave, kind, subtype))
    assert (header, samples.shape, samples.dtype.name) == (Header(RATE, len(wave), 1), (len(wave), 1), "float32")
    error = np.abs(samples[:, 0] - wave).max()
    assert error <= {"FLOAT": 0.0, "DOUBLE": 0.0, None: 0.1, "VORBIS": 0.1}.get(subtype, 2.0**-15)


def test_a_wav_whose_writer_could_not_go_back_is_read_to_its_end() -> None:
    """As ffmpeg writes it into a pipe."""
    data = encoded(tone(440))
    streamed = data[:40] + b"\xff\xff\xff\xff" + data[44:]
    np.testing.assert_array_equal(decode(streamed)[1], decode(data)[1])


def test_a_header_that_claims_more_is_named() -> None:
    """libsndfile names a function of its own."""
    data = encoded(noise(1), "FLAC")
    longer = (int.from_bytes(data[18:26], "big") + 1000).to_bytes(8, "big")
    with pytest.raises(Undecodable, match=r"^cannot decode \(it ends before its last sample, or is damaged\)"):
        decode(data[:18] + longer + data[26:])


def test_an_mp3_with_tags_is_whole() -> None:
    data = encoded(noise(1), "MP3")
    tagged = b"ID3\3\0\0\0\0\1\0" + bytes(128) + data
    np.testing.assert_array_equal(decode(tagged)[1], decode(data)[1])
    with pytest.raises(Undecodable, match=r"^ends after [\d,]+ of the [\d,]+ bytes"):
        decode(tagged[:-300])


def test_one_channel_is_the_mean_and_two_are_repeated() -> None:
    left, right = tone(300), noise(2)
    stereo = np.stack([left, right], axis=1)
    made = at(*decode(encoded(stereo, subtype="FLOAT")), RATE, 1)
    np.testing.assert_array_equal(made[:, 0], stereo.mean(axis=1, dtype=np.float64).astype(np.float32))
    twice = at(*decode(encoded(left, subtype="FLOAT")), RATE, 2)
    np.testing.assert_array_equal(twice, np.stack([left, left], axis=1))
    with pytest.raises(Undecodable, match=r"^has 3 channels, which cannot become 2"):
        at(Header(RATE, 2, 3), np.zeros((2, 3), np.float32), RATE, 2)


@pytest.mark.parametrize(("stored", "wanted"), [(44100, 16000), (8000, 16000), (11025, 8000), (48000, 44100)])
def test_another_rate_keeps_the_tone(stored: int, wanted: int) -> None:
    """Against the sine at that rate: away from its ends, the two are the same to 60 dB."""
    header = Header(stored, round(0.5 * stored) + 3, 1)
    made = at(header, tone(440, header.frames / stored, rate=stored)[:, None], wanted, 1)
    assert len(made) == header.frames_at(wanted) == round(header.frames * wanted / stored)
    middle = slice(wanted // 20, -wanted // 20)
    expected = tone(440, len(made) / wanted, rate=wanted)
    assert np.abs(made[middle, 0] - expected[middle]).max() < 1e-3


def test_what_is_louder_than_full_scale_becomes_full_scale() -> None:
    loud = 3 * tone(300, level=1)
    made = at(*decode(encoded(loud, subtype="FLOAT")), RATE, 1)
    assert np.abs(made).max() == 1
    np.testing.assert_allclose(made[:, 0], loud / np.abs(loud).max(), atol=1e-7)


def opened(folder: Path, *waves: Wave, **options: object) -> SoundSource:
    """A folder with these sounds, all of one class."""
    for number, wave in enumerate(waves):
        put(folder / "a" / f"{number}.wav", encoded(wave, subtype="FLOAT"))
    return open_sounds(folder, SourceOptions(**options))  # type: ignore[arg-type]  # by name


def loaded(source: SoundSource) -> Wave:
    """All of its samples, (n, time)."""
    form = source.survey().array_form
    assert form is not None
    out = np.full((len(source), *form.shape), np.nan, np.float32)
    assert [each.problem for each in source.load(0, len(source), Target(form), out)] == [None] * len(source)
    return out[..., 0]


def test_rows_are_as_long_as_the_longest_and_silence_follows(tmp_path: Path) -> None:
    short, long = noise(1, 0.2), noise(2, 0.5)
    source = opened(tmp_path, short, long)
    assert source.lengths is not None
    assert source.lengths.tolist() == [1600, 4000]
    assert source.survey().window is None
    samples = loaded(source)
    np.testing.assert_array_equal(samples[0], np.pad(short, (0, 2400)))
    np.testing.assert_array_equal(samples[1], long)


def test_shorter_ones_can_be_repeated(tmp_path: Path) -> None:
    short, long = noise(1, 0.2), noise(2, 0.7)
    source = opened(tmp_path, short, long, short="loop", seconds=0.5)
    assert source.survey().window == 4000
    assert source.lengths is not None
    assert source.lengths.tolist() == [4000, 5600]
    samples = loaded(source)
    np.testing.assert_array_equal(samples[0], [*short, *short, *short[:800], *[0.0] * 1600])


def test_seconds_decide_how_long_rows_are(tmp_path: Path) -> None:
    assert opened(tmp_path, noise(1, 0.2), seconds=0.5).survey().array_form == Form((4000, 1), "float32", "tc")
    source = opened(tmp_path, noise(1, 0.2), seconds=0.1)
    assert (source.survey().window, loaded(source).shape) == (800, (1, 1600))


def test_what_changes_after_its_header_was_read_is_broken(tmp_path: Path) -> None:
    source = opened(tmp_path, noise(1), noise(2))
    put(tmp_path / "a/1.wav", encoded(noise(2, 0.3), subtype="FLOAT"))
    form = source.survey().array_form
    assert form is not None
    out = np.zeros((2, *form.shape), np.float32)
    problems = [each.problem for each in source.load(0, 2, Target(form), out)]
    assert problems == [None, "has changed since its header was read"]


def test_sounds_are_stereo_only_where_all_are(tmp_path: Path) -> None:
    put(tmp_path / "two/a/0.wav", encoded(np.stack([tone(300), tone(500)], axis=1)))
    two = open_sounds(tmp_path / "two", SourceOptions()).survey().array_form
    assert two == Form((4000, 2), "float32", "tc")
    put(tmp_path / "two/a/1.wav", encoded(tone(300)))
    mixed = open_sounds(tmp_path / "two", SourceOptions())
    assert mixed.survey().array_form == Form((4000, 1), "float32", "tc")
    assert (
        "1 sound with several channels, of which the mean is taken, unless channels=stereo keeps two" in mixed.notices
    )


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(UsageError, match=r"pip install 'mixup-gen\[audio\]'"):
        opened(tmp_path, noise(1))


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_a_plain_wav_has_the_samples_that_the_library_reads(channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, (5000, channels)).astype(np.float32)
    wave[:2] = [[-1] * channels, [1] * channels]
    data = encoded(wave)
    quick = decode(data)
    assert plain_header(data[:44], len(data)) == (RATE, 5000, channels)
    monkeypatch.setattr(module, "plain_header", lambda *_: None)
    slow = decode(data)
    assert quick[0] == slow[0]
    np.testing.assert_array_equal(quick[1], slow[1])


def test_what_is_not_plain_is_left_to_the_library() -> None:
    data = encoded(tone(440))
    odd = [data[:-1], data + b"LIST", data[:20] + b"\3" + data[21:], data[:30], encoded(tone(440), subtype="PCM_24")]
    assert [plain_header(each[:44], len(each)) for each in odd] == [None] * len(odd)
