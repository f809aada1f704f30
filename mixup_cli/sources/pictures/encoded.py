"""Encoded pictures as a source, wherever their bytes lie: files, members of archives, objects of a store, cells."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.form import SampleDtype
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.target import Survey, Target
from mixup_cli.sources.pictures.decode import Undecodable, check_header, check_pixel_count, decode, read_header
from mixup_cli.sources.pictures.headers import Header
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.loaded import Loaded

FILE_BYTES = 1 << 30
"""What is larger is not an image, and is not read into memory."""


class EncodedPictures(Source):
    """Pictures that are read whole and decoded when they are loaded. A subclass says how the bytes of one are read."""

    kind: ClassVar[str] = "pictures"
    read_as = "class folders"
    load_limit: int | None = 1
    portable = True

    def __init__(
        self, location: str, keys: Sequence[str], labels: Labels, notices: Sequence[str] = (), *, max_pixels: int
    ) -> None:
        super().__init__(location, keys, labels, notices)
        self._max_pixels = max_pixels

    @abstractmethod
    def read(self, index: int) -> bytes:
        """The bytes of one picture. Raises Undecodable if it cannot be read, DataError if it changes meanwhile, and
        StorageError if no picture could be read."""

    def reader(self, start: int, stop: int) -> Callable[[int], bytes]:
        """What reads pictures start … stop−1 one by one, as `read` does. It may have fetched all of them."""
        return self.read

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
        """What decides the result of `load` besides the bytes (see `Stamps`)."""
        return (f"max_pixels {self._max_pixels}",)

    def rehash(self, index: int) -> str:
        """See `Source.rehash`."""
        try:
            return hashlib.sha256(self.read(index)).hexdigest()
        except Undecodable:
            return ""

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """See `Source.load`. A picture that cannot be read has 0 stored bytes and no hash."""
        read = self.reader(start, stop)
        return [self._load_one(index, read, target, out[index - start]) for index in range(start, stop)]

    def _load_one(self, index: int, read: Callable[[int], bytes], target: Target, out: NDArray[np.generic]) -> Loaded:
        def fill(data: bytes) -> None:
            out[...] = self.decoded(index, data, target)

        return _used(index, read, fill)

    def decoded(self, index: int, data: bytes, target: Target) -> NDArray[np.generic]:
        """One picture in the target's form, from its bytes. Raises Undecodable and FormMismatch."""
        return decode(data, target, self.keys[index], self._max_pixels)

    def check(self, index: int, data: bytes, target: Target) -> None:
        """Raises what `decoded` would, as far as its header shows it."""
        check_header(data, target, self.keys[index], self._max_pixels)

    def examine(self, start: int, stop: int, target: Target) -> list[Loaded]:
        """See `Source.examine`: by the headers."""
        read = self.reader(start, stop)
        return [_used(index, read, partial(self.check, index, target=target)) for index in range(start, stop)]


def _used(index: int, read: Callable[[int], bytes], use: Callable[[bytes], None]) -> Loaded:
    """Read and hash a picture, and `use` its bytes."""
    try:
        data = read(index)
    except Undecodable as error:
        return Loaded(0, "", str(error))
    digest = hashlib.sha256(data).hexdigest()
    try:
        use(data)
    except Undecodable as error:
        return Loaded(len(data), digest, str(error))
    return Loaded(len(data), digest)
