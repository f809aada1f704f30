"""What annotation files say, object by object, before the pictures are looked at; and the objects that it makes."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import OnError
from mixup_cli.errors import DataError
from mixup_cli.fields.objects import Keypoints, Objects
from mixup_cli.sources.reading.labels import CLASS_LIMIT
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.wording import counted, encodable, setting

MOST_WHOLE = 2**63 - 1
"""What int64 holds, and a float about: the most that ids and numbers of pixels can be."""

CORRECT = "Correct the file."

Numbers = Sequence[float]

Outline: TypeAlias = "tuple[NDArray[np.float64], ...] | Mapping[str, Any] | None"
"""Of an object: polygons, each x, y, x, y …; or COCO's run lengths, `size` (height, width) and `counts`; None if a file
says no more of it than its box."""


@dataclass(frozen=True)
class Fault:
    """An object that cannot be used: where it stands, and why."""

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


@dataclass(frozen=True)
class Made:
    """The objects that notes make, what to say of those that were left out, and of each object its outline and where
    it stands."""

    objects: Objects
    notices: list[str]
    outlines: list[Outline]
    wheres: list[str]


@dataclass
class Notes:
    """Objects as annotation files have them, in any order. `where` is for messages: the file, and the place in it.

    Boxes are x1, y1, x2, y2 in pixels; with `relative` in parts of the picture's width and height, keypoints too.
    """

    class_names: tuple[str, ...]
    keypoints: Keypoints | None = None
    relative: bool = False
    picture: array[int] = field(default_factory=lambda: array("q"))
    box: array[float] = field(default_factory=lambda: array("d"))
    classes: array[int] = field(default_factory=lambda: array("i"))
    ids: array[int] = field(default_factory=lambda: array("q"))
    crowd: array[int] = field(default_factory=lambda: array("b"))
    points: array[float] = field(default_factory=lambda: array("d"))
    """All numbers in one line: as objects of Python, those of COCO would take 400 MB."""

    where: list[str] = field(default_factory=list)
    outlines: list[Outline] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    sizes: dict[int, tuple[str, float, float]] = field(default_factory=dict)
    """By picture: where a file says how wide and how high it is, and these."""

    @cached_property
    def _no_points(self) -> tuple[float, ...]:
        """The keypoints of an object without any."""
        return (0.0,) * (3 * len(self.keypoints.names) if self.keypoints else 0)

    def __len__(self) -> int:
        """How many objects were added, faults among them."""
        return len(self.classes) + len(self.faults)

    def sized(self, where: str, picture: int, width: object, height: object) -> None:
        """Note the size that a file says a picture has; tools write zeros for sizes that they do not know."""
        if width in (None, 0) or height in (None, 0):
            return
        if not all(isinstance(side, int | float) and abs(side) <= MOST_WHOLE for side in (width, height)):
            found = f"{where}: says that its image is {shown(width)} x {shown(height)}, expected numbers of pixels."
            raise DataError(found, CORRECT)
        self.sizes[picture] = (where, width, height)  # type: ignore[assignment]  # numbers, as was just checked

    def check_sizes(self, extent: NDArray[np.int32], paths: Sequence[str]) -> None:
        """Raise DataError where the header of a picture has another size than the files say: places in it are then not
        where they are meant to be. `extent` int32 (n, 2) has height and width of the pictures `paths`."""
        for picture, (where, width, height) in self.sizes.items():
            high, wide = extent[picture].tolist()
            if wide and (wide, high) != (width, height):
                turned = (wide, high) == (height, width)
                remedy = "Annotate it as it is shown, with its EXIF orientation." if turned else "Give the right file."
                found = f"{where}: {escape_name(paths[picture])} is {wide}x{high}, expected {width:.9g}x{height:.9g}."
                raise DataError(found, remedy)

    def add(  # noqa: PLR0913  # the parts of an object, given by name
        self,
        where: str,
        picture: int,
        *,
        box: Numbers,
        class_number: int,
        number: int,
        crowd: bool = False,
        points: Numbers = (),
        outline: Outline = None,
    ) -> None:
        """Note an object of a picture; one that no picture could have is a fault."""
        if (problem := self._problem(box, class_number, number, points)) is not None:
            self.faults.append(Fault(where, problem))
            return
        self.picture.append(picture)
        self.box.extend(box)
        self.classes.append(class_number)
        self.ids.append(number)
        self.crowd.append(crowd)
        self.points.extend(points or self._no_points)
        self.outlines.append(outline)
        self.where.append(where)

    def _problem(self, box: Numbers, class_number: int, number: int, points: Numbers) -> str | None:
        if not 0 <= class_number < len(self.class_names):
            return f"has the class {class_number}, and there are {len(self.class_names)}"
        if not 0 <= number <= MOST_WHOLE:
            return f"has the id {shown(number)}, expected 0 … 2^63-1"
        if not all(map(math.isfinite, (*box, *points))):
            return "has a number that is not finite"
        if not (box[0] < box[2] and box[1] < box[3]):
            return f"has an empty box, from {box[0]:g}, {box[1]:g} to {box[2]:g}, {box[3]:g}"
        if points and len(points) != len(self._no_points):
            return f"has {len(points)} numbers for keypoints, expected {len(self._no_points)}"
        if unknown := {*points[2::3]} - {0, 1, 2}:
            return f"has a keypoint of the visibility {min(unknown):g}, expected 0, 1 or 2"
        return None

    def objects(self, extent: NDArray[np.int32], order: Sequence[int], on_error: OnError) -> Made:
        """The objects of the pictures `order`, whose height and width are `extent` int32 (n, 2) in that order; and what
        to say of those that were left out. Boxes are clipped to their pictures. Raises DataError for objects that
        cannot be used, unless they may be left out."""
        place = np.empty(len(order), np.int64)
        place[list(order)] = np.arange(len(order))
        sample = place[np.frombuffer(self.picture, np.int64)]
        sides = extent[sample][:, ::-1].astype(np.float64)  # width and height
        known: NDArray[np.bool_] = np.asarray((sides > 0).all(axis=1))
        scale = sides if self.relative else np.ones_like(sides)
        box = np.frombuffer(self.box, np.float64).reshape(-1, 4) * np.tile(scale, 2)
        clipped = np.where(known[:, None], np.clip(box, 0, np.tile(sides, 2)), box)
        is_right = (clipped[:, :2] < clipped[:, 2:]).all(axis=1) | ~known
        faults = [*self.faults, *self._outside(np.flatnonzero(~is_right), sides)]
        notices = _settled(faults, on_error)
        chosen = np.flatnonzero(is_right)
        chosen = chosen[np.argsort(sample[chosen], kind="stable")]
        starts = np.concatenate([[0], np.cumsum(np.bincount(sample[chosen], minlength=len(order)))])
        made = Objects(
            starts.astype(np.int64),
            clipped[chosen],
            np.frombuffer(self.classes, np.int32)[chosen],
            np.frombuffer(self.ids, np.int64)[chosen],
            np.frombuffer(self.crowd, np.uint8)[chosen],
            extent,
            self.keypoints,
            self._points(scale)[chosen] if self.keypoints else np.zeros((0, 0, 3)),
        )
        wheres = [self.where[number] for number in chosen.tolist()]
        return Made(made, notices, [self._outline(number, scale[number]) for number in chosen.tolist()], wheres)

    def _outline(self, number: int, scale: NDArray[np.float64]) -> Outline:
        """The outline of an object, in pixels."""
        outline = self.outlines[number]
        if not self.relative or not isinstance(outline, tuple):
            return outline
        return tuple((polygon.reshape(-1, 2) * scale).ravel() for polygon in outline)

    def _points(self, scale: NDArray[np.float64]) -> NDArray[np.float64]:
        """Keypoints in pixels, (T, J, 3); those that are not labelled are zeros, as all are of objects without any."""
        points = np.array(self.points).reshape(len(self.classes), len(self._no_points) // 3, 3)
        points[..., :2] *= scale[:, None]
        return np.where(points[..., 2:] > 0, points, 0)

    def _outside(self, numbers: NDArray[np.int64], sides: NDArray[np.float64]) -> Iterator[Fault]:
        for number in numbers.tolist():
            width, height = sides[number].astype(int)
            yield Fault(self.where[number], f"its box lies outside of the image, which is {width}x{height}")


def _settled(faults: Sequence[Fault], on_error: OnError) -> list[str]:
    """Raise DataError for the first of some faults, or say that they were left out."""
    if not faults:
        return []
    if on_error == "fail":
        others = f" ({counted(len(faults) - 1, 'other object')} cannot be used either)" * (len(faults) > 1)
        raise DataError(f"{faults[0]}{others}.", f"Correct that, or pass {setting('on_error', 'skip')}.")
    first = f"{faults[0]}" if len(faults) == 1 else f"the first: {faults[0]}"
    return [f"{counted(len(faults), 'object')} left out ({first})"]


def shown(value: object) -> str:
    """What a file has in place of a number or a text, for a message: of containers the kind alone."""
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "an object"
    return f"{value!r:.60}"


def checked_names(names: Sequence[object], where: str, what: str = "class") -> tuple[str, ...]:
    """Names as texts that UTF-8 can encode. Raises DataError for what is not a text, for names that stand twice, and
    for too many."""
    if len(names) > CLASS_LIMIT:
        raise DataError(f"{where}: has {len(names):,} names, expected at most {CLASS_LIMIT:,}.", CORRECT)
    found: dict[str, None] = {}
    for name in names:
        if not isinstance(name, str) or not name.strip() or encodable(name) in found:
            raise DataError(f"{where}: a {what} has the name {shown(name)}, expected another text.", CORRECT)
        found[encodable(name)] = None
    return tuple(found)
