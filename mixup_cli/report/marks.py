"""Objects drawn on the picture of a tile: boxes, keypoints, and captions where there is room for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from PIL import Image, ImageDraw

from mixup_cli.report.fonts import Face
from mixup_cli.report.objects import Seen

COLOURS = ("#e69f00", "#56b4e9", "#f0e442", "#cc79a7")
"""Of objects of the base, of the donor, and of further donors. Okabe and Ito, "Color Universal Design", 2008: people
with any kind of colour vision see them apart."""

DARK = "#1d1d1f"
"""Beside every coloured line, which it sets off from any picture, and the letters of captions."""

SMALLEST_PX = 5
"""A box that is smaller on its tile is drawn with sides of this."""

SMALL_PX = 20
"""Captions do not hide boxes with a shorter side than this."""

CAPTION, PAD = 11, 2
"""The size of captions, and the room around their letters, in pixels."""

POINT_PX = 2
"""The radius of a keypoint."""

Frame: TypeAlias = tuple[int, int, int, int]
"""Left, top, right and bottom on a tile, in whole pixels, all inside."""


def colour_of(parent: int) -> str:
    """The colour of the objects of a parent, by its slot."""
    return COLOURS[parent % len(COLOURS)]


def mark(image: Image.Image, objects: Sequence[Seen], scale: tuple[float, float], face: Face) -> None:
    """Draw objects on a tile, where x and y of its picture are multiplied by `scale`: the larger ones first."""
    marks = _Marks(image, scale, face)
    ordered = sorted(objects, key=lambda each: -each.area)
    for each in ordered:
        marks.outline(each)
    for each in ordered:
        marks.points(each)
    taken = [frame for each in ordered if min(_sides(frame := marks.frame(each))) < SMALL_PX]
    for each in ordered:
        marks.caption(each, taken)


@dataclass(frozen=True)
class _Marks:
    image: Image.Image
    scale: tuple[float, float]
    face: Face

    @cached_property
    def draw(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self.image)

    def frame(self, seen: Seen) -> Frame:
        """Where the box of an object is drawn: with room for the dark line around it, within the picture."""
        x1, y1, x2, y2 = seen.box
        left, right = _span(x1 * self.scale[0], x2 * self.scale[0], self.image.width)
        top, bottom = _span(y1 * self.scale[1], y2 * self.scale[1], self.image.height)
        return left, top, right, bottom

    def outline(self, seen: Seen) -> None:
        frame = self.frame(seen)
        width = 1 if min(_sides(frame)) < SMALL_PX else 2
        for out, line in ((1, DARK), (-width, DARK), *((-number, colour_of(seen.parent)) for number in range(width))):
            left, top, right, bottom = frame[0] - out, frame[1] - out, frame[2] + out, frame[3] + out
            if left <= right and top <= bottom:
                self.draw.rectangle((left, top, right, bottom), outline=line)

    def points(self, seen: Seen) -> None:
        """Keypoints as dots, those that cannot be seen as rings."""
        for x, y, sight in seen.points:
            x, y, colour = x * self.scale[0], y * self.scale[1], colour_of(seen.parent)
            for radius, fill in (
                (POINT_PX + 1, DARK),
                (POINT_PX, colour),
                (POINT_PX - 1, colour if sight > 1 else DARK),
            ):
                self.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill)

    def caption(self, seen: Seen, taken: list[Frame]) -> None:
        """What an object is, at the first place that is free, which is then taken."""
        room = self.image.width - 2 * PAD - self.face.width_px(seen.rest, CAPTION)
        text = self.face.shortened(seen.name, CAPTION, room) + seen.rest
        width, height = int(self.face.width_px(text, CAPTION)) + 2 * PAD + 1, CAPTION + 2 * PAD
        for place in _places(self.frame(seen), (width, height), self.image.size):
            if not any(_overlap(place, other) for other in taken):
                taken.append(place)
                self.draw.rectangle(place, colour_of(seen.parent))
                at = place[0] + PAD, place[1] + CAPTION
                self.draw.text(at, text, DARK, self.face.at(CAPTION), anchor="ls", direction=self.face.direction)
                return


def _span(low: float, high: float, side: int) -> tuple[int, int]:
    """The first and the last pixel of a box along one side of a picture: SMALLEST_PX or more, if there is room."""
    least = min(SMALLEST_PX, side - 2)
    if high - low < least:
        low, high = (low + high - least) / 2, (low + high + least) / 2
    first = max(1, min(round(low), side - 1 - least))
    return first, max(first, min(max(round(high) - 1, first + least - 1), side - 2))


def _sides(frame: Frame) -> tuple[int, int]:
    left, top, right, bottom = frame
    return right - left + 1, bottom - top + 1


def _overlap(one: Frame, other: Frame) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _places(frame: Frame, caption: tuple[int, int], picture: tuple[int, int]) -> Iterator[Frame]:
    """Where a caption may stand, within the picture: above a box, inside of it at its top or bottom, and below, which
    comes earlier for a box that a caption would hide much of."""
    (left, top, right, bottom), (width, height) = frame, caption
    if width > picture[0] or height > picture[1]:
        return
    inside, below = (top + 2, bottom - height - 1), (bottom + 2,)
    beside = (*below, *inside) if bottom - top < 4 * height else (*inside, *below)
    for x in (left - 1, right + 2 - width):
        x = max(0, min(x, picture[0] - width))
        for y in (top - height, *beside):
            if 0 <= y <= picture[1] - height:
                yield x, y, x + width - 1, y + height - 1
