"""What became of millions of samples, in 40 bytes each."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import Self, overload

from mixup_cli.sources.base import Loaded

DIGEST_BYTES = 32
NO_DIGEST = bytes(DIGEST_BYTES)


class LoadedColumn(Sequence[Loaded]):
    """A sequence of `Loaded` that is held column by column. A hash of zeros stands for none."""

    def __init__(self, count: int) -> None:
        self._stored_bytes = array("q", bytes(8 * count))
        self._digests = bytearray(DIGEST_BYTES * count)
        self._problems: dict[int, str] = {}

    @classmethod
    def of(cls, states: Sequence[Loaded]) -> Self:
        """A column of just these."""
        column = cls(len(states))
        column.put(0, states)
        return column

    def __len__(self) -> int:
        return len(self._stored_bytes)

    @overload
    def __getitem__(self, index: int) -> Loaded: ...

    @overload
    def __getitem__(self, index: slice) -> list[Loaded]: ...

    def __getitem__(self, index: int | slice) -> Loaded | list[Loaded]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        number = index if index >= 0 else index + len(self)
        stored_bytes = self._stored_bytes[number]
        digest = self._digests[DIGEST_BYTES * number : DIGEST_BYTES * (number + 1)]
        return Loaded(stored_bytes, "" if digest == NO_DIGEST else digest.hex(), self._problems.get(number))

    def put(self, start: int, results: Iterable[Loaded]) -> None:
        """Note what became of the samples from `start` on."""
        for number, result in enumerate(results, start):
            self._stored_bytes[number] = result.stored_bytes
            if result.sha256:
                self._digests[DIGEST_BYTES * number : DIGEST_BYTES * (number + 1)] = bytes.fromhex(result.sha256)
            if result.problem is not None:
                self._problems[number] = result.problem

    @property
    def problems(self) -> dict[int, str]:
        """Why samples could not be used, by their index."""
        return dict(sorted(self._problems.items()))
