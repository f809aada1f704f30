"""Captions: texts of images, as tokens. In a row those of all parents are joined."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.signal import ATTENTION, INPUT_IDS, Signal


@dataclass(frozen=True)
class Frame:
    """How tokens become a row of `length`. `before` and `behind` are the special tokens around them, and `padding` is
    the number of what fills the rest: behind them, or before them if `pads_left`. Of too many tokens the last ones go,
    or the first if `cuts_left`."""

    length: int
    padding: int
    before: tuple[int, ...]
    behind: tuple[int, ...]
    pads_left: bool = False
    cuts_left: bool = False

    @property
    def room(self) -> int:
        """How many tokens fit that are not special."""
        return self.length - len(self.before) - len(self.behind)


@dataclass(frozen=True)
class Captions:
    """The captions of n samples. `ids` int32 are their tokens without special ones, one caption behind the other, and
    `starts` int64 (n + 1) where each begins. `problems` says why one cannot be used; its text is then empty."""

    texts: Sequence[str]
    ids: NDArray[np.int32]
    starts: NDArray[np.int64]
    problems: Mapping[int, str]
    frame: Frame

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Their columns."""
        forms = ((INPUT_IDS, "int32"), (ATTENTION, "uint8"))
        return tuple(Signal(name, dtype, (self.frame.length,), "t", "text") for name, dtype in forms)

    def at(self, indices: NDArray[np.int64]) -> Captions:
        """Those of some samples, int64 (m)."""
        counts = self.starts[indices + 1] - self.starts[indices]
        ids = self.ids[places_in(self.starts[indices], counts)]
        texts = [self.texts[index] for index in indices.tolist()]
        problems = {n: self.problems[each] for n, each in enumerate(indices.tolist()) if each in self.problems}
        return Captions(texts, ids, np.concatenate([[0], counts.cumsum()]), problems, self.frame)

    def digest(self, index: int) -> bytes:
        """The sha256 of a caption in UTF-8, a zero byte, and its tokens as little-endian int32: what a tokenizer makes
        of a text can change with the library's version. 32 bytes."""
        ids = self.ids[self.starts[index] : self.starts[index + 1]].astype("<i4")
        return hashlib.sha256(b"%b\0%b" % (self.texts[index].encode(), ids.tobytes())).digest()


def places_in(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers start … start + count − 1 of each of some stretches, one after the other."""
    ends = counts.cumsum()
    return np.repeat(starts - ends + counts, counts) + np.arange(counts.sum())
