"""Columns with as many numbers in each cell: embeddings and other features in Hugging Face data sets and Parquet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.arrays.source import ArraySource, RowKeys
from mixup_cli.sources.packed.cells import Columns, Group
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.tables.parquet import require_parquet

_LISTS = re.compile(r"(?:(?:large_|fixed_size_)?list<\w+: )+(?:u?int\d+|float|double|halffloat|bool)(?: not null)?>.*")
"""Arrow's lists of numbers, and lists of these."""

_ARRAYS = ("Array2D", "Array3D", "Array4D", "Array5D")
"""What Hugging Face calls lists in lists that all have the same lengths."""


def feature_columns(columns: Columns) -> list[str]:
    """The columns whose cells are lists of numbers."""
    return [name for name, (kind, said) in columns.items() if _LISTS.match(kind) or said.get("_type") in _ARRAYS]


class FeatureSource(ArraySource):
    """The numbers in a column; row numbers are the keys."""

    kind: ClassVar[str] = "hugging-face"
    read_as = "a Hugging Face data set"
    has_splits = False

    def __init__(self, location: str, rows: FeatureRows, labels: Labels, notices: Sequence[str]) -> None:
        super().__init__(location, RowKeys(rows.shape[0]), labels, rows, notices=notices)

    def ignores(self, name: str, value: object) -> bool:
        """See `Source.ignores`. Only images have pixels."""
        return name == "max_pixels" or super().ignores(name, value)


@dataclass(frozen=True)
class FeatureRows:
    """A column of groups of rows as an array of `shape`, which is read as it is needed: a `StoredArray`. A slice raises
    OSError for a cell of another length than the first."""

    groups: Sequence[Group]
    column: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def open(cls, groups: Sequence[Group], column: str) -> FeatureRows:
        """Lengths and dtype are those of the first cell. Raises DataError if it has no numbers."""
        first = next(each for each in groups if each.count)
        cells = _plain(first.cells(column)).slice(0, 1)
        lengths: list[int] = []
        while _is_list(cells):
            lengths.append(len(_plain(cells.flatten())) // max(1, len(cells)))
            cells = _plain(cells.flatten())
        if not lengths or 0 in lengths:
            found = f"{escape_name(first.file.name)}: row 0 of column {column} has no numbers."
            raise DataError(found, "Leave rows without out.")
        count = sum(each.count for each in groups)
        return cls(groups, column, (count, *lengths), np.dtype(cells.type.to_pandas_dtype()))

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        start, stop, _ = rows.indices(self.shape[0])
        ends = accumulate(each.count for each in self.groups)
        parts = [np.empty((0, *self.shape[1:]), self.dtype)]
        for group, end in zip(self.groups, ends, strict=True):
            first, last = max(start, end - group.count), min(stop, end)
            if first < last:
                cells = _plain(group.cells(self.column)).slice(first - end + group.count, last - first)
                parts.append(self._values(cells))
        return np.concatenate(parts)

    def _values(self, cells: Any) -> NDArray[Any]:
        count = len(cells)
        for length in self.shape[1:]:
            found = require_parquet()[0].compute.list_value_length(cells).to_numpy(zero_copy_only=False)
            if cells.null_count or not (found == length).all():
                shown = "none" if cells.null_count else int(found[found != length][0])
                raise OSError(f"a list has {shown} values, and the first row's have {length}")
            cells = _plain(cells.flatten())
        if cells.null_count:
            raise OSError("a value is missing")
        return np.asarray(cells.to_numpy(zero_copy_only=False), self.dtype).reshape(count, *self.shape[1:])


def _plain(cells: Any) -> Any:
    """Cells as Arrow stores them: Hugging Face's arrays are lists with a name."""
    return cells.storage if isinstance(cells.type, require_parquet()[0].BaseExtensionType) else cells


def _is_list(cells: Any) -> bool:
    types = require_parquet()[0].types
    return bool(types.is_list(cells.type) or types.is_large_list(cells.type) or types.is_fixed_size_list(cells.type))
