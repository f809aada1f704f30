"""The contact sheet: pictures at whole factors, aligned, with any text."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.report.captions import Word
from mixup_cli.report.fonts import drawable, shortened, width_px, wrapped
from mixup_cli.report.lines import Line, Tile
from mixup_cli.report.sheet import GAP, LEADING, MARGIN, sheet


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 200, (height, width, 3), dtype=np.uint8)


def line_of(*pictures: NDArray[np.uint8] | None, label: tuple[Word, ...] = (Word("cat"),)) -> Line:
    tiles = [Tile(picture, (Word("cat"),), "" if picture is not None else "is broken") for picture in pictures]
    return Line(0, "mixup", 0.5, label, tuple(tiles[:-1]), tiles[-1])


def drawn(*lines: Line) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(sheet(lines))))


TOP = MARGIN + LEADING + GAP


@pytest.mark.parametrize(
    ("size", "factor"), [((32, 32), 5), ((28, 28), 5), ((8, 8), 20), ((64, 48), 2), ((100, 40), 1)]
)
def test_small_pictures_are_enlarged_by_a_whole_factor(size: tuple[int, int], factor: int) -> None:
    base, result = noise(*size, seed=1), noise(*size, seed=2)
    page = drawn(line_of(base, base, result))
    enlarged = base.repeat(factor, axis=0).repeat(factor, axis=1)
    height, width = enlarged.shape[:2]
    for column, picture, apart in ((0, base, 0), (1, base, 0), (2, result, GAP)):
        left = MARGIN + column * (width + GAP) + apart
        there = page[TOP : TOP + height, left : left + width]
        assert np.array_equal(there, picture.repeat(factor, axis=0).repeat(factor, axis=1))


@pytest.mark.parametrize("size", [(1000, 500), (300, 900), (225, 225)])
def test_large_pictures_are_shrunk(size: tuple[int, int]) -> None:
    page = drawn(line_of(np.zeros((*size, 3), np.uint8)))
    dark = (page == 0).all(axis=2)
    there = dark[TOP : TOP + 300, MARGIN:]
    assert max(there.any(axis=1).sum(), there.any(axis=0).sum()) == 224


def test_the_page_is_white_around_its_pictures() -> None:
    page = drawn(line_of(noise(32, 32), noise(32, 32)), line_of(noise(32, 32), None))
    for edge in (page[: MARGIN - 2], page[-MARGIN // 2 :], page[:, : MARGIN - 2], page[:, -MARGIN // 2 :]):
        assert (edge == 255).all()


def test_a_page_without_any_picture_can_be_drawn() -> None:
    assert drawn(line_of(None, None)).ndim == 3


HOSTILE = [
    "日本語の名前",
    "Ünïcødé ß",
    "\ud800 alone",
    "\x00\n\t",
    "a\u0301",
    "\u202eright to left",
    "😀" * 50,
    "x" * 500,
]


@pytest.mark.parametrize("text", [*HOSTILE, ""])
def test_any_text_can_be_drawn(text: str) -> None:
    line = line_of(noise(32, 32), noise(32, 32), noise(32, 32), label=(Word(text, " 0.50 +"), Word(text)))
    narrow = Line(**{**vars(line), "parents": tuple(Tile(tile.picture, (Word(text),)) for tile in line.parents)})
    assert drawn(narrow).shape[1] < 900


def test_what_the_font_lacks_is_replaced() -> None:
    assert drawable("cat 0.73 + dog") == "cat 0.73 + dog"
    assert drawable("café naïve") == "cafe naive"
    assert drawable("猫\n") == r"\u732b\n"


def test_text_is_shortened_and_wrapped_to_fit() -> None:
    assert shortened("cat", 15, 100) == "cat"
    short = shortened("a very long name of a class", 15, 100)
    assert short.endswith("…")
    assert width_px(short, 15) <= 100
    lines = wrapped((Word("astronaut", " 0.40 +"), Word("photographer", " 0.30 +"), Word("cat" * 50, " 0.30")), 15, 200)
    assert lines[0] == "astronaut 0.40 +"
    assert lines[-1].startswith("catcat")
    assert lines[-1].endswith("… 0.30")
    assert all(width_px(line, 15) <= 200 for line in lines)
