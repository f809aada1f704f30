"""What annotation files say, object by object, before the pictures are looked at; and the objects that it makes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import OnError
from mixup_cli.errors import DataError
from mixup_cli.fields.objects import Keypoints, Objects
from mixup_cli.wording import counted, setting

MOST_ID = 2**63 - 1

Numbers = Sequence[float]


@dataclass(frozen=True)
class Fault:
    """An object that cannot be used: where it stands, and why."""

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


@dataclass
class Notes:
    """Objects as annotation files have them, in any order. `where` is for messages: the file, and the place in it.

    Boxes are x1, y1, x2, y2 in pixels; with `relative` in parts of the picture's width and height, keypoints too.
    """

    class_names: tuple[str, ...]
    keypoints: Keypoints | None = None
    relative: bool = False
    picture: list[int] = field(default_factory=list)
    box: list[Numbers] = field(default_factory=list)
    classes: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    crowd: list[bool] = field(default_factory=list)
    points: list[Numbers] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

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
    ) -> None:
        """Note an object of a picture; one that no picture could have is a fault."""
        if (problem := self._problem(box, class_number, number, points)) is not None:
            self.faults.append(Fault(where, problem))
            return
        self.picture.append(picture)
        self.box.append(box)
        self.classes.append(class_number)
        self.ids.append(number)
        self.crowd.append(crowd)
        self.points.append(points)
        self.where.append(where)

    def _problem(self, box: Numbers, class_number: int, number: int, points: Numbers) -> str | None:
        if not 0 <= class_number < len(self.class_names):
            return f"has the class {class_number}, and there are {len(self.class_names)}"
        if not 0 <= number <= MOST_ID:
            return f"has the id {number}, expected 0 … 2^63-1"
        if not all(map(math.isfinite, (*box, *points))):
            return "has a number that is not finite"
        if not (box[0] < box[2] and box[1] < box[3]):
            return f"has an empty box, from {box[0]:g}, {box[1]:g} to {box[2]:g}, {box[3]:g}"
        wanted = 3 * len(self.keypoints.names) if self.keypoints else 0
        if points and len(points) != wanted:
            return f"has {len(points)} numbers for keypoints, expected {wanted}"
        return None

    def objects(self, extent: NDArray[np.int32], order: Sequence[int], on_error: OnError) -> tuple[Objects, list[str]]:
        """The objects of the pictures `order`, whose height and width are `extent` int32 (n, 2) in that order; and what
        to say of those that were left out. Boxes are clipped to their pictures. Raises DataError for objects that
        cannot be used, unless they may be left out."""
        place = np.empty(len(order), np.int64)
        place[list(order)] = np.arange(len(order))
        sample = place[np.array(self.picture, np.int64)]
        sides = extent[sample][:, ::-1].astype(np.float64)  # width and height
        known = (sides > 0).all(axis=1)
        scale = sides if self.relative else np.ones_like(sides)
        box = np.array(self.box, np.float64).reshape(-1, 4) * np.tile(scale, 2)
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
            np.array(self.classes, np.int32)[chosen],
            np.array(self.ids, np.int64)[chosen],
            np.array(self.crowd, np.uint8)[chosen],
            extent,
            self.keypoints,
            self._points(scale)[chosen] if self.keypoints else np.zeros((0, 0, 3)),
        )
        return made, notices

    def _points(self, scale: NDArray[np.float64]) -> NDArray[np.float64]:
        """Keypoints in pixels, (T, J, 3); those that are not labelled are zeros, as all are of objects without any."""
        count = len(self.keypoints.names) if self.keypoints else 0
        rows = [points or (0.0,) * (3 * count) for points in self.points]
        points = np.array(rows, np.float64).reshape(-1, count, 3)
        points[..., :2] *= scale[:, None]
        return np.where(points[..., 2:] > 0, points, 0)

    def _outside(self, numbers: NDArray[np.int64], sides: NDArray[np.float64]) -> Iterator[Fault]:
        for number in numbers.tolist():
            width, height = sides[number].astype(int)
            yield Fault(self.where[number], f"its box lies outside of the picture, which is {width}x{height}")


def _settled(faults: Sequence[Fault], on_error: OnError) -> list[str]:
    """Raise DataError for the first of some faults, or say that they were left out."""
    if not faults:
        return []
    if on_error == "fail":
        others = f" ({counted(len(faults) - 1, 'other object')} cannot be used either)" * (len(faults) > 1)
        raise DataError(f"{faults[0]}{others}.", f"Correct that, or pass {setting('on_error', 'skip')}.")
    first = f"{faults[0]}" if len(faults) == 1 else f"the first: {faults[0]}"
    return [f"{counted(len(faults), 'object')} left out ({first})"]
