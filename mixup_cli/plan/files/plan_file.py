"""A plan as it stands in a file: what its cells decide, and the hash of it."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import METHOD_NAMES
from mixup_cli.methods.none import Unmixed
from mixup_cli.plan.files.cells import MISSING
from mixup_cli.plan.files.columns import PlanColumns
from mixup_cli.storage.source_table import PlainNewlines

BLOCK_ROWS = 1 << 14

Table: TypeAlias = dict[str, list[Any]]
"""Some rows, column by column; None for an empty cell."""


def csv_parts(tables: Iterable[Table], columns: Sequence[str]) -> Iterator[bytes]:
    """Tables as CSV, UTF-8 with plain newlines: the header, and then a piece for each table."""
    for rows in chain([[columns]], (zip(*(table[name] for name in columns), strict=True) for table in tables)):
        text = PlainNewlines()
        csv.writer(text, lineterminator="\r\n").writerows(rows)
        yield text.getvalue().encode()


@dataclass(frozen=True)
class Entries:
    """The deciding cells of m rows, with S slots for parents. MISSING stands for an empty cell; 0 in `mask_seed` and
    `scale`.

    `method` uint8 (m): its place in METHOD_NAMES; `parents` and `parts` int32 (m, S); `box` int32 (m, 4), empty if it
    is zeros; `mask_seed` uint64 (m); `views` int32 (m, S, 5), or None without views. In time, or None: `span` int32
    (m, 2), empty if it is zeros; `starts` int32 (m, S); `share` int32 (m, S) and `scale` int64 (m), in 2⁻²⁴ths.
    """

    method: NDArray[np.uint8]
    parents: NDArray[np.int32]
    parts: NDArray[np.int32]
    box: NDArray[np.int32]
    mask_seed: NDArray[np.uint64]
    views: NDArray[np.int32] | None
    span: NDArray[np.int32] | None = None
    starts: NDArray[np.int32] | None = None
    share: NDArray[np.int32] | None = None
    scale: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.method)

    def __getitem__(self, rows: slice) -> Entries:
        cut: dict[str, Any] = {name: None if cells is None else cells[rows] for name, cells in vars(self).items()}
        return Entries(**cut)

    @property
    def columns(self) -> PlanColumns:
        """The columns of such rows."""
        has = (each is not None for each in (self.views, self.span, self.starts, self.scale))
        return PlanColumns(self.parents.shape[1], *has)

    def table(self) -> Table:
        """The rows as text and numbers, in the deciding columns, in order."""
        shown = map(_shown, self._numbers())
        return {
            "method": [METHOD_NAMES[place] for place in self.method.tolist()],
            **dict(zip(self.columns.numbers, shown, strict=True)),
        }

    def _numbers(self) -> Iterator[NDArray[Any]]:
        yield from (*self.parents.T, *self.parts.T, *self.box.T, self.mask_seed)
        for cells in (self.views, self.span, self.starts, self.share, self.scale):
            if cells is not None:
                yield from cells.reshape(len(self), -1).T


def _shown(values: NDArray[Any]) -> list[Any]:
    is_empty = values == (MISSING if values.dtype == np.int32 else 0)
    if is_empty.all():
        return [None] * len(values)
    cells: list[Any] = values.tolist()
    for row in np.flatnonzero(is_empty).tolist():
        cells[row] = None
    return cells


@dataclass(frozen=True)
class PlanFile:
    """The plan of m rows that the file called `name` holds. `informative` has the `fingerprints` int32 (m) of those
    columns, as far as the file has them."""

    name: str
    entries: Entries
    informative: Mapping[str, NDArray[np.int32]]

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def has_views(self) -> bool:
        """Whether it has a view of each parent."""
        return self.entries.views is not None

    @property
    def methods(self) -> tuple[str, ...]:
        """The names that occur, in the order of METHOD_NAMES."""
        return tuple(METHOD_NAMES[place] for place in np.unique(self.entries.method))

    @property
    def method_names(self) -> tuple[str, ...]:
        """The methods that a recipe for it names: unmixed rows beside others need none."""
        return tuple(name for name in self.methods if name != Unmixed.name) or self.methods

    def place(self, row: int) -> str:
        """Where a row stands, for messages: the first below the header is row 1."""
        return f"{self.name}, row {row + 1} ({METHOD_NAMES[self.entries.method[row]]})"

    def digest(self) -> str:
        """The SHA-256 of the deciding columns as CSV, 64 hex digits: the same for the same decisions in any file."""
        tables = (self.entries[start : start + BLOCK_ROWS].table() for start in range(0, len(self), BLOCK_ROWS))
        digest = hashlib.sha256()
        for part in csv_parts(tables, ["method", *self.entries.columns.numbers]):
            digest.update(part)
        return digest.hexdigest()
