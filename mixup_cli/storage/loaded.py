"""The outcome of reading millions of samples, in 40 bytes each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from sys import intern
from typing import NamedTuple, Self, overload

import numpy as np
from numpy.typing import NDArray

DIGEST_BYTES = 32
SAMPLE_BYTES = 8 + DIGEST_BYTES
"""The size of a sample here, and in `to_bytes`."""

_NO_DIGITS = bytes(DIGEST_BYTES).hex()


class Loaded(NamedTuple):  # not a data class: there is one for every input, and it is made in a third of the time
    """The outcome for one sample: its stored size, the sha256 of the stored bytes, and why it cannot be used."""

    stored_bytes: int
    sha256: str
    problem: str | None = None

    def resized(self, stored_bytes: int) -> Loaded:
        """The same sample, found with another size: its content is unknown."""
        return Loaded(stored_bytes, "")


class LoadedColumn(Sequence[Loaded]):
    """A sequence of `Loaded`, stored column by column. A hash of zeros means unknown."""

    def __init__(self, count: int) -> None:
        self._sizes = np.zeros(count, "<i8")
        self._digests = np.zeros((count, DIGEST_BYTES), np.uint8)
        self._problems: dict[int, str] = {}

    @classmethod
    def of(cls, states: Sequence[Loaded]) -> Self:
        """A column of just these."""
        column = cls(len(states))
        column.put(0, states)
        return column

    @classmethod
    def from_bytes(cls, data: bytes, problems: Mapping[int, str]) -> Self:
        """The column that `to_bytes` wrote."""
        column = cls(len(data) // SAMPLE_BYTES)
        column._sizes[:] = np.frombuffer(data, "<i8", len(column))
        column._digests.ravel()[:] = np.frombuffer(data, np.uint8, offset=8 * len(column))
        column._problems = dict(problems)
        return column

    def to_bytes(self) -> bytes:
        """All but the problems: every sample's stored size as int64, little-endian, then every hash, 32 bytes each."""
        return self._sizes.tobytes() + self._digests.tobytes()

    @property
    def all_hashed(self) -> bool:
        """Whether all samples could be read: each has its hash."""
        return bool(self._digests.any(axis=1).all())

    def __len__(self) -> int:
        return len(self._sizes)

    @overload
    def __getitem__(self, index: int) -> Loaded: ...

    @overload
    def __getitem__(self, index: slice) -> list[Loaded]: ...

    def __getitem__(self, index: int | slice) -> Loaded | list[Loaded]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        ((size,), (sha256,), (problem,)) = self.columns(number, number + 1)
        return Loaded(size, sha256, problem)

    def columns(self, first: int, stop: int) -> tuple[list[int], list[str], list[str | None]]:
        """Sizes, hashes and problems of the samples first … stop−1: what indexing gives, in a fifth of the time."""
        width, digits = 2 * DIGEST_BYTES, self._digests[first:stop].tobytes().hex()
        hashes = [digits[place : place + width] for place in range(0, len(digits), width)]
        known = ["" if each == _NO_DIGITS else each for each in hashes]
        return self._sizes[first:stop].tolist(), known, [*map(self._problems.get, range(first, stop))]

    def put(self, start: int, results: Sequence[Loaded]) -> None:
        """Note the outcomes of the samples from `start` on. Raises ValueError for an invalid hash."""
        stop = start + len(results)
        self._sizes[start:stop] = [result.stored_bytes for result in results]
        hashes = [result.sha256 or _NO_DIGITS for result in results]
        if odd := [each for each in hashes if len(each) != 2 * DIGEST_BYTES]:
            raise ValueError(f"{odd[0][:80]!r} is not a sha256")
        self._digests[start:stop].ravel()[:] = np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8)
        for number, result in enumerate(results, start):
            if result.problem is not None:
                self._problems[number] = intern(result.problem)  # millions of files can be missing for one reason

    def updated(self, indices: NDArray[np.int64], found: LoadedColumn) -> LoadedColumn:
        """The same, but for the samples `indices` int64 (m), which were found again."""
        now = LoadedColumn.from_bytes(self.to_bytes(), self._problems)
        now._sizes[indices], now._digests[indices] = found._sizes, found._digests
        for place, index in enumerate(indices.tolist()):
            now._problems.pop(index, None)
            if place in found._problems:
                now._problems[index] = found._problems[place]
        return now

    @property
    def problems(self) -> dict[int, str]:
        """Why samples could not be used, by their index."""
        return dict(sorted(self._problems.items()))
