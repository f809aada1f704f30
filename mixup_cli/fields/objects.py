"""Objects: things in a picture, each with a class and a box, perhaps with keypoints. Parents' objects are concatenated;
they move with the pixels that they stand on, are clipped to what is seen of them, and measured."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

BoxEdges: TypeAlias = Literal["x1, y1, x2, y2 in pixels, from the left and the top edge of the image"]
BOX_EDGES: BoxEdges = get_args(BoxEdges)[0]
"""What the four numbers of `object_box` are."""

NO_CLASS = -1
"""The class in a place for an object that a row does not fill."""

KEYPOINTS = "keypoints"

LOST = "object_lost"
"""The column, behind those of objects, that counts the objects of a row that found no place: only of a bounded number
of places."""


def object_forms(places: int, keypoint_count: int | None) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The columns of objects in order, behind all others: dtype, and shape of a row, with so many places for objects.
    The last one is there unless `keypoint_count` is None."""
    forms: dict[str, tuple[str, tuple[int, ...]]] = {
        "object_count": ("int32", ()),
        "object_box": ("float32", (places, 4)),
        "object_class": ("int32", (places,)),
        "object_weight": ("float32", (places,)),
        "object_visible": ("float32", (places,)),
        "object_parent": ("int8", (places,)),
        "object_id": ("int64", (places,)),
        "object_crowd": ("uint8", (places,)),
    }
    return forms if keypoint_count is None else {**forms, KEYPOINTS: ("float32", (places, keypoint_count, 3))}


OBJECT_COLUMNS = tuple(object_forms(1, 1))
"""The names of all of them."""


@dataclass(frozen=True)
class Keypoints:
    """The names of the J keypoints that an object has, in order, and which of them takes the place of each in a mirror,
    by position from 0."""

    names: tuple[str, ...]
    mirrored: tuple[int, ...]


@dataclass(frozen=True)
class Objects:
    """The objects of n samples, T in all: those of sample i have the numbers `starts[i]` … `starts[i + 1]` − 1.

    `starts` int64 (n + 1); `box` float64 (T, 4) as `BOX_EDGES` says, within the picture as it is shown; `classes` int32
    (T); `ids` int64 (T), by which their source knows them; `crowd` uint8 (T), 1 for a box around many; `extent` int32
    (n, 2), height and width of each picture, zeros of one that cannot be read. `points` float64 (T, J, 3) are x, y and
    COCO's visibility (0 not labelled, 1 hidden, 2 visible) of the keypoints that `keypoints` names.
    """

    starts: NDArray[np.int64]
    box: NDArray[np.float64]
    classes: NDArray[np.int32]
    ids: NDArray[np.int64]
    crowd: NDArray[np.uint8]
    extent: NDArray[np.int32]
    keypoints: Keypoints | None = None
    points: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0, 3)))

    def __len__(self) -> int:
        return len(self.extent)

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many objects each sample has: int64 (n)."""
        return np.diff(self.starts)

    def most(self, parent_count: int) -> int:
        """The most objects that a row of so many different parents can have."""
        return int(np.sort(self.counts)[::-1][:parent_count].sum())

    def numbers_of(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """The numbers of the objects of some samples (m), one sample after the other."""
        counts = self.counts[samples]
        ends = np.cumsum(counts)
        numbers: NDArray[np.int64] = np.arange(counts.sum()) + np.repeat(self.starts[samples] - (ends - counts), counts)
        return numbers

    def at(self, samples: Sequence[int]) -> Objects:
        """The objects of some samples, in that order."""
        chosen = np.array(samples, np.int64)
        numbers = self.numbers_of(chosen)
        return replace(
            self,
            starts=np.concatenate([[0], np.cumsum(self.counts[chosen])]),
            box=self.box[numbers],
            classes=self.classes[numbers],
            ids=self.ids[numbers],
            crowd=self.crowd[numbers],
            extent=self.extent[chosen],
            points=self.points[numbers] if self.keypoints else self.points,
        )

    @classmethod
    def joined(cls, parts: Sequence[Objects]) -> Objects:
        """The objects of several sources, whose classes and keypoints are the same."""
        before = np.cumsum([0, *(len(part.classes) for part in parts)])
        starts = [part.starts[:-1] + first for part, first in zip(parts, before[:-1], strict=True)]
        return cls(
            starts=np.concatenate([*starts, before[-1:]]),
            keypoints=parts[0].keypoints,
            **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _JOINED},
        )

    def digest(self, sample: int) -> bytes:
        """A sha256 of what is known of one sample: 32 bytes."""
        part = slice(self.starts[sample], self.starts[sample + 1])
        digest = hashlib.sha256()
        known: list[NDArray[Any]] = [self.box, self.classes, self.ids, self.crowd]
        for values in [*known, self.points] if self.keypoints else known:
            little = values[part].astype(values.dtype.newbyteorder("<"), copy=False)
            digest.update(np.ascontiguousarray(little).tobytes())
        return digest.digest()


_JOINED = ("box", "classes", "ids", "crowd", "extent", "points")


@dataclass(frozen=True)
class ObjectField:
    """Objects as a data set stores them. See `fields.field.Field`."""

    kind: ClassVar[Literal["objects"]] = "objects"
    name: ClassVar[str] = "object_box"

    class_names: tuple[str, ...]
    size: tuple[int, int]
    """Height and width of the images."""

    def check(self, columns: Mapping[str, NDArray[Any]], first_row: int) -> Iterator[str]:
        """Objects stand in the first places of each row; they have a known class, and their boxes lie in the image."""
        counts, classes, boxes = (columns[name] for name in ("object_count", "object_class", "object_box"))
        places = classes.shape[1]
        if not ((counts >= 0) & (counts <= places)).all():
            yield f"object_count goes from {counts.min()} to {counts.max()}, and there are {places} places"
            return
        if LOST in columns and ((columns[LOST] < 0) | ((columns[LOST] > 0) & (counts < places))).any():
            yield f"{LOST} is below 0, or above it in a row with a free place"
        is_there = np.arange(places) < counts[:, None]
        for problem, is_right in (
            ("has an object of an unknown class", (classes >= 0) & (classes < len(self.class_names))),
            ("has a box outside of the image, or an empty one", self._inside(boxes)),
            ("has an object with a weight beyond 0 … 1", _is_part(columns["object_weight"])),
            ("has an object of which no part is seen, or more than all", _is_part(columns["object_visible"])),
        ):
            if not (is_right | ~is_there).all():
                row = int(np.argmin((is_right | ~is_there).all(axis=1)))
                yield f"row {first_row + row} {problem}"
        if (classes[~is_there] != NO_CLASS).any() or boxes[~is_there].any():
            yield "a place behind a row's last object is not empty"

    def _inside(self, boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
        x1, y1, x2, y2 = np.moveaxis(boxes, -1, 0)
        height, width = self.size
        inside: NDArray[np.bool_] = (x1 >= 0) & (x1 < x2) & (x2 <= width) & (y1 >= 0) & (y1 < y2) & (y2 <= height)
        return inside


def _is_part(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which values lie in 0 … 1, 0 excluded."""
    return (values > 0) & (values <= 1)
