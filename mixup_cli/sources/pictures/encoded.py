"""Encoded pictures as a source, wherever their bytes lie: files, members of archives, objects of a store, cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.form import SampleDtype
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.target import Survey, Target
from mixup_cli.sources.pictures.decode import check_header, check_pixel_count, decode, read_header
from mixup_cli.sources.pictures.headers import Header
from mixup_cli.sources.reading.encoded import Encoded, Undecodable


class EncodedPictures(Encoded):
    """A subclass says how the bytes of one picture are read."""

    kind: ClassVar[str] = "pictures"
    read_as = "class folders"

    def __init__(
        self, location: str, keys: Sequence[str], labels: Labels, notices: Sequence[str] = (), *, max_pixels: int
    ) -> None:
        super().__init__(location, keys, labels, notices)
        self._max_pixels = max_pixels

    def header(self, index: int) -> Header:
        """The header of one picture. Raises what `read` raises."""
        return read_header(self.read(index))

    def survey(self, limit: int | None = None) -> Survey:
        """See `Source.survey`. The scan deals with headers that cannot be read, or claim too many pixels."""
        count = len(self) if limit is None else min(limit, len(self))
        sizes: Counter[tuple[int, int]] = Counter()
        dtypes: Counter[SampleDtype] = Counter()
        broken: dict[str, str] = {}
        upper_bits = 0
        for index in (step * len(self) // count for step in range(count)):
            try:
                header = self.header(index)
                check_pixel_count(header, self._max_pixels)
            except Undecodable as problem:
                broken[self.keys[index]] = str(problem)
                continue
            sizes[header.height, header.width] += 1
            dtypes[header.dtype] += 1
            upper_bits += header.is_deep_colour
        return Survey(sizes, dtypes, None, broken, upper_bits)

    @property
    def reading(self) -> tuple[str, ...]:
        """See `Encoded.reading`."""
        return (f"max_pixels {self._max_pixels}",)

    def decode(self, index: int, data: bytes, target: Target, out: NDArray[np.generic]) -> None:
        """See `Encoded.decode`."""
        decode(data, target, self.keys[index], self._max_pixels, out)

    def check(self, index: int, data: bytes, target: Target) -> None:
        """See `Encoded.check`."""
        check_header(data, target, self.keys[index], self._max_pixels)
