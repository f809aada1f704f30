"""Objects drawn on a tile: within it, seen on any picture, told apart by all people, and not hidden by captions."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageColor

from mixup_cli.report.fonts import Face
from mixup_cli.report.lines import Line, Tile
from mixup_cli.report.marks import COLOURS, DARK, SMALLEST_PX, _Marks, colour_of, mark
from mixup_cli.report.objects import Seen
from mixup_cli.report.sheet import GAP, LEADING, MARGIN, OBJECTS_PX, TEXT_GAP, sheet

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]


def seen_at(*box: float, name: str = "cat", parent: int = 0, **fields: object) -> Seen:
    return Seen(name, box, 1.0, 1.0, parent, **fields)  # type: ignore[arg-type]


def marked(*objects: Seen, shade: int = 90, size: tuple[int, int] = (120, 160), scale: float = 1.0) -> Pixels:
    """The tile (height, width) of some objects on grey."""
    image = Image.fromarray(np.full((*size, 3), shade, np.uint8))
    mark(image, objects, (scale, scale), Face())
    return np.asarray(image)


def is_colour(pixels: Pixels, colour: str) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (pixels == ImageColor.getrgb(colour)).all(axis=-1)
    return found


@pytest.mark.parametrize("parent", range(4))
@pytest.mark.parametrize("shade", [0, 60, 128, 200, 255])
def test_lines_are_seen_on_any_picture(parent: int, shade: int) -> None:
    """The coloured line or the dark one beside it, by WCAG's contrast for graphics: 3 to 1."""
    grey = f"#{shade:02x}{shade:02x}{shade:02x}"
    assert max(contrast(line, grey) for line in (colour_of(parent), DARK)) >= 3
    assert contrast(colour_of(parent), DARK) >= 4.5, "captions are read"
    found = marked(seen_at(40, 30, 100, 90, parent=parent), shade=shade)
    assert is_colour(found, colour_of(parent)).sum() > 300
    assert is_colour(found, DARK).sum() > 300


def linear(colour: str) -> NDArray[np.float64]:
    values = np.array(ImageColor.getrgb(colour)) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(each) @ (0.2126, 0.7152, 0.0722)) + 0.05 for each in (one, other))
    return high / low


