"""The contact sheet: pictures at whole factors, aligned, with any text."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.report.captions import Word
from mixup_cli.report.fonts import OWN, SYSTEM, Face
from mixup_cli.report.lines import Line, Tile
from mixup_cli.report.sheet import CAPTION_LINES, GAP, INK, LEADING, MARGIN, sheet


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 200, (height, width, 3), dtype=np.uint8)


def line_of(*pictures: NDArray[np.uint8] | None, label: tuple[Word, ...] = (Word("cat"),)) -> Line:
    tiles = [Tile(each, "cat/1.png", (Word("cat"),), problem="" if each is not None else "broken") for each in pictures]
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


@pytest.mark.parametrize("words", [1, 30, 3000])
def test_a_caption_stands_beside_the_result_and_is_cut(words: int) -> None:
    line = line_of(noise(32, 32), noise(32, 32))
    without, page = drawn(line), drawn(replace(line, caption="caption " * words))
    assert (page[: TOP + 160, : MARGIN + 320] == without[: TOP + 160, : MARGIN + 320]).all()
    assert (page < 128).sum() > (without < 128).sum()
    assert page.shape[0] <= without.shape[0] + LEADING * (CAPTION_LINES + 1)


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
    narrow = Line(**{**vars(line), "parents": tuple(Tile(tile.picture, text, (Word(text),)) for tile in line.parents)})
    assert drawn(narrow).shape[1] < 900


def boxed(picture: NDArray[np.uint8], box: tuple[int, int, int, int]) -> Line:
    return Line(0, "cutmix", 0.5, (), (), Tile(picture, box=box))


@pytest.mark.parametrize("box", [(4, 6, 20, 30), (0, 0, 32, 32), (31, 0, 32, 1)])
@pytest.mark.parametrize("shade", [0, 255])
def test_a_box_is_outlined_beside_its_pixels(box: tuple[int, int, int, int], shade: int) -> None:
    """A white line and a dark one: one of the two is seen on any picture, and on the page."""
    page = drawn(boxed(np.full((32, 32, 3), shade, np.uint8), box)).astype(int)
    top, left, bottom, right = (TOP, MARGIN, TOP, MARGIN) + 5 * np.array(box)
    assert (page[top:bottom, left:right] == shade).all(), "the box's own pixels are as they are"
    dark = int(INK[1:3], 16)
    for out, wanted in ((1, 255), (2, dark)):
        for edge in (
            page[top - out, left:right],
            page[bottom + out - 1, left:right],
            page[top:bottom, right + out - 1],
        ):
            assert (edge[..., 0] == wanted).all()


def test_parents_have_their_keys_below_them() -> None:
    def page(key: str) -> NDArray[np.uint8]:
        parent = Tile(noise(32, 32), key, (Word("cat"),))
        return drawn(Line(0, "mixup", 0.5, (), (parent,), Tile(noise(32, 32))))

    one, other = page("cat/1.png"), page("cat/2.png")
    rows, columns = np.nonzero((one != other).any(axis=2))
    assert rows.min() > TOP + 160
    assert columns.max() < MARGIN + 160


PLAIN = Face()


def test_what_the_font_lacks_is_replaced() -> None:
    def shown(text: str) -> str:
        return "".join(PLAIN.drawable(text))

    assert shown("cat 0.73 + dog") == "cat 0.73 + dog"
    assert shown("café naïve") == "cafe naive"
    assert shown("猫\n") == r"\u732b\n"


def test_the_font_is_the_one_with_the_most_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    has = {OWN: "cat.png", SYSTEM[0]: "cat.pngкош", SYSTEM[1]: "猫"}
    monkeypatch.setattr("mixup_cli.report.fonts._has", lambda name, letter: letter in has.get(name, ""))
    assert Face.of(["cat", "\n"]).name == OWN, "no font draws a newline"
    assert Face.of(["cat.png", "кошка", "猫"]).name == SYSTEM[0]
    assert Face.of(["猫"]).name == SYSTEM[1]
    assert Face.of(["קטה"]).name == OWN, "if none has any, all are alike"


def test_names_are_shortened_in_the_middle() -> None:
    assert PLAIN.shortened("cat", 15, 100) == "cat"
    name = "ILSVRC2012_validation_00000293.JPEG"
    short = PLAIN.shortened(name, 13, 128)
    head, tail = short.split("…")
    assert name.startswith(head)
    assert name.endswith(tail)
    assert 0 <= len(tail) - len(head) <= 1
    assert 115 < PLAIN.width_px(short, 13) <= 128
    assert PLAIN.shortened("x" * 10**6 + ".png", 13, 128).endswith("x.png")
    assert PLAIN.shortened("cat", 15, 1) == "…"


def test_text_is_wrapped_to_fit() -> None:
    words = (Word("astronaut", " 0.40 +"), Word("photographer", " 0.30 +"), Word("cat" * 50, " 0.30"))
    lines = PLAIN.wrapped(words, 15, 200)
    assert lines[:2] == ["astronaut 0.40 +", "photographer 0.30 +"]
    assert lines[2].startswith("catcat")
    assert lines[2].endswith("cat 0.30")
    assert "…" in lines[2]
    assert all(PLAIN.width_px(line, 15) <= 200 for line in lines)
