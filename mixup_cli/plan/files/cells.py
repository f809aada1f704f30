"""Cells of a plan file as arrays: whole columns at once, and cell by cell only to find the one that is wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

MISSING = -(1 << 31)
"""Stands for an empty cell in a column of numbers."""

EXACT_IN_FLOATS = 1 << 53
"""Up to here a number that went through a column of floats, as `22.0` did, has kept its digits."""

WHOLE_NUMBER = re.compile(r"\s*([+-]?[0-9]{1,20})(\.0*)?\s*", re.ASCII)


@dataclass(frozen=True)
class StoredNumbers:
    """A column that is stored as numbers: `values` (m), and which of them are there, bool (m)."""

    values: NDArray[Any]
    is_there: NDArray[np.bool_]

    def texts(self) -> list[str]:
        """The same as text, empty where there is nothing."""
        pairs = zip(self.values.tolist(), self.is_there.tolist(), strict=True)
        return [str(value) if there else "" for value, there in pairs]


Cells: TypeAlias = Sequence[str] | StoredNumbers
"""Some cells of one column; as text, an empty one is an empty string."""


class BadCellError(Exception):
    """A cell that cannot be read: `row` counts within the cells that were asked for."""

    def __init__(self, row: int, cell: str, expected: str) -> None:
        super().__init__(row, cell, expected)
        self.row, self.cell, self.expected = row, cell, expected


def small_integers(cells: Cells) -> NDArray[np.int32]:
    """Whole numbers as int32 (m), MISSING where a cell is empty. Raises BadCellError."""
    numbers: NDArray[np.int32] = _whole_numbers(cells, np.dtype(np.int32), MISSING)
    return numbers


def seeds(cells: Cells) -> NDArray[np.uint64]:
    """Whole numbers 0 … 2⁶⁴−1 as uint64 (m), 0 where a cell is empty. Raises BadCellError."""
    numbers: NDArray[np.uint64] = _whole_numbers(cells, np.dtype(np.uint64), 0)
    return numbers


def fractions(cells: Cells) -> NDArray[np.float32]:
    """Finite numbers as float32 (m), NaN where a cell is empty. Raises BadCellError."""
    if isinstance(cells, StoredNumbers):
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
            stored = np.asarray(cells.values).astype(np.float32)
        if np.isfinite(stored).all():
            return np.where(cells.is_there, stored, np.float32(np.nan))
    texts = texts_of(cells)
    numbers = np.full(len(texts), np.nan, np.float32)
    is_there = _filled(texts)
    try:
        with np.errstate(over="ignore"):
            numbers[is_there] = np.fromiter(map(float, filter(None, texts)), np.float64)
    except ValueError:
        raise _first_bad(texts, _is_finite, "a number") from None
    if not np.isfinite(numbers[is_there]).all():
        raise _first_bad(texts, _is_finite, "a number")
    return numbers


class Vocabulary(dict[str, int]):
    """Gives every text that it is asked for a number of its own: the empty one has 0."""

    def __init__(self) -> None:
        super().__init__({"": 0})

    def __missing__(self, text: str) -> int:
        self[text] = number = len(self)
        return number

    def numbered(self, cells: Cells) -> NDArray[np.int32]:
        """Texts as numbers: int32 (m)."""
        texts = texts_of(cells)
        return np.fromiter(map(self.__getitem__, texts), np.int32, len(texts))


def texts_of(cells: Cells) -> Sequence[str]:
    """Cells as text."""
    return cells.texts() if isinstance(cells, StoredNumbers) else cells


def _whole_numbers(cells: Cells, dtype: np.dtype[Any], empty: int) -> NDArray[Any]:
    if isinstance(cells, StoredNumbers):
        numbers = _converted(cells, dtype, empty)
        return _whole_numbers(cells.texts(), dtype, empty) if numbers is None else numbers
    numbers = _parsed(cells, dtype, empty)
    if numbers is not None:
        return numbers
    low, high = _range(dtype)
    bad = _first_bad(cells, lambda cell: _whole(cell, low, high) is not None, _named(dtype))
    if bad.row < len(cells):
        raise bad
    return np.array([_whole(cell, low, high) if cell.strip() else empty for cell in cells], dtype)


def _named(dtype: np.dtype[Any]) -> str:
    """What a cell should be, for messages."""
    return "a whole number, 0 … 2^64-1," if dtype.kind == "u" else "a whole number"


def _range(dtype: np.dtype[Any]) -> tuple[int, int]:
    """The numbers that a cell may hold; the lowest int32 stands for none."""
    limits = np.iinfo(dtype)
    return (0 if dtype.kind == "u" else MISSING + 1), int(limits.max)


def _converted(cells: StoredNumbers, dtype: np.dtype[Any], empty: int) -> NDArray[Any] | None:
    """Integers in another dtype; None where they are no integers, or do not fit."""
    low, high = _range(dtype)
    values = cells.values
    if values.dtype.kind not in "iu" or not (~cells.is_there | ((values >= low) & (values <= high))).all():
        return None
    numbers = np.full(len(values), empty, dtype)
    numbers[cells.is_there] = values[cells.is_there]
    return numbers


def _parsed(cells: Sequence[str], dtype: np.dtype[Any], empty: int) -> NDArray[Any] | None:
    """Digits as numbers; None where there is anything else."""
    numbers = np.full(len(cells), empty, dtype)
    text = "".join(cells)
    if not text:
        return numbers
    if not (text.isascii() and text.replace("-", "").isdigit()):  # int() also takes 1_000, and digits of any script
        return None
    try:
        found = np.fromiter(map(int, filter(None, cells)), dtype)
    except (ValueError, OverflowError):
        return None
    if found.min() < _range(dtype)[0]:
        return None
    numbers[_filled(cells)] = found
    return numbers


def _filled(cells: Sequence[str]) -> NDArray[np.bool_]:
    return np.fromiter(map(bool, cells), bool, len(cells))


def _whole(cell: str, low: int, high: int) -> int | None:
    """One cell as a whole number, as `22` or `22.0`; None where it is none, or out of range."""
    match = WHOLE_NUMBER.fullmatch(cell)
    if match is None:
        return None
    number = int(match[1])
    if match[2] and abs(number) > EXACT_IN_FLOATS:
        return None
    return number if low <= number <= high else None


def _is_finite(cell: str) -> bool:
    try:
        with np.errstate(over="ignore"):
            return bool(np.isfinite(np.float32(cell)))
    except ValueError:
        return False


def _first_bad(cells: Sequence[str], is_good: Any, expected: str) -> BadCellError:
    """The first cell that is neither good nor empty; a row beyond the last where there is none."""
    for row, cell in enumerate(cells):
        if cell.strip() and not is_good(cell):
            return BadCellError(row, cell, expected)
    return BadCellError(len(cells), "", expected)