MACHADO = {
    "all": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
"""How colours are seen, in linear light: Machado, Oliveira, Fernandes, "A Physiologically-based Model for Simulation of
Color Vision Deficiency", 2009, with severity 1."""

TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(light: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = np.cbrt(np.maximum(TO_XYZ @ light.clip(0, 1) / TO_XYZ.sum(axis=1), 0.009))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", MACHADO)
def test_colours_are_told_apart(vision: str) -> None:
    seen = [lab(np.array(MACHADO[vision]) @ linear(colour)) for colour in COLOURS]
    assert min(float(np.linalg.norm(one - other)) for one, other in combinations(seen, 2)) > 15


CORNERS: list[Box] = [
    (0, 0, 0.1, 0.1),
    (159.9, 119.9, 160, 120),
    (0, 0, 160, 120),
    (80, 0, 80.3, 120),
    (70, 60, 71, 61),
]


@pytest.fixture
def uncaptioned(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Pixels]:
    """What `marked` gives without captions."""

    def draw(*objects: Seen) -> Pixels:
        with monkeypatch.context() as patched:
            patched.setattr(_Marks, "caption", lambda *_: None)
            return marked(*objects)

    return draw


@pytest.mark.parametrize("box", CORNERS)
def test_small_boxes_stay_visible(box: Box, uncaptioned: Callable[..., Pixels]) -> None:
    rows, places = np.nonzero(is_colour(uncaptioned(seen_at(*box)), COLOURS[0]))
    assert len(rows) >= 4 * (SMALLEST_PX - 1)
    assert np.ptp(rows) >= SMALLEST_PX - 1
    assert np.ptp(places) >= SMALLEST_PX - 1


def test_a_box_is_drawn_at_its_edges(uncaptioned: Callable[..., Pixels]) -> None:
    found = uncaptioned(seen_at(40, 30, 100, 90))
    rows, places = np.nonzero(is_colour(found, COLOURS[0]))
    assert (places.min(), rows.min(), places.max(), rows.max()) == (40, 30, 99, 89)
    assert (found[34:86, 44:96] == 90).all(), "what lies inside is as it was"
    assert is_colour(found, DARK)[60, [39, 42, 97, 100]].all()


def test_captions_hide_no_small_box(uncaptioned: Callable[..., Pixels]) -> None:
    corners = np.random.default_rng(4).uniform(0, 100, (9, 2)).tolist()
    small = [seen_at(x, y, x + 6, y + 6, name="i", parent=1) for x, y in corners]
    large = [seen_at(10 + each, 10, 150 - each, 110, name="large one") for each in range(6)]
    without, drawn = uncaptioned(*small, *large), marked(*small, *large)
    assert (without != drawn).any()
    for x, y in corners:
        frame = np.s_[round(y) : round(y) + 6, round(x) : round(x) + 6]
        assert np.array_equal(without[frame], drawn[frame])


def test_a_caption_says_class_weight_and_part() -> None:
    plain = marked(Seen("cat", (20, 40, 120, 100), 1.0, 1.0, 0))
    for other in (
        Seen("dog", (20, 40, 120, 100), 1.0, 1.0, 0),
        Seen("cat", (20, 40, 120, 100), 0.5, 1.0, 0),
        Seen("cat", (20, 40, 120, 100), 1.0, 0.5, 0),
    ):
        rows, _ = np.nonzero((marked(other) != plain).any(axis=-1))
        assert 20 <= rows.min() <= rows.max() < 42, "above the box"


@pytest.mark.parametrize("text", ["日本語の名前", "\ud800", "\x00\n\t", "😀" * 50, "x" * 500, ""])
@pytest.mark.parametrize("size", [(120, 160), (3, 2), (1, 1)])
def test_any_name_fits_any_tile(text: str, size: tuple[int, int]) -> None:
    assert marked(seen_at(0, 0, 1, 1, name=text), seen_at(0, 0, 2, 3, name=text), size=size).shape == (*size, 3)


def test_keypoints_are_dots_and_hidden_ones_rings() -> None:
    found = marked(seen_at(20, 20, 140, 110, points=((60, 60, 2), (90, 60, 1)), parent=2))
    assert is_colour(found, COLOURS[2])[60, [59, 60, 61]].all()
    assert is_colour(found, COLOURS[2])[60, [88, 92]].all()
    assert is_colour(found, DARK)[60, 90]


def test_nothing_is_drawn_beside_a_tile_and_parents_have_their_colours() -> None:
    picture = np.full((64, 64, 3), 90, np.uint8)
    objects = (seen_at(0, 0, 64, 64, name="a long name of a class"), seen_at(60, 60, 64, 64), seen_at(-0.0, 63, 1, 64))
    tiles = [Tile(picture, objects=tuple(each for each in objects)) for _ in range(2)]
    result = Tile(picture, objects=(*objects, seen_at(5, 5, 60, 60, parent=1)))
    page = np.asarray(Image.open(io.BytesIO(sheet((Line(0, "mixup", 0.5, (), tuple(tiles), result),)))))
    side, top = 64 * (OBJECTS_PX // 64), MARGIN + LEADING + GAP
    inside = np.zeros(page.shape[:2], bool)
    for left in (MARGIN, MARGIN + side + GAP, MARGIN + 2 * (side + GAP) + GAP):
        inside[top : top + side, left : left + side] = True
    below, text = page[top:].copy(), MARGIN + 3 * (side + GAP) + TEXT_GAP - GAP
    below[inside[top:]] = 255
    assert (below[:, :text] == 255).all()
    header = page[MARGIN : MARGIN + LEADING]
    for column, colour in enumerate(COLOURS[:2]):
        left = MARGIN + column * (side + GAP)
        assert is_colour(header[:, left : left + 9], colour).sum() == 7 * 7


def test_the_page_has_the_same_colours() -> None:
    style = files("mixup_cli.report.page").joinpath("page.css").read_text()
    assert dict(re.findall(r"\.p(\d) \{ color: (#\w+); \}", style)) == {
        str(number): colour for number, colour in enumerate(COLOURS)
    }
