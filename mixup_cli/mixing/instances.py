"""The instances of mixed rows: which object each pixel belongs to, and what is seen of each object by its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Seen:
    """What is seen of objects, by code, in each of m rows: `area` int64 (m, codes) in pixels, and the edges `low` and
    `high` float64 (m, codes, 2: y, x) of the tightest boxes around it; zeros of objects that are not seen."""

    area: Numbers
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class InstanceMaps:
    """The instances of m rows. An object's code in a row is its parent's slot times `stride`, and its number among the
    objects of that sample, from 1.

    `codes` int32 (m, height, width), or (m, P, height, width) with a map for each parent, are 0 where there is no
    object. `own` int64 (m, P, stride) is how many pixels each object has in its sample.
    """

    codes: Codes
    own: Numbers
    stride: int

    @classmethod
    def of(cls, numbers: NDArray[Any], slots: NDArray[Any] | None, own: Numbers) -> Self:
        """From the number at each position, (m, height, width) with the slot of its parent there, or (m, P, height,
        width) without."""
        stride = own.shape[-1]
        if slots is None:
            slots = np.arange(numbers.shape[1])[:, None, None]
        return cls(np.where(numbers > 0, numbers + slots * np.int32(stride), 0).astype(np.int32), own, stride)

    @property
    def code_count(self) -> int:
        """One more than the largest code."""
        return int(self.own.shape[1]) * self.stride

    def seen(self) -> Seen:
        """Measure every object."""
        from scipy import ndimage  # slow to import, and only samples with instances need it

        shape = (len(self.codes), self.code_count)
        area, low, high = np.zeros(shape, np.int64), np.zeros((*shape, 2)), np.zeros((*shape, 2))
        for row, codes in enumerate(self.codes):
            area[row] = np.bincount(codes.ravel(), minlength=self.code_count)
            for code, found in enumerate(ndimage.find_objects(codes), 1):
                if found is not None:
                    low[row, code] = [part.start for part in found[-2:]]
                    high[row, code] = [part.stop for part in found[-2:]]
        return Seen(area, low, high)

    def drawn(self, row: Numbers, code: Numbers, place: Numbers) -> NDArray[np.uint16]:
        """The column: of some objects, given by row and code, their places in the row, from 1; 0 elsewhere."""
        places = np.zeros((len(self.codes), self.code_count), np.uint16)
        places[row, code] = place + 1
        drawn = np.empty(self.codes.shape, np.uint16)
        for number, codes in enumerate(self.codes):
            drawn[number] = places[number][codes]
        return drawn


def pixel_counts(samples: NDArray[Any], parents: Numbers, stride: int) -> Numbers:
    """How many pixels each object has in the samples (n, height, width) of some parents (m, P): int64 (m, P, stride),
    of number 0 those without an object."""
    used, which = np.unique(parents, return_inverse=True)
    counts = np.array([np.bincount(samples[sample].ravel(), minlength=stride) for sample in used.tolist()])
    found: Numbers = counts.reshape(len(used), stride)[which.reshape(parents.shape)]
    return found
