"""Waves, spectrograms and clips as pictures, with the parts that donors fill."""

from __future__ import annotations

import numpy as np
import pytest

from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.report.drawn import WAVE_PX, drawn, regions
from mixup_cli.report.preview import preview_source
from mixup_cli.sources.arrays.source import ArraySource
from tests.timed_sources import PartsOfWaves, clips, waves


def test_a_wave_is_dark_where_it_is() -> None:
    wave = np.zeros((1, 1024, 1), np.float32)
    wave[0, 512:] = 1
    (picture,) = drawn(wave, "tc")[..., 0]
    assert picture.shape == WAVE_PX
    assert (picture[0] == np.where(np.arange(256) < 128, 1, 0)).all(), "full scale is at the upper edge"
    assert (picture[-1] == 1).all()
    assert (picture[31:33, :128] == 0).all(), "silence is in the middle"


def test_whole_numbers_of_waves_look_the_same() -> None:
    wave = np.linspace(-1, 1, 300, dtype=np.float32).reshape(1, 300, 1)
    whole = np.clip(np.rint(wave * 32768), -32768, 32767).astype(np.int16)
    np.testing.assert_array_equal(drawn(wave, "tc"), drawn(whole, "tc"))


def test_low_frequencies_are_below() -> None:
    sound = np.zeros((1, 4, 6), np.float32)
    sound[0, 0] = 1
    assert drawn(sound, "ft")[0, -1, :, 0].all()
    box = regions(np.array([[0, 2, 1, 5]], np.int32), None, ((4, 6), "ft"))
    assert box.tolist() == [[3, 2, 4, 5]]


def test_frames_stand_side_by_side() -> None:
    source = clips()
    rows = source._rows[:1]
    (strip,) = drawn(rows, "thwc")
    assert strip.shape == (8, 60, 3)
    np.testing.assert_array_equal(strip[:, 20:30], rows[0, 2])


@pytest.mark.parametrize(
    ("box", "span", "expected"),
    [
        ((2, 3, 5, 7), (0, 6), [2, 3, 5, 57]),
        ((0, 0, 8, 10), (2, 4), [0, 20, 8, 40]),
        ((2, 3, 5, 7), (4, 4), [0, 0, 0, 0]),
    ],
)
def test_boxes_go_through_the_frames_of_the_span(
    box: tuple[int, ...], span: tuple[int, int], expected: list[int]
) -> None:
    found = regions(np.array([box], np.int32), np.array([span], np.int32), ((6, 8, 10, 3), "thwc"))
    assert found.tolist() == [expected]


def test_spans_of_waves_are_boxes_of_their_height() -> None:
    form = ((1024, 1), "tc")
    found = regions(np.zeros((2, 4), np.int32), np.array([[256, 512], [9, 9]], np.int32), form)  # type: ignore[arg-type]
    assert found.tolist() == [[0, 64, 64, 128], [0, 0, 0, 0]]


@pytest.mark.parametrize("source", [waves(), waves(PartsOfWaves), clips()], ids=["waves", "parts", "clips"])
def test_a_preview_shows_parents_and_results(source: ArraySource) -> None:
    recipe = Recipe(methods=(MethodChoice("cutmix"), MethodChoice("mixup"), MethodChoice("none")))
    shown = preview_source(source, recipe, range(6))
    assert len(shown.lines) == 6
