"""What plays on a page is what was mixed: decoded again by other libraries, and compared."""

from __future__ import annotations

import base64
import io
import re
import wave

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.recipe import MethodChoice, Normalize, Recipe
from mixup_cli.report import played
from mixup_cli.report.page.of_source import content_of_source
from mixup_cli.report.page.render import Words, page
from mixup_cli.report.played import Player
from mixup_cli.sources.arrays.source import ArraySource
from tests.timed_sources import PartsOfWaves, clips, waves

TIMES = np.arange(8000) / 8000
TONE = (0.5 * np.sin(2 * np.pi * 440 * TIMES)).astype(np.float32)[:, None]


def at(rate: int) -> Recipe:
    return Recipe(reading=(("rate", rate),))


def content_of(url: str, kind: str) -> io.BytesIO:
    head, _, data = url.partition(";base64,")
    assert head == f"data:{kind}"
    return io.BytesIO(base64.b64decode(data))


@pytest.mark.parametrize("is_whole", [False, True], ids=["float32", "int16"])
def test_a_sound_of_an_unusual_rate_is_a_wav(is_whole: bool) -> None:
    whole = np.rint(TONE * 32768).astype(np.int16)
    (url,) = Player("tc").row((), whole if is_whole else TONE, at(7777))
    with wave.open(content_of(url, "audio/wav")) as file:
        assert file.getparams()[:4] == (1, 2, 7777, 8000)
        assert np.frombuffer(file.readframes(8000), "<i2").tolist() == whole[:, 0].tolist()


def test_beyond_full_scale_it_is_clipped() -> None:
    (url,) = Player("tc").row((), np.array([[2.0], [-2.0], [np.nan]], np.float32), at(7777))
    with wave.open(content_of(url, "audio/wav")) as file:
        assert np.frombuffer(file.readframes(3), "<i2").tolist() == [32767, -32768, 0]


def test_other_sounds_are_mp3s_if_that_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    base, donor, result = Player("tc").row([TONE, -TONE], TONE, at(8000))
    assert base == result != donor
    heard, rate = soundfile.read(content_of(base, "audio/mpeg"))
    assert rate == 8000
    assert np.abs(np.fft.rfft(heard[1000:5000])).argmax() == 220, "440 Hz in half a second"
    monkeypatch.setattr(played, "_libsndfile", lambda: None)
    (url,) = Player("tc").row((), TONE, at(8000))
    assert content_of(url, "audio/wav").getvalue()[:4] == b"RIFF"


def frames_of(url: str) -> NDArray[np.float64]:
    with Image.open(content_of(url, "image/webp")) as moving:
        found = []
        for number in range(getattr(moving, "n_frames", 1)):
            moving.seek(number)
            found.append(np.asarray(moving.convert("RGB"), float))
    return np.stack(found)


def test_a_clip_moves() -> None:
    clip = np.zeros((6, 32, 48, 3), np.uint8)
    for number, frame in enumerate(clip):
        frame[:, 8 * number : 8 * number + 8] = (200, 40, 90)
    normalize = Normalize((0.5,) * 3, (0.25,) * 3)
    normal = ((clip / 255 - 0.5) / 0.25).astype(np.float32)
    base, result = Player("thwc").row([clip], normal, Recipe(normalize=normalize, dtype="float32"))
    for url in (base, result):
        found = frames_of(url)
        assert found.shape == clip.shape
        assert np.abs(found - clip).mean() < 6, "as far as WebP keeps it"


def test_rows_play_while_there_is_room() -> None:
    one = len(Player("tc").row((), TONE, at(8000))[0])
    player = Player("tc", 5 * one)
    assert [len(player.row([TONE], TONE, at(8000))) for _ in range(4)] == [2, 2, 0, 0]


@pytest.mark.parametrize("axes", ["tc", "hwc", "ft"])
def test_what_has_no_rate_or_time_does_not_play(axes: str) -> None:
    assert Player(axes).row((), np.zeros((8, 8, 3), np.float32), Recipe()) == ()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (waves(), r"<audio [^>]*src=\"data:audio/mpeg;"),
        (waves(PartsOfWaves), r"<audio [^>]*src=\"data:audio/mpeg;"),
        (clips(), r"<img class=\"moving\" src=\"data:image/webp;"),
    ],
    ids=["waves", "parts", "clips"],
)
def test_mixed_rows_play_on_the_page(source: ArraySource, found: str) -> None:
    recipe = Recipe(methods=(MethodChoice("mixup", 1.0, {"alpha": 1.0}),), keep_originals=True)
    words = Words("x", "x", (), (), "nothing")
    html = page(content_of_source(source, recipe), words)
    assert len(re.findall(found, html.decode())) == 3 * 12
    assert "12 of these play." in html.decode()
    assert html == page(content_of_source(source, recipe), words)
