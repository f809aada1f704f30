"""Index maps from images whose pixels have the id of a segment: a thing, or a stretch of something."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.fit import fit_map
from mixup_cli.fields.form import Form, SampleDtype
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.objects import Objects
from mixup_cli.fields.target import Survey, Target
from mixup_cli.sources.annotations.noted import NotedPictures
from mixup_cli.sources.pictures.decode import upright
from mixup_cli.sources.reading.encoded import Undecodable

NUMBERS = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L")
"""Pillow's modes of one number a pixel."""

BYTES_OF_ID = (1, 1 << 8, 1 << 16)
"""What red, green and blue count in an id (COCO's panoptic format)."""


@dataclass(frozen=True)
class Segments:
    """What the ids of n samples stand for. Those of sample i are `ids[starts[i]:starts[i + 1]]`, ascending, and each
    has a number in the map in `numbers`, which `dtype` holds. Other ids have the number `otherwise`; None: they are not
    known. `void` is the number around a picture."""

    starts: NDArray[np.int64]
    ids: NDArray[np.int64]
    numbers: NDArray[np.int64]
    dtype: SampleDtype
    void: int = 0
    otherwise: int | None = 0

    @classmethod
    def of_classes(cls, found: Sequence[dict[int, int]], void: int) -> Self:
        """The masks of samples, from a class for each id."""
        counts = np.cumsum([0, *map(len, found)])
        pairs = np.array([pair for each in found for pair in sorted(each.items())], np.int64).reshape(-1, 2)
        dtype: SampleDtype = "uint16" if max(void, pairs[:, 1].max(initial=0)) > np.iinfo(np.uint8).max else "uint8"
        return cls(counts, pairs[:, 0].copy(), pairs[:, 1].copy(), dtype, void, None)

    @classmethod
    def of_objects(cls, objects: Objects) -> Self:
        """The instances of samples whose objects have the ids of their segments."""
        sample = np.repeat(np.arange(len(objects)), objects.counts)
        order = np.lexsort((objects.ids, sample))
        return cls(objects.starts, objects.ids[order], order - objects.starts[sample] + 1, "uint16")

    def numbered(self, index: int, pixels: NDArray[np.int64]) -> NDArray[np.int64]:
        """The map of a sample from its ids (height, width). Raises Undecodable for ids that are not known."""
        part = slice(*self.starts[index : index + 2].tolist())
        ids, numbers = np.append(self.ids[part], -1), np.append(self.numbers[part], self.otherwise or 0)
        place = np.searchsorted(ids[:-1], pixels)
        is_known = ids[place] == pixels
        if self.otherwise is None and not is_known.all():
            raise Undecodable(f"has a segment with the id {pixels[~is_known].min()}, which its annotation lacks")
        found: NDArray[np.int64] = np.where(is_known, numbers[place], numbers[-1])
        return found

    def digest(self, index: int) -> bytes:
        """A sha256 of what the ids of a sample stand for: 32 bytes."""
        part = slice(*self.starts[index : index + 2].tolist())
        return hashlib.sha256(np.stack([self.ids[part], self.numbers[part]]).astype("<i8").tobytes()).digest()


class SegmentMaps(NotedPictures):
    """An index map from images of ids. `extent_of` gives height and width of a picture, zeros if it cannot be read."""

    def __init__(
        self,
        files: tuple[str, Sequence[str]],
        segments: Segments,
        extent_of: Callable[[int], tuple[int, int]],
        max_pixels: int,
    ) -> None:
        root, paths = files
        super().__init__(root, paths, Labels(), max_pixels=max_pixels)
        self.void = segments.void
        self._segments, self._extent_of = segments, extent_of

    def noted(self, index: int) -> bytes:
        """See `NotedPictures`."""
        return self._segments.digest(index)

    def survey(self, limit: int | None = None) -> Survey:
        """See `Source.survey`."""
        found = super().survey(1)
        form = Form(next(iter(found.sizes), (1, 1)), self._segments.dtype, "hw")
        return Survey(Counter(), Counter({form.dtype: 1}), form, found.broken)

    def decode(self, index: int, data: bytes, target: Target, out: NDArray[np.generic]) -> None:
        """See `EncodedPictures.decode`."""
        out[...] = self._map(index, data, target)

    def _map(self, index: int, data: bytes, target: Target) -> NDArray[np.generic]:
        pixels = ids_of(data, self._max_pixels)
        check_extent(pixels.shape, self._extent_of(index))
        return fit_map(self._segments.numbered(index, pixels), target)

    def check(self, index: int, data: bytes, target: Target) -> None:
        """See `EncodedPictures.check`: only pixels show whether their ids are known."""
        self._map(index, data, target)


def ids_of(data: bytes, max_pixels: int) -> NDArray[np.int64]:
    """The id of each pixel (height, width) of an encoded image. Raises Undecodable."""
    picture = upright(data, max_pixels)
    pixels = np.asarray(picture).astype(np.int64)
    if picture.mode == "RGB":
        ids: NDArray[np.int64] = pixels @ np.array(BYTES_OF_ID)
        return ids
    if picture.mode not in NUMBERS:
        raise Undecodable(f"is not a map of segments: its pixels are {picture.mode}, expected ids in RGB")
    return pixels


def check_extent(shape: tuple[int, ...], extent: tuple[int, int]) -> None:
    """Raises Undecodable for a map of another shape (height, width) than its picture, if that is known."""
    if 0 not in extent and shape != extent:
        found, expected = (f"{width}x{height}" for height, width in (shape, extent))
        raise Undecodable(f"is {found}, and its image is {expected}")
