"""The contact sheet: a line for each row, drawn on white."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from mixup_cli.report.captions import Word
from mixup_cli.report.drawn import most_px
from mixup_cli.report.fonts import Face
from mixup_cli.report.lines import Line, Tile, roles
from mixup_cli.report.marks import colour_of, mark
from mixup_cli.report.rgb import Pictures

LARGEST_PX = 224
"""The longer side of a large picture is shrunk to this …"""

ENLARGED_PX = 160
"""… and a small one is enlarged by the largest whole factor that keeps it below this."""

OBJECTS_PX = 320
"""Both, where objects are drawn: small ones can be seen."""

SWATCH_PX = 9
"""The side of the square that shows a parent's colour."""

MARGIN, GAP, ROW_GAP, TEXT_GAP = 24, 12, 22, 20
"""Pixels around the sheet, between tiles, between lines, and between the result and its text."""

TEXT_PX = 250
"""The widest that the text beside a result may be."""

CAPTION_LINES = 8
"""Of a longer caption, so many lines are shown."""

SIZE, SMALL, LEADING, CAPTION_LEADING = 15, 13, 21, 17
"""The font's sizes, and from line to line, in pixels, beside the pictures and below them."""

INK, GREY, RULE, EMPTY, WHITE = "#1d1d1f", "#6e6e73", "#dcdce0", "#f0f0f2", "white"

OUTLINE = (WHITE, INK)
"""The lines around a box, from the inside: one of the two is seen on any picture."""

OF_LAM, OF_BOX = "lam is the base's share", "result, box outlined"


def sheet(lines: tuple[Line, ...]) -> bytes:
    """The lines as a PNG. All pictures are of one size."""
    return _Sheet(lines).png()


