"""A plan as it stands in a file: columns of cells, and the hash of what they decide."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.plan.files.cells import MISSING
from mixup_cli.plan.files.columns import BOX, PlanColumns

BLOCK_ROWS = 1 << 14


@dataclass(frozen=True)
class PlanFile:
    """A plan of m rows, as it stands in the file called `name`.

    `methods` are the names that occur, in the order of METHODS; `method` uint8 (m) numbers them. `numbers` int32 (m) by
    column, MISSING where a cell is empty; `mask_seed` uint64 (m), 0 there. What tells and does not decide, as far as it
    is there: `lam` float32 (m), NaN where empty, and `texts` int32 (m) by column, numbers in `vocabulary`.
    """

    name: str
    columns: PlanColumns
    methods: tuple[str, ...]
    method: NDArray[np.uint8]
    numbers: Mapping[str, NDArray[np.int32]]
    mask_seed: NDArray[np.uint64]
    lam: NDArray[np.float32] | None
    texts: Mapping[str, NDArray[np.int32]]
    vocabulary: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.method)

    @property
    def method_names(self) -> tuple[str, ...]:
        """The methods that a recipe for it names. Beside others, rows that stay as they are need no `none` there."""
        return tuple(name for name in self.methods if name != "none") or self.methods

    def place(self, row: int) -> str:
        """Where a row stands, for messages: the first below the header is row 1."""
        return f"{self.name}, row {row + 1} ({self.methods[self.method[row]]})"

    def cell(self, column: str, row: int) -> str:
        """A cell that decides, or a text, for messages."""
        if column == "mask_seed":
            return str(self.mask_seed[row])
        if column in self.texts:
            number = self.texts[column][row]
            return repr(next(text for text, each in self.vocabulary.items() if each == number)) if number else "empty"
        value = self.numbers[column][row]
        return "empty" if value == MISSING else str(value)

    def digest(self) -> str:
        """The hash of what decides the rows, 64 hex digits: the same for the same decisions, however they came.

        It is that of the deciding columns as CSV, as `writing` writes them; docs/format.md tells how to compute it.
        """
        text = _Hashed()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns.deciding)
        for start in range(0, len(self), BLOCK_ROWS):
            writer.writerows(zip(*self._canonical(slice(start, start + BLOCK_ROWS)), strict=True))
        return text.hexdigest()

    def _canonical(self, part: slice) -> Iterator[list[str | int | None]]:
        """The deciding columns of some rows. A box of zeros and the mask seed 0 are none."""
        corners = np.stack([self.numbers[name][part] for name in BOX], axis=1)
        corners[corners == MISSING] = 0
        has_box = np.asarray(corners.any(axis=1))
        yield [self.methods[number] for number in self.method[part].tolist()]
        for name in self.columns.numbers:
            if name in BOX:
                corner = corners[:, BOX.index(name)]
                yield _cells(corner, has_box)
            elif name == "mask_seed":
                yield _cells(self.mask_seed[part], self.mask_seed[part] != 0)
            else:
                values = self.numbers[name][part]
                yield _cells(values, values != MISSING)


def _cells(values: NDArray[np.int32] | NDArray[np.uint64], is_there: NDArray[np.bool_]) -> list[str | int | None]:
    if not is_there.any():
        return [None] * len(values)
    cells: list[str | int | None] = values.tolist()
    for row in np.flatnonzero(~is_there).tolist():
        cells[row] = None
    return cells


class _Hashed:
    """Takes text and keeps its hash."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.hexdigest = self._hash.hexdigest

    def write(self, text: str) -> None:
        self._hash.update(text.encode())
