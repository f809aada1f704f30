"""The contact sheet of the page: which rows it shows, and their pictures as data URLs."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.methods.none import Unmixed
from mixup_cli.report import drawn
from mixup_cli.report.lines import Line, Tile, roles
from mixup_cli.report.marks import COLOURS
from mixup_cli.report.objects import Seen
from mixup_cli.report.page.tally import NOT_SEEN

USUAL_ROWS, MOST_ROWS = 96, 720
"""How many rows are shown, and where it takes more to show every class and method, at most."""

LARGE_PX, OBJECTS_PX, SMALL_PX, LOSSLESS_PX = 112, 176, 56, 64
"""The longer side of a picture is shrunk to this: of usual rows, of those with objects, and of more rows. Usual ones
as small as the last stay as they are, without loss."""

MOST_PICTURE_BYTES = 3_400_000
"""Of all pictures, and of what plays, as data URLs: the page stays below 5 MB. Later rows are left out."""


def chosen_rows(first: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The rows to show of `count`, ascending: int64 (m).

    By `first` (methods, classes), the first row of each method, of each class, and of each class with each method, and
    then rows spread evenly.
    """
    wanted = np.concatenate([first.min(axis=1), first.min(axis=0), np.sort(first.ravel())])
    needed = np.array([*dict.fromkeys(wanted[wanted != NOT_SEEN].tolist())][:MOST_ROWS], np.int64)
    if len(needed) < USUAL_ROWS:
        spread = np.linspace(0, count - 1, min(count, USUAL_ROWS)).astype(np.int64)
        others = np.setdiff1d(spread, needed)
        needed = np.append(needed, others[np.linspace(0, len(others) - 1, USUAL_ROWS - len(needed)).astype(int)])
    return np.unique(needed)


@dataclass(frozen=True)
class Sheet:
    """Rows as the page shows them. `class_names` are those to choose from."""

    lines: Sequence[Line]
    class_names: Sequence[str]

    @cached_property
    def cards(self) -> list[dict[str, Any]]:
        """What the template says of each row, originals last: as many as there is room for."""
        room, cards, numbers = MOST_PICTURE_BYTES, [], {name: number for number, name in enumerate(self.classes)}
        for line in sorted(self.lines, key=lambda line: line.method == Unmixed.name):
            tiles = [*map(self._tile, roles(len(line.parents)), (*line.parents, line.result))]
            room -= sum(len(each["url"]) + sum(map(len, each["marks"].values())) for each in tiles)
            room -= sum(map(len, line.played))
            if room < 0:
                break
            found = sorted(numbers[name] for name in _classes(line) & numbers.keys())
            objects = sorted(line.result.objects, key=lambda each: -each.area)
            cards.append({"line": line, "classes": found, "tiles": tiles, "objects": objects})
        return cards

    @property
    def playing(self) -> int:
        """How many of them play."""
        return sum(bool(card["line"].played) for card in self.cards)

    @cached_property
    def classes(self) -> list[str]:
        """The names of the classes that occur, in the order of the labels."""
        used = {name for line in self.lines for name in _classes(line)}
        return [name for name in self.class_names if name in used]

    @cached_property
    def has_objects(self) -> bool:
        return any(tile.objects for line in self.lines for tile in (*line.parents, line.result))

    @property
    def parents(self) -> list[str]:
        """What the parents of rows are called, whose objects are seen."""
        seen = (each.parent for line in self.lines for each in line.result.objects)
        return roles(max((*seen, 0)) + 1)[:-1]

    @property
    def methods(self) -> list[str]:
        return sorted({line.method for line in self.lines})

    def _tile(self, role: str, tile: Tile) -> dict[str, Any]:
        label, url = " ".join(word.name + word.rest for word in tile.label), ""
        height, width = (0, 0) if tile.picture is None else tile.picture.shape[:2]
        if tile.picture is not None:
            most_px = SMALL_PX if len(self.lines) > USUAL_ROWS else OBJECTS_PX if self.has_objects else LARGE_PX
            url = data_url(tile.picture, drawn.most_px(most_px, height, width))
        marks = marks_of(tile.objects)
        return {
            "role": role,
            "tile": tile,
            "label": label,
            "url": url,
            "width": width,
            "height": height,
            "is_strip": drawn.is_strip(height, width),
            "marks": marks,
        }


def _classes(line: Line) -> set[str]:
    tiles = (*line.parents, line.result)
    named = {each.name for tile in tiles for each in tile.objects}
    return named | {name for name, _ in line.weights} | {word.name for tile in line.parents for word in tile.label}


def marks_of(objects: Sequence[Seen]) -> dict[str, str]:
    """Paths of an SVG, by CSS class: the boxes of objects (`p0` of the base, `p1` of the donor …) and dots at their
    keypoints. The larger boxes come first."""
    paths: dict[str, str] = {}
    for each in sorted(objects, key=lambda each: -each.area):
        name = f"p{each.parent % len(COLOURS)}"
        x, y, right, bottom = (round(edge, 1) for edge in each.box)
        width, height = round(right - x, 1), round(bottom - y, 1)
        paths[name] = f"{paths.get(name, '')}M{x:g} {y:g}h{width:g}v{height:g}h{-width:g}z"
    for each in objects:
        name = f"p{each.parent % len(COLOURS)} dots"
        dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y, _ in each.points)
        paths |= {name: paths.get(name, "") + dots} if dots else {}
    return paths


def data_url(picture: NDArray[np.uint8], most_px: int) -> str:
    """A picture uint8 (height, width, 3) as WebP, shrunk where it is larger than `most_px`."""
    image = Image.fromarray(picture)
    is_lossless = most_px > SMALL_PX and max(image.size) <= LOSSLESS_PX
    image.thumbnail((most_px, most_px), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=is_lossless, quality=75, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
