"""What a reader shows of a data set: which rows, and what it gives of each. All readers take the same words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.fields.axes import Axes
from mixup_cli.readers.companion import Companion
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.samples import Part, parts_of
from mixup_cli.readers.selection import blocks_of, selected
from mixup_cli.readers.words import checked
from mixup_cli.wording import did_you_mean


class Choices(TypedDict, total=False):
    """What every reader takes by name. Without any, all rows are shown, as (images, labels)."""

    sample: Literal["soft", "pair", "objects", "columns"] | Sequence[str]
    """What is given of a row. "soft": its signals, images first, then its label, float32 (K), if it has one. "pair":
    its signals, then y_a, y_b and lam, for the loss lam · loss(y_a) + (1 − lam) · loss(y_b). "objects": a dictionary of
    its signals, `index` and the columns of its objects, with `share` where a signal is a map for each parent.
    "columns": a dictionary of all stored columns. Names of columns: a dictionary of these ("labels" is computed if it
    is not stored)."""

    passes: int | Iterable[int] | None
    """Show the rows of these passes over the source only."""

    epoch: int | None
    """Show one pass at a time: number `epoch` modulo the count of passes."""

    originals: bool | None
    """Whether originals that were kept are shown. Default: they are, unless `passes` or `epoch` is given."""

    methods: Iterable[str] | None
    """Show only rows that these methods made."""

    classes: Iterable[str] | None
    """Show only rows whose label has no share of other classes."""

    companion: str | Path | None
    """A file of further columns, which `readers.companion` wrote. In tuples they follow the label, by name."""


Batch: TypeAlias = tuple[NDArray[Any], ...] | dict[str, NDArray[Any]]
"""The parts of some samples, (m, *shape) each: in order, or by name."""


class View:
    """The rows of a data set that a reader shows, and their parts as NumPy arrays.

    `axes` is the order in which a framework takes the dimensions of images, "hwc" or "chw"; None leaves them as they
    are stored. Raises UsageError for choices that contradict each other or that the data set cannot meet, IndexError
    for a pass that does not exist, and what `MixedArrays` raises.
    """

    def __init__(self, folder: str | Path, axes: Axes | None = None, **choices: Unpack[Choices]) -> None:
        for word in choices.keys() - Choices.__annotations__.keys():
            raise TypeError(f"unexpected keyword argument {word!r}{did_you_mean(word, Choices.__annotations__)}")
        self.arrays = MixedArrays(folder)
        self.choices = choices = checked(choices)
        self.has_epochs = choices.get("epoch") is not None
        self.is_named = choices.get("sample", "soft") not in ("soft", "pair")
        """Whether `read` gives a dictionary."""
        if (companion := choices.get("companion")) is not None:
            choices["companion"] = Path(companion).absolute()
        self._axes = axes
        self._shown = selected(self.arrays, choices)
        self.parts = self._all_parts()
        """What `read` gives, in order."""

    def __getstate__(self) -> dict[str, Any]:
        """Without the parts, which read through open files. The rows stay those of now, also if the data set grows."""
        return {**self.__dict__, "parts": ()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.parts = self._all_parts()

    def _all_parts(self) -> tuple[Part, ...]:
        parts = tuple(parts_of(self.arrays, self.choices, self._axes))
        if (path := self.choices.get("companion")) is not None:
            companion = Companion(path, self.arrays)
            companion.check_rows(rows for epoch in self._shown for rows in blocks_of(epoch))
            parts += companion.parts
        if not parts:
            raise UsageError("names no column.", "Name some, or leave it out.", field="sample")
        return parts

    def __len__(self) -> int:
        """How many rows an epoch has."""
        return len(self._shown[0])

    def rows(self, positions: Sequence[int] | NDArray[np.int64], epoch: int = 0) -> NDArray[np.int64]:
        """The rows of the data set at some positions of an epoch: int64 (m)."""
        return self._shown[epoch % len(self._shown)].rows(positions)

    def read(self, rows: NDArray[np.int64]) -> Batch:
        """The parts of some rows of the data set, in one read."""
        values = [part.read(rows) for part in self.parts]
        return (
            {part.name: each for part, each in zip(self.parts, values, strict=True)} if self.is_named else tuple(values)
        )

    def batches(self, batch_size: int, *, epoch: int = 0, seed: int | None = None) -> Iterator[NDArray[np.int64]]:
        """The rows of each batch of an epoch, int64 (m) with m ≤ batch_size: in order, or shuffled by `seed` and the
        number of the epoch."""
        order = np.arange(len(self)) if seed is None else _shuffled(len(self), seed, epoch)
        for start in range(0, len(self), batch_size):
            yield self.rows(order[start : start + batch_size], epoch)


def _shuffled(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.Generator(np.random.Philox(key=(seed, epoch))).permutation(count)
