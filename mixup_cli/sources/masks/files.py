"""Class masks in image files, as an index map beside their pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import MixupGenError
from mixup_cli.fields.fit import fit_map
from mixup_cli.fields.form import Form, SampleDtype
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.target import Survey, Target
from mixup_cli.sources.annotations.segments import NUMBERS, check_extent
from mixup_cli.sources.pictures.decode import upright
from mixup_cli.sources.pictures.source import PictureSource
from mixup_cli.sources.reading.encoded import Undecodable

LOOKED_AT = 64
"""Headers that decide whether numbers have 8 bits or 16."""

WHITE = 255
"""What programs that draw write for the only object in a mask, and data sets for pixels of no class."""

DECODED = 4
"""Masks that show whether they are of one object: their pixels are 0 and `WHITE`."""


@dataclass(frozen=True)
class MaskRules:
    """What masks say: `void` is the class of pixels that have none, and `class_count` how many classes there are, None
    if that is not known."""

    void: int
    class_count: int | None

    def problem_of(self, mask: NDArray[np.integer]) -> str | None:
        """Why a mask cannot be used."""
        if self.class_count is None:
            return None
        unknown = mask[(mask >= self.class_count) & (mask != self.void)]
        if not unknown.size:
            return None
        return f"has the class {unknown.min()}, and there are {self.class_count} ({self.void} stands for none)"


class MaskFiles(PictureSource):
    """The masks of pictures, in their order. `extent_of` gives height and width of a picture, zeros if it cannot be
    read."""

    def __init__(
        self,
        root: str,
        paths: Sequence[str],
        rules: MaskRules,
        extent_of: Callable[[int], tuple[int, int]],
        max_pixels: int,
    ) -> None:
        super().__init__(root, paths, Labels(), max_pixels=max_pixels)
        self.void, self._rules, self._extent_of = rules.void, rules, extent_of

    @property
    def reading(self) -> tuple[str, ...]:
        """See `EncodedPictures.reading`."""
        return (*super().reading, f"void {self.void}", f"classes {self._rules.class_count}")

    def survey(self, limit: int | None = None) -> Survey:
        """See `Source.survey`. More headers are looked at than one: their depth decides that of the column."""
        found = super().survey(LOOKED_AT)
        dtype: SampleDtype = "uint16" if found.dtypes["uint16"] else "uint8"
        size = next(iter(found.sizes), (1, 1))
        return Survey(Counter(), Counter({dtype: 1}), Form(size, dtype, "hw"), found.broken)

    def doubts(self) -> list[str]:
        """A notice where the first masks look like those of one object, which is then taken for no class."""
        if self.void != WHITE:
            return []
        seen = set[int]()
        for index in range(min(len(self), DECODED)):
            with suppress(Undecodable, MixupGenError, OSError):  # the scan reports it
                seen.update(np.unique(np.asarray(upright(self.read(index), self._max_pixels))).tolist())
        said = f"masks hold 0 and {WHITE} alone, and {WHITE} stands for no class: if it is one, write 1 in its place"
        return [said] if seen == {0, WHITE} else []

    def decode(self, index: int, data: bytes, target: Target, out: NDArray[np.generic]) -> None:
        """See `EncodedPictures.decode`."""
        out[...] = self._map(index, data, target)

    def _map(self, index: int, data: bytes, target: Target) -> NDArray[np.generic]:
        picture = upright(data, self._max_pixels)
        if picture.mode not in NUMBERS:
            raise Undecodable(f"is not a mask: its pixels are {picture.mode}, expected one number for each, a class")
        mask = np.asarray(picture).astype(np.int64)
        check_extent(mask.shape, self._extent_of(index))
        if mask.size and not 0 <= mask.min() <= mask.max() <= np.iinfo(target.form.dtype).max:
            raise Undecodable(f"has the class {mask.max()}, and the first {LOOKED_AT} masks have 8 bits")
        if (problem := self._rules.problem_of(mask)) is not None:
            raise Undecodable(problem)
        return fit_map(mask, target)

    def check(self, index: int, data: bytes, target: Target) -> None:
        """See `EncodedPictures.check`: a mask is decoded, as only its pixels show whether it is one."""
        self._map(index, data, target)
