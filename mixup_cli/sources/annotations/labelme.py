"""labelme's JSON: a file beside each picture, with the shapes that were drawn on it.

https://github.com/wkentaro/labelme. Points are x, y in pixels from 0. A rectangle has two opposite corners; of a
polygon and a circle (its middle and a point of its rim) the box around it counts. As in labelme's own converters,
shapes of one label and `group_id` are one object, and those labelled `__ignore__` are left out.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.sources.annotations.beside import (
    FILE_BYTES,
    Draft,
    Said,
    chosen_folder,
    first_holds,
    held_in,
    missing_picture,
    notes_of,
    pairs_below,
)
from mixup_cli.sources.annotations.notes import CORRECT, MOST_WHOLE, Numbers, shown
from mixup_cli.sources.annotations.source import Annotated, AnnotatedPictures
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.storage.json_files import content_of
from mixup_cli.wording import counted, json_problem

READ_AS = "labelme annotations"

MARKS = (b'"shapes"', b'"imagePath"')
"""The keys that each of the files has."""

IGNORED = "__ignore__"
"""labelme's label for what is not an object."""

LEAST_POINTS = {"rectangle": 2, "polygon": 3, "circle": 2}
"""The shapes that have a box, with the points that each needs."""


CORNERS = 64
"""Of the polygon that stands for a circle."""


def looks_like_labelme(path: Path) -> bool:
    """Whether it is a folder with labelme's JSON in it, or one of splits that have it."""
    return bool(held_in(path, _holds))


def _holds(folder: Path) -> bool:
    return first_holds(folder, ".json", MARKS)


def open_labelme(path: Path, options: SourceOptions) -> AnnotatedPictures:
    """The pictures with the shapes of the files beside them. Pictures without a file are background. Raises DataError
    for files that are not labelme's."""
    folders, others = held_in(path, _holds), Counter[str]()
    folder, notices, ignored = chosen_folder(path, folders, options.split)
    pairs = pairs_below(path, folders, ".json", options.exclude)  # of all splits, which have the same classes
    said = {picture: _said(path, file, others) for picture, file in pairs.pictures.items() if file is not None}
    for file in pairs.alone:
        alone = _said(path, file, others)
        if (picture := missing_picture(file, alone)) in said:
            found = f"{alone.where}: is about {escape_name(picture)}, as another file is."
            raise DataError(found, "Remove one of them.")
        said[picture] = alone
    pictures = sorted(each for each in {*pairs.pictures, *said} if each.startswith(folder))
    if others:
        kinds = ", ".join(sorted(others))
        notices = [*notices, f"left out {counted(others.total(), 'shape')} that are not objects ({kinds:.80})"]
    notes = notes_of(said, pictures, options.classes)
    return Annotated(str(path), str(path), pictures, notes, READ_AS, notices, ignored).opened(options)


def _said(root: Path, file: str, others: Counter[str]) -> Said:
    """What one file says; shapes that have no box are counted in `others`, by kind. Raises DataError for what labelme
    does not write."""
    where = escape_name(str(root / file))
    try:
        content = json.loads(content_of(root / file, FILE_BYTES))
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{where}: is not JSON ({json_problem(problem)}).", "Fetch it again.") from None
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise DataError(f"{where}: lacks the list shapes, which labelme writes.", "Remove it, or correct it.")
    drafts, groups = list[Draft](), dict[tuple[str, str], int]()
    for number, shape in enumerate(content["shapes"], 1):
        place = f"{where}: shape {number}"
        if not isinstance(shape, dict):
            raise DataError(f"{place}: is {shown(shape)}, expected an object of JSON.", CORRECT)
        kind = shape.get("shape_type") or "polygon"
        kind = IGNORED if shape.get("label") == IGNORED else kind
        if not isinstance(kind, str) or kind not in LEAST_POINTS:
            others[kind if isinstance(kind, str) else "of another kind"] += 1
            continue
        points = shape.get("points")
        if not _are_points(points) or len(points) < LEAST_POINTS[kind]:
            expected = f"at least {LEAST_POINTS[kind]} pairs of numbers"
            raise DataError(f"{place}: the points of its {kind} are {shown(points)}, expected {expected}.", CORRECT)
        drafts.append(Draft(place, _box(kind, points), shape.get("label"), outline=_outline(kind, points)))
        if (group := shape.get("group_id")) is not None:
            first = groups.setdefault((_whole(shape.get("label")), _whole(group)), len(drafts) - 1)
            if first < len(drafts) - 1:
                drafts[first] = _together(drafts[first], drafts.pop())
    return Said(where, drafts, (content.get("imageWidth"), content.get("imageHeight")), content.get("imagePath"))


def _whole(value: object) -> str:
    """A label or a group to compare, of any length; of containers, which may be nested deeply, the kind alone."""
    return shown(value) if isinstance(value, dict | list) else repr(value)


def _box(kind: str, points: Sequence[Numbers]) -> Numbers:
    """The box around a shape."""
    if kind == "circle":
        (x, y), rim = points[:2]
        radius = math.dist((x, y), rim)
        return (x - radius, y - radius, x + radius, y + radius)
    columns = [*zip(*points, strict=True)]
    return (*map(min, columns), *map(max, columns))


def _outline(kind: str, points: Sequence[Numbers]) -> tuple[NDArray[np.float64], ...]:
    """A shape as a polygon."""
    corners = np.array(points, np.float64)
    if kind == "rectangle":
        (x1, y1), (x2, y2) = points[:2]
        corners = np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], np.float64)
    elif kind == "circle":
        angles = np.arange(CORNERS) * (2 * np.pi / CORNERS)
        radius = math.dist(points[0], points[1])
        corners = np.array(points[0]) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return (corners.ravel(),)


def _together(first: Draft, second: Draft) -> Draft:
    """Two shapes of one object."""
    outline = (*(first.outline or ()), *(second.outline or ()))
    return replace(first, box=_around([first.box, second.box]), outline=outline)


def _around(boxes: Sequence[Numbers]) -> Numbers:
    """The box around some boxes."""
    x1, y1, x2, y2 = zip(*boxes, strict=True)
    return (min(x1), min(y1), max(x2), max(y2))


def _are_points(values: object) -> TypeGuard[list[Numbers]]:
    return isinstance(values, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(map(_is_number, pair)) for pair in values
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not abs(value) > MOST_WHOLE
