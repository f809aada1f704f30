"""Instances from outlines: which of a picture's objects each pixel belongs to, as an index map beside the picture.

Polygons and run lengths are COCO's, and pycocotools makes pixels of them.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import from_extra
from mixup_cli.fields.fit import fit_map
from mixup_cli.fields.form import Form
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.objects import Objects
from mixup_cli.fields.target import Survey, Target
from mixup_cli.sources.annotations.notes import Outline
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.loaded import Loaded

MOST_DRAWN = 65535
"""Of one picture: its map is uint16."""

LONGEST_PX = 2_000_000
"""Around all polygons of an object: pycocotools takes forty bytes for each pixel on the way."""

_RUNS = re.compile(rb"([0-O]|[P-o](?=[0-o]))*")
"""Run lengths as text: six bits a character, the upper one says that another follows."""


class OutlineMaps(Source):
    """The instances of pictures with objects: 0, or the number of an object in its picture, from 1.

    `outlines` and `wheres` are those of the objects, in their order. Smaller objects lie on top, of equally large ones
    the later; those around many lie below all others.
    """

    kind: ClassVar[str] = "pictures"
    read_as = "outlines of objects"
    load_limit: int | None = 1
    portable = True
    void = 0

    def __init__(
        self, location: str, keys: Sequence[str], objects: Objects, outlines: Sequence[Outline], wheres: Sequence[str]
    ) -> None:
        super().__init__(location, keys, Labels())
        self._objects, self._outlines, self._wheres = objects, outlines, wheres

    def survey(self, limit: int | None = None) -> Survey:
        """See `Source.survey`."""
        height, width = np.maximum(self._objects.extent[0], 1).tolist()
        return Survey(Counter(), Counter({"uint16": 1}), Form((height, width), "uint16", "hw"))

    def stored_bytes(self) -> Sequence[int]:
        """See `Source.stored_bytes`: they are in memory."""
        return [0] * len(self)

    def rehash(self, index: int) -> str:
        """See `Source.rehash`."""
        digest = hashlib.sha256()
        for outline in self._outlines[self._numbers(index)]:
            digest.update(_known_of(outline))
        return digest.hexdigest()

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """See `Source.load`."""
        return [self._load_one(index, target, out[index - start]) for index in range(start, stop)]

    def _numbers(self, index: int) -> slice:
        return slice(*self._objects.starts[index : index + 2].tolist())

    def _load_one(self, index: int, target: Target, out: NDArray[np.generic]) -> Loaded:
        height, width = self._objects.extent[index].tolist()
        if 0 in (height, width):  # the picture cannot be read, which is reported where it is
            out[...] = 0
            return Loaded(0, self.rehash(index))
        numbers = self._numbers(index)
        if (count := numbers.stop - numbers.start) > MOST_DRAWN:
            return Loaded(0, self.rehash(index), f"has {count:,} objects, and at most {MOST_DRAWN:,} can be drawn")
        drawn = np.zeros((height, width), np.uint16)
        found: list[tuple[tuple[bool, int], int, Any]] = []
        for place, number in enumerate(range(numbers.start, numbers.stop), 1):
            try:
                runs = _runs(self._outlines[number], self._objects.box[number], (height, width))
            except ValueError as problem:
                return Loaded(0, self.rehash(index), f"{self._wheres[number]}: {problem}")
            found.append(((not self._objects.crowd[number], -_area(runs)), place, runs))
        for _, place, runs in sorted(found, key=lambda each: each[0]):
            drawn[_pixels(runs)] = place
        out[...] = fit_map(drawn, target)
        return Loaded(0, self.rehash(index))


def check_library() -> None:
    """Raises UsageError without pycocotools."""
    with from_extra("objects", "drawing outlines", field="task", value="segment"):
        import pycocotools.mask  # noqa: F401  # only whether it is there


@cache
def _coco() -> Any:
    """pycocotools. Its warning about NumPy 2 is for its authors."""
    from pycocotools import mask

    warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy", DeprecationWarning)
    return mask


def _runs(outline: Outline, box: NDArray[np.float64], size: tuple[int, int]) -> Any:
    """Run lengths as pycocotools has them. Raises ValueError, which says what is wrong with an outline."""
    if isinstance(outline, Mapping):
        return _checked(outline, size)
    if outline is None:
        x1, y1, x2, y2 = box.tolist()
        outline = (np.array([x1, y1, x2, y1, x2, y2, x1, y2]),)
    lengths = 0.0
    for polygon in outline:
        corners = polygon.reshape(-1, 2)
        beyond = (corners < -np.array(size[::-1])) | (corners > 2 * np.array(size[::-1]))
        if not np.isfinite(corners).all() or beyond.any():
            raise ValueError(f"has an outline far outside of the image, which is {size[1]}x{size[0]}")
        lengths += float(np.abs(np.diff(corners, axis=0, append=corners[:1])).max(axis=1).sum())
    if lengths > LONGEST_PX:
        raise ValueError(f"has an outline of more than {LONGEST_PX:,} pixels")
    return _coco().merge(_coco().frPyObjects([polygon.tolist() for polygon in outline], *size))


def _checked(runs: Mapping[str, Any], size: tuple[int, int]) -> Any:
    height, width = size
    if (found := runs.get("size")) != [height, width]:
        raise ValueError(f"has run lengths for the size {found!r:.40}, expected [{height}, {width}]")
    counts = runs.get("counts")
    data = counts.encode() if isinstance(counts, str) and counts.isascii() else b" "
    if isinstance(counts, list):
        is_whole = all(isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in counts)
        total = sum(counts) if is_whole else -1
    else:
        total = _total(data) if _RUNS.fullmatch(data) else -1
    if total != height * width:  # pycocotools leaves what is missing as it finds it in memory
        raise ValueError(f"has run lengths that are not those of {height * width} pixels")
    if isinstance(counts, list):
        return _coco().frPyObjects(dict(runs), height, width)
    return {"size": [height, width], "counts": data}


def _total(data: bytes) -> int:
    """How many pixels run lengths as text are for, −1 if one is negative: five bits a character, the lowest first, and
    from the fourth length on differences to the one before the last (COCO's API, `rleFrString`)."""
    counts, value, shift = list[int](), 0, 0
    for character in data:
        bits = character - ord("0")
        value, shift = value | (bits & 31) << shift, shift + 5
        if bits & 32:
            continue
        value -= (bits & 16) << (shift - 4)
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value, shift = 0, 0
    return sum(counts) if min(counts, default=0) >= 0 else -1


def _area(runs: Any) -> int:
    return int(_coco().area(runs))


def _pixels(runs: Any) -> NDArray[np.bool_]:
    return np.asarray(_coco().decode(runs)).astype(bool)


def _known_of(outline: Outline) -> bytes:
    """What an outline's hash is made of."""
    if outline is None:
        return b"box"
    if isinstance(outline, Mapping):
        return f"runs {outline.get('size')} {outline.get('counts')}".encode("utf-8", "replace")
    return b"".join(b"polygon" + polygon.astype("<f8").tobytes() for polygon in outline)
