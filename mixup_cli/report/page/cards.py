"""The contact sheet of the page: which rows it shows, and their pictures as data URLs."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.methods.none import Unmixed
from mixup_cli.report.lines import Line, Tile
from mixup_cli.report.page.tally import NOT_SEEN

USUAL_ROWS, MOST_ROWS = 96, 720
"""How many rows are shown, and where it takes more to show every class and method, at most."""

LARGE_PX, SMALL_PX, LOSSLESS_PX = 112, 56, 64
"""The longer side of a picture is shrunk to this: of usual rows, and of more. Usual ones this small stay as they are,
without loss."""

MOST_PICTURE_BYTES = 3_400_000
"""Of all pictures as data URLs: the page stays below 5 MB. Later rows are left out."""


def chosen_rows(first: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The rows to show of `count`, ascending: int64 (m).

    By `first` (methods, classes), the first row of each method, of each class, and of each class with each method, and
    then rows spread evenly.
    """
    wanted = [first.min(axis=1, initial=NOT_SEEN), first.min(axis=0, initial=NOT_SEEN), np.sort(first.ravel())]
    wanted = [rows[rows != NOT_SEEN] for rows in wanted]
    needed = np.array([*dict.fromkeys(np.concatenate(wanted).tolist())][:MOST_ROWS], np.int64)
    if len(needed) < USUAL_ROWS:
        spread = np.linspace(0, count - 1, min(count, USUAL_ROWS)).astype(np.int64)
        others = np.setdiff1d(spread, needed)
        needed = np.append(needed, others[np.linspace(0, len(others) - 1, USUAL_ROWS - len(needed)).astype(int)])
    return np.unique(needed)


@dataclass(frozen=True)
class Sheet:
    """Rows as the page shows them."""

    lines: Sequence[Line]
    class_names: Sequence[str]

    @cached_property
    def cards(self) -> list[dict[str, Any]]:
        """What the template says of each row, originals last: as many as there is room for."""
        room, cards = MOST_PICTURE_BYTES, []
        for line in sorted(self.lines, key=lambda line: line.method == Unmixed.name):
            card = self._card(line)
            room -= sum(len(tile["picture"]) for tile in (*card["parents"], card["result"]))
            if room < 0:
                break
            cards.append(card)
        return cards

    @cached_property
    def classes(self) -> list[str]:
        """The names of the classes that occur, in the order of the labels."""
        used = {name for line in self.lines for name in _classes(line)}
        return [name for name in self.class_names if name in used]

    @property
    def methods(self) -> list[str]:
        return sorted({line.method for line in self.lines})

    def _card(self, line: Line) -> dict[str, Any]:
        numbers = {name: number for number, name in enumerate(self.classes)}
        return {
            "line": line,
            "classes": sorted(numbers[name] for name in _classes(line) if name in numbers),
            "parents": [self._tile(tile) for tile in line.parents],
            "result": self._tile(line.result),
        }

    def _tile(self, tile: Tile) -> dict[str, Any]:
        label = " ".join(word.name + word.rest for word in tile.label)
        shown: dict[str, Any] = {"key": tile.key, "label": label, "problem": tile.problem, "picture": ""}
        if tile.picture is None:
            return shown
        is_many = len(self.lines) > USUAL_ROWS
        height, width = tile.picture.shape[:2]
        return {**shown, "picture": data_url(tile.picture, is_many), "width": width, "height": height, "box": tile.box}


def _classes(line: Line) -> Iterable[str]:
    yield from (name for name, _ in line.weights)
    yield from (word.name for tile in line.parents for word in tile.label)


def data_url(picture: NDArray[np.uint8], is_small: bool) -> str:
    """A picture uint8 (height, width, 3) as WebP, shrunk where it is large."""
    image, most_px = Image.fromarray(picture), SMALL_PX if is_small else LARGE_PX
    is_lossless = not is_small and max(image.size) <= LOSSLESS_PX
    image.thumbnail((most_px, most_px), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=is_lossless, quality=75, method=4)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"
