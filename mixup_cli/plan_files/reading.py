"""Plans read back. What a cell may hold is checked here; what rows mean is held against the source in `checking.py`."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.methods import METHODS
from mixup_cli.plan_files.columns import BOX, PlanColumns, columns_in
from mixup_cli.plan_files.writing import Table, require_parquet

BATCH_ROWS = 1 << 16
MISSING = -(1 << 40)
"""Stands for an empty cell in a column of numbers (but for `mask_seed` and boxes, where it stands for 0)."""

ZERO_WHERE_EMPTY = (*BOX, "mask_seed")


@dataclass(frozen=True)
class PlanFile:
    """A plan of m rows, as it stands in the file called `name`.

    `method_names` in the order in which they occur; `method` uint8 (m) numbers them. `numbers` int64 (m) by column,
    `mask_seed` uint64 (m). `texts` are the columns that tell and do not decide, where they are there.
    """

    name: str
    columns: PlanColumns
    method_names: tuple[str, ...]
    method: NDArray[np.uint8]
    numbers: dict[str, NDArray[np.int64]]
    mask_seed: NDArray[np.uint64]
    texts: dict[str, list[str | None]]

    def __len__(self) -> int:
        return len(self.method)

    def place(self, row: int) -> str:
        """Where a row stands, for messages: the first below the header is row 1."""
        return f"{self.name}, row {row + 1}"

    def array(self, kind: str) -> NDArray[np.int64]:
        """The columns of one kind, for all parents: int64 (m, P)."""
        return np.stack([self.numbers[name] for name in self.columns.of_parents(kind)], axis=1)

    def digest(self) -> str:
        """The hash of what decides the rows, 64 hex digits: the same for the same decisions, however they came."""
        names = [name for name in self.columns.deciding if name not in ("method", "mask_seed")]
        digest = hashlib.sha256(repr((self.method_names, names, len(self))).encode())
        digest.update(self.method.tobytes())
        digest.update(self.mask_seed.astype("<u8").tobytes())
        for name in names:
            digest.update(self.numbers[name].astype("<i8").tobytes())
        return digest.hexdigest()


def read_plan(path: Path) -> PlanFile:
    """A plan from a .csv or .parquet file. Raises NoInputError and DataError."""
    try:
        if path.suffix == ".parquet":
            return _collected(str(path), _parquet_tables(path))
        with path.open(encoding="utf-8-sig", newline="") as file:
            return read_csv(file, str(path))
    except OSError as problem:
        raise NoInputError(
            f"{path}: cannot be read ({problem.strerror or problem}). --plan takes a file, or - for stdin."
        ) from None


def read_csv(file: IO[str], name: str) -> PlanFile:
    """A plan from CSV text; `name` is what messages call it."""
    try:
        return _collected(name, _csv_tables(file, name))
    except UnicodeDecodeError as problem:
        raise DataError(f"{name}: is not UTF-8 text ({problem.reason}). Save it as UTF-8.") from None


def _csv_tables(file: IO[str], name: str) -> Iterator[Table]:
    """The rows in batches. The first table, without rows, tells the columns."""
    rows = csv.reader(file, strict=True)
    count = 0
    try:
        header = [each.strip() for each in next(rows, [])]
        yield {each: [] for each in header}
        while batch := list(islice(rows, BATCH_ROWS)):
            for number, row in enumerate(batch, count + 1):
                if len(row) != len(header):
                    raise DataError(f"{name}, row {number}: has {len(row)} cells, and the header has {len(header)}.")
            cells = zip(*batch, strict=True)
            yield {each: [cell or None for cell in column] for each, column in zip(header, cells, strict=True)}
            count += len(batch)
    except csv.Error as problem:
        raise DataError(f"{name}, line {rows.line_num}: is not CSV ({problem}). Mend that line.") from None


def _parquet_tables(path: Path) -> Iterator[Table]:
    arrow, parquet = require_parquet()
    try:
        file = parquet.ParquetFile(path)
        yield {each: [] for each in file.schema_arrow.names}
        for batch in file.iter_batches(BATCH_ROWS):
            yield batch.to_pydict()
    except arrow.ArrowException as problem:
        raise DataError(f"{path}: is not Parquet ({problem}). Give what mixup-gen plan wrote.") from None


def _collected(name: str, tables: Iterable[Table]) -> PlanFile:
    reader = _Reader(name)
    for number, table in enumerate(tables):
        if number == 0:
            reader.header(list(table))
        else:
            reader.add(table)
    return reader.plan()


class _Reader:
    """Takes a plan's batches, and turns cells into numbers."""

    def __init__(self, name: str) -> None:
        self._name, self._rows = name, 0
        self._methods: dict[str, int] = {}
        self._method: list[NDArray[np.uint8]] = []
        self._numbers: dict[str, list[NDArray[Any]]] = {}
        self._texts: dict[str, list[str | None]] = {}

    def header(self, header: list[str]) -> None:
        """Find out which columns there are."""
        self._columns = columns_in(header)
        known = self._columns.all
        doubled = sorted({each for each in header if header.count(each) > 1})
        missing = [each for each in self._columns.deciding if each not in header]
        strange = [each for each in header if each not in known]
        for names, what in ((missing, "is missing"), (strange, "is none of a plan's"), (doubled, "is there twice")):
            if names or not self._columns.parent_count:
                found = f"the column {names[0]!r} {what}" if names else "there is no column 'parent_0'"
                raise DataError(f"{self._name}: {found}. Keep the header that mixup-gen plan wrote.")
        self._numbers = {each: [] for each in self._columns.numbers}
        self._texts = {each: [] for each in self._columns.telling if each in header}

    def add(self, table: Table) -> None:
        """Some more rows."""
        self._method.append(self._method_numbers(table["method"]))
        for column, parts in self._numbers.items():
            parts.append(self._whole_numbers(column, table[column]))
        for column, texts in self._texts.items():
            texts += table[column]
        self._rows += len(table["method"])

    def _method_numbers(self, cells: Sequence[str | None]) -> NDArray[np.uint8]:
        numbers = np.empty(len(cells), np.uint8)
        for row, cell in enumerate(cells):
            name = (cell or "").strip()
            if name not in METHODS:
                raise DataError(
                    f"{self._place(row)}: method is {name!r}, which is none. Those there are: {', '.join(METHODS)}."
                )
            numbers[row] = self._methods.setdefault(name, len(self._methods))
        return numbers

    def _whole_numbers(self, column: str, cells: Sequence[Any]) -> NDArray[Any]:
        empty = 0 if column in ZERO_WHERE_EMPTY else MISSING
        low, high = (0, 2**64 - 1) if column == "mask_seed" else (-(2**31), 2**62)
        numbers = np.empty(len(cells), np.uint64 if column == "mask_seed" else np.int64)
        for row, cell in enumerate(cells):
            try:
                number = empty if cell is None else int(cell)
            except ValueError:
                number = high + 1
            if number != MISSING and not low <= number <= high:
                raise DataError(f"{self._place(row)}: {column} is {cell!r}, and a whole number was expected.")
            numbers[row] = number
        return numbers

    def _place(self, row: int) -> str:
        return f"{self._name}, row {self._rows + row + 1}"

    def plan(self) -> PlanFile:
        """All rows."""
        if not self._rows:
            raise NoInputError(f"{self._name}: has no rows. There is nothing to make.")
        numbers = {column: np.concatenate(parts) for column, parts in self._numbers.items()}
        return PlanFile(
            name=self._name,
            columns=self._columns,
            method_names=tuple(self._methods),
            method=np.concatenate(self._method),
            mask_seed=numbers.pop("mask_seed"),
            numbers=numbers,
            texts=self._texts,
        )
