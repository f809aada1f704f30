"""Cells of a plan file, from text to numbers: a whole column at once, cell by cell only if one is unusual or wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING = -(1 << 31)
"""Stands for an empty cell in a column of numbers."""

EXACT_IN_FLOATS = 1 << 53
"""Up to this, a number that went through a column of floats, as `22.0` did, has kept its digits."""

WHOLE_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,20})(\.0*)?\s*", re.ASCII)


class BadCellError(Exception):
    """A cell that cannot be read: `row` counts within the cells of the call."""

    def __init__(self, row: int, cell: str, expected: str) -> None:
        super().__init__(row, cell, expected)
        self.row, self.cell, self.expected = row, cell, expected


@dataclass(frozen=True)
class WholeNumbers:
    """A column of whole numbers `low` … `high`, in an array of `dtype` that holds `empty` for an empty cell."""

    dtype: np.dtype[Any]
    low: int
    high: int
    empty: int
    expected: str

    def parsed(self, cells: Sequence[str]) -> NDArray[Any]:
        """Text as numbers: (m). Raises BadCellError."""
        text = "".join(cells).replace("-", "")
        if text and not (text.isascii() and text.isdigit()):  # int() also takes 1_000, and digits of any script
            return self._one_by_one(cells)
        try:
            found = np.fromiter(map(int, filter(None, cells)), self.dtype)
        except (ValueError, OverflowError):
            return self._one_by_one(cells)
        if found.min(initial=self.high) < self.low:
            return self._one_by_one(cells)
        numbers = np.full(len(cells), self.empty, self.dtype)
        numbers[np.fromiter(map(bool, cells), bool, len(cells))] = found
        return numbers

    def _one_by_one(self, cells: Sequence[str]) -> NDArray[Any]:
        return np.array([self._number(row, cell) for row, cell in enumerate(cells)], self.dtype)

    def _number(self, row: int, cell: str) -> int:
        if not cell.strip():
            return self.empty
        match = WHOLE_NUMBER.fullmatch(cell)
        number = int(match[1]) if match else self.low - 1
        is_exact = match is None or not match[2] or abs(number) <= EXACT_IN_FLOATS
        if not (self.low <= number <= self.high and is_exact):
            raise BadCellError(row, cell, self.expected)
        return number


INDICES = WholeNumbers(np.dtype(np.int32), MISSING + 1, -MISSING - 1, MISSING, "a whole number")
SEEDS = WholeNumbers(np.dtype(np.uint64), 0, (1 << 64) - 1, 0, "a whole number, 0 … 2^64-1,")
SCALES = WholeNumbers(np.dtype(np.int64), 0, (1 << 63) - 1, 0, "a whole number")


def fingerprints(cells: Sequence[str]) -> NDArray[np.int32]:
    """A number for each text, the same for equal texts within this process, 0 for an empty one: int32 (m)."""
    return np.fromiter(map(hash, cells), np.int64, len(cells)).astype(np.int32)


def as_lam(cell: str) -> str:
    """A cell with six digits after the point, as `lam` is written; unchanged if it is not a number."""
    if len(cell) == len("0.123456"):
        return cell
    try:
        return f"{float(cell):.6f}"
    except ValueError:
        return cell