@dataclass(frozen=True)
class _Sheet:
    lines: tuple[Line, ...]

    @cached_property
    def tiles(self) -> list[Tile]:
        return [tile for line in self.lines for tile in (*line.parents, line.result)]

    @cached_property
    def has_objects(self) -> bool:
        return any(tile.objects for tile in self.tiles)

    @cached_property
    def tile(self) -> tuple[int, int]:
        """Width and height of a tile."""
        height, width = next((tile.picture.shape[:2] for tile in self.tiles if tile.picture is not None), (1, 1))
        longer = max(height, width)
        enlarged_px, largest_px = (OBJECTS_PX, OBJECTS_PX) if self.has_objects else (ENLARGED_PX, LARGEST_PX)
        factor = enlarged_px // longer or min(1.0, most_px(largest_px, height, width) / longer)
        return max(1, round(width * factor)), max(1, round(height * factor))

    @cached_property
    def parent_count(self) -> int:
        return max(len(line.parents) for line in self.lines)

    @cached_property
    def face(self) -> Face:
        """The font, which has the letters of all names if any font has."""
        tiles = [tile for line in self.lines for tile in line.parents]
        labels = [line.label for line in self.lines] + [tile.label for tile in tiles]
        names = [word.name for label in labels for word in label]
        names += {each.name for tile in self.tiles for each in tile.objects}
        names += [line.caption for line in self.lines]
        return Face.of(names + [text for tile in tiles for text in (tile.key, tile.problem)])

    @cached_property
    def texts(self) -> list[list[str]]:
        """What stands beside each result: the lines of its label and of its caption."""
        found = []
        for line in self.lines:
            caption = self.face.wrapped(map(Word, line.caption.split()), SIZE, TEXT_PX)
            rest = ["…"] * (len(caption) > CAPTION_LINES)
            found.append([*self.face.wrapped(line.label, SIZE, TEXT_PX), *caption[:CAPTION_LINES], *rest])
        return found

    @cached_property
    def line_height(self) -> int:
        tiles = [tile for line in self.lines for tile in line.parents]
        captions = CAPTION_LEADING * max((len(_caption(tile)) for tile in tiles), default=0)
        text = LEADING * (2 + max(map(len, self.texts)))
        return max(self.tile[1] + captions, text)

    def left(self, column: int) -> int:
        """Where a column of tiles begins; the result's stands a little apart."""
        apart = GAP if self.parent_count and column == self.parent_count else 0
        return MARGIN + column * (self.tile[0] + GAP) + apart

    def png(self) -> bytes:
        text_width = max(
            int(self.face.width_px(text, SIZE)) + 1
            for line, label in zip(self.lines, self.texts, strict=True)
            for text in (*_facts(line), *label, OF_LAM)
        )
        width = self.left(self.parent_count) + self.tile[0] + TEXT_GAP + text_width + MARGIN
        top = MARGIN + LEADING + GAP
        height = top + len(self.lines) * (self.line_height + ROW_GAP) - ROW_GAP + MARGIN
        page = Image.new("RGB", (width, height), WHITE)
        draw = ImageDraw.Draw(page)
        self._header(draw, width)
        for number in range(len(self.lines)):
            self._line(page, draw, number, top + number * (self.line_height + ROW_GAP))
        file = io.BytesIO()
        mark = PngInfo()
        mark.add_text("Software", "mixup-gen")  # so that a later sheet may replace it
        page.save(file, "PNG", optimize=True, pnginfo=mark)
        return file.getvalue()

    def _header(self, draw: ImageDraw.ImageDraw, width: int) -> None:
        """What stands in the columns, and a line below it."""
        for column, name in enumerate([*roles(self.parent_count)[:-1], self._result_header()]):
            x = self.left(column)
            if self.has_objects and column < self.parent_count:
                draw.rectangle((x, MARGIN + 4, x + SWATCH_PX - 1, MARGIN + 3 + SWATCH_PX), colour_of(column), INK)
                x += SWATCH_PX + 6
            self._text(draw, (x, MARGIN), self.face.shortened(name, SMALL, self.tile[0]))
        self._text(draw, (self.left(self.parent_count) + self.tile[0] + TEXT_GAP, MARGIN), OF_LAM)
        y = MARGIN + LEADING
        draw.line((MARGIN, y, width - MARGIN, y), RULE)

    def _result_header(self) -> str:
        has_box = any(line.result.box for line in self.lines)
        fits = self.face.width_px(OF_BOX, SMALL) <= self.tile[0]
        return OF_BOX if has_box and fits else "result"

    def _text(
        self, draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, colour: str = GREY, size: int = SMALL
    ) -> None:
        draw.text(place, text, colour, self.face.at(size), direction=self.face.direction)

    def _line(self, page: Image.Image, draw: ImageDraw.ImageDraw, number: int, top: int) -> None:
        line = self.lines[number]
        for column, tile in enumerate(line.parents):
            self._tile(page, draw, tile, (self.left(column), top))
        self._tile(page, draw, line.result, (self.left(self.parent_count), top))
        x = self.left(self.parent_count) + self.tile[0] + TEXT_GAP
        facts = _facts(line)
        height = LEADING * (len(facts) + len(self.texts[number]))
        y = top + max(0, (self.tile[1] - height) // 2)
        for place, text in enumerate((*facts, *self.texts[number])):
            self._text(draw, (x, y + place * LEADING), text, GREY if place == 0 else INK, SIZE)

    def _tile(self, page: Image.Image, draw: ImageDraw.ImageDraw, tile: Tile, place: tuple[int, int]) -> None:
        x, y = place
        width, height = self.tile
        if tile.picture is None:
            draw.rectangle((x, y, x + width - 1, y + height - 1), EMPTY)
            reason = self.face.wrapped(map(Word, tile.problem.split()), SMALL, width - 2 * GAP)
            fitting = reason[: max(1, (height - GAP) // LEADING)]
            for number, text in enumerate(fitting):
                self._text(draw, (x + GAP, y + GAP + number * LEADING), text)
        else:
            page.paste(_fitted(tile.picture, self.tile), place)
            self._outline(draw, tile, place)
            self._objects(page, tile, place)
        for number, (text, colour) in enumerate(_caption(tile)):
            shown = self.face.shortened(text, SMALL, width)
            self._text(draw, (x, y + height + 5 + number * CAPTION_LEADING), shown, colour)

    def _objects(self, page: Image.Image, tile: Tile, place: tuple[int, int]) -> None:
        """The objects of a tile, which do not leave it."""
        if not tile.objects or tile.picture is None:
            return
        x, y = place
        width, height = self.tile
        image = page.crop((x, y, x + width, y + height))
        mark(image, tile.objects, (width / tile.picture.shape[1], height / tile.picture.shape[0]), self.face)
        page.paste(image, place)

    def _outline(self, draw: ImageDraw.ImageDraw, tile: Tile, place: tuple[int, int]) -> None:
        """Lines around a tile's box, beside its pixels, even beyond the picture's edge."""
        if tile.box is None or tile.picture is None:
            return
        x, y = place
        factor_y, factor_x = self.tile[1] / tile.picture.shape[0], self.tile[0] / tile.picture.shape[1]
        top, left, bottom, right = tile.box
        top, bottom = y + round(top * factor_y), y + round(bottom * factor_y)
        left, right = x + round(left * factor_x), x + round(right * factor_x)
        for out, colour in enumerate(OUTLINE, start=1):
            draw.rectangle((left - out, top - out, right + out - 1, bottom + out - 1), outline=colour)


def _caption(tile: Tile) -> list[tuple[str, str]]:
    """The lines below a tile, with their colours: its label and its key."""
    label = " ".join(word.name + word.rest for word in tile.label)
    return [(text, colour) for text, colour in ((label, INK), (tile.key, GREY)) if text]


def _facts(line: Line) -> tuple[str, str]:
    """What is said of a row above its label."""
    return f"row {line.number}, {line.method}", f"lam {line.lam:.3f}"


def _fitted(picture: Pictures, size: tuple[int, int]) -> Image.Image:
    """A picture at the size of a tile: with its own pixels where it is enlarged, averaged where it is shrunk."""
    image = Image.fromarray(picture)
    enlarged = size[0] >= image.width
    return image.resize(size, Image.Resampling.NEAREST if enlarged else Image.Resampling.LANCZOS)
