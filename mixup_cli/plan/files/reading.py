"""Plans read back. What a cell may hold is checked here; what rows mean is held against the source in `checking.py`."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.methods import METHODS
from mixup_cli.plan.files.cells import (
    BadCellError,
    Cells,
    StoredNumbers,
    Vocabulary,
    fractions,
    seeds,
    small_integers,
    texts_of,
)
from mixup_cli.plan.files.columns import columns_in
from mixup_cli.plan.files.plan_file import PlanFile
from mixup_cli.sources.reading.bounded_read import lines_of, read_line
from mixup_cli.sources.tables.parquet import require_parquet
from mixup_cli.wording import counted

__all__ = ["PlanFile", "read_csv", "read_plan"]

BATCH_ROWS = 1 << 11
PARQUET_BATCH_ROWS = 1 << 14
BLOCK_BYTES = 1 << 17
PARQUET_MAGIC = b"PAR1"
COLUMN_LIMIT = 1 << 12
REPLAN = "Keep the header that mixup-gen plan wrote."

Batch: TypeAlias = Mapping[str, Cells]
"""Some rows, column by column."""


def read_plan(path: Path) -> PlanFile:
    """A plan from a CSV or Parquet file, told apart by their first bytes. Raises NoInputError and DataError."""
    try:
        with path.open("rb") as file:
            is_parquet = file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC
            file.seek(0)
            if not is_parquet:
                return read_csv(file, str(path))
            header, batches = _parquet_batches(file, str(path))
            return _collected(str(path), header, batches)
    except OSError as problem:
        raise NoInputError(
            f"{path}: cannot be read ({problem.strerror or problem}). --plan takes a file, or - for stdin."
        ) from None


def read_csv(file: IO[bytes], name: str) -> PlanFile:
    """A plan from CSV; `name` is what messages call it. Raises NoInputError and DataError."""
    try:
        header = next(filter(None, csv.reader(_decoded(file, name), strict=True)), None)  # an empty line is no row
    except csv.Error as problem:
        raise DataError(f"{name}: the header is not CSV ({problem}). {REPLAN}") from None
    if header is None:
        raise NoInputError(f"{name}: is empty. mixup-gen plan writes at least a header: did the command before fail?")
    header = [each.strip() for each in header]
    return _collected(name, header, _csv_batches(file, header, name))


def _decoded(file: IO[bytes], name: str) -> Iterator[str]:
    """Lines with their ends as they are, without the mark that some programs begin UTF-8 with."""
    for number, line in enumerate(lines_of(file, name)):
        if number == 0 and line.startswith(PARQUET_MAGIC):
            raise DataError(f"{name}: is Parquet, and CSV was expected. Name the Parquet file with --plan.")
        try:
            yield line.decode("utf-8-sig" if number == 0 else "utf-8")
        except UnicodeDecodeError as problem:
            raise DataError(
                f"{name}: is not UTF-8 text ({problem.reason}: {line[problem.start : problem.start + 20]!r}). "
                "Save it as UTF-8."
            ) from None


def _csv_batches(file: IO[bytes], header: list[str], name: str) -> Iterator[Batch]:
    """The rows below the header: text without quotes is split at commas, which is several times as fast."""
    count = 0
    while block := file.read(BLOCK_BYTES) + read_line(file, name):
        columns = _split(block, len(header))
        if columns is None:
            lines = chain(_decoded(BytesIO(block), name), _decoded(file, name))
            yield from _quoted_batches(lines, header, name, count)
            return
        yield dict(zip(header, columns, strict=True))
        count += len(columns[0])


def _split(block: bytes, width: int) -> list[list[str]] | None:
    """The columns of lines of `width` cells each; None where anything is quoted, empty or otherwise less plain."""
    if b'"' in block or b"\r" in block or b"\n\n" in block or block[:1] == b"\n" or block[-1:] != b"\n":
        return None
    try:
        cells = block.decode().replace("\n", "\n,").split(",")
    except UnicodeDecodeError:
        return None
    cells.pop()
    last, lines = "".join(cells[width - 1 :: width]), block.count(b"\n")
    if len(cells) != width * lines or last.count("\n") != lines:
        return None
    return [*(cells[column::width] for column in range(width - 1)), last.split("\n")[:-1]]


def _quoted_batches(lines: Iterator[str], header: list[str], name: str, count: int) -> Iterator[Batch]:
    """The rows in any CSV, of which `count` came before."""
    rows = filter(None, csv.reader(lines, strict=True))
    while batch := _some(rows, count, name):
        if set(map(len, batch)) != {len(header)}:
            row, cells = next((row, len(cells)) for row, cells in enumerate(batch) if len(cells) != len(header))
            raise DataError(
                f"{name}, row {count + row + 1}: has {counted(cells, 'cell')}, and the header has {len(header)}. "
                "Mend that row."
            )
        yield dict(zip(header, zip(*batch, strict=True), strict=True))
        count += len(batch)


def _some(rows: Iterator[list[str]], count: int, name: str) -> list[list[str]]:
    """Some rows, after `count` that were read."""
    batch: list[list[str]] = []
    try:
        batch.extend(islice(rows, BATCH_ROWS))
    except csv.Error as problem:  # those that were read before it stay in the batch
        raise DataError(f"{name}, row {count + len(batch) + 1}: is not CSV ({problem}). Mend that row.") from None
    return batch


def _parquet_batches(file: IO[bytes], name: str) -> tuple[list[str], Iterator[Batch]]:
    """The names of the columns, and the rows. What pyarrow says of damaged files has many forms."""
    arrow, parquet = require_parquet()
    damage = (arrow.ArrowException, OSError, ValueError, OverflowError)

    def refuse(problem: Exception) -> NoReturn:
        reason = (str(problem).splitlines() or ["damaged"])[0].rstrip(".")
        raise DataError(f"{name}: is not whole Parquet ({reason}). Give what mixup-gen plan wrote.") from None

    def batches() -> Iterator[Batch]:
        try:
            for batch in opened.iter_batches(PARQUET_BATCH_ROWS):
                yield {each: _cells(column) for each, column in zip(header, batch.columns, strict=True)}
        except damage as problem:
            refuse(problem)

    try:
        opened = parquet.ParquetFile(file, pre_buffer=False)
        header = list(opened.schema_arrow.names)
    except damage as problem:
        refuse(problem)
    return header, batches()


def _cells(column: Any) -> Cells:
    """An Arrow column as cells."""
    kind = str(column.type)
    if kind.startswith(("int", "uint", "float", "double")):
        return StoredNumbers(
            column.fill_null(0).to_numpy(zero_copy_only=False), column.is_valid().to_numpy(zero_copy_only=False)
        )
    return ["" if cell is None else str(cell) for cell in column.to_pylist()]


def _collected(name: str, header: list[str], batches: Iterable[Batch]) -> PlanFile:
    reader = _Reader(name, header)
    for batch in batches:
        reader.add(batch)
    return reader.plan()


class _Reader:
    """Takes a plan's batches, and turns cells into arrays."""

    def __init__(self, name: str, header: list[str]) -> None:
        self._name, self._rows = name, 0
        if len(header) > COLUMN_LIMIT:
            raise DataError(f"{name}: the header has {len(header)} columns, which no plan has. {REPLAN}")
        self._columns = columns_in(header)
        self._check(header)
        self._names, self._vocabulary = Vocabulary(), Vocabulary()
        wanted = [each for each in header if each != "index"]
        self._arrays: dict[str, list[NDArray[Any]]] = {each: [] for each in wanted}

    def _check(self, header: list[str]) -> None:
        """Refuse a header that is no plan's."""
        missing = [each for each in self._columns.deciding if each not in header]
        known = set(self._columns.all)
        strange = [each for each in header if each not in known]
        doubled = [each for each, count in Counter(header).items() if count > 1]
        for names, what in ((missing, "is missing"), (strange, "is none of a plan's"), (doubled, "is there twice")):
            if names:
                shown = repr(",".join(header))
                raise DataError(
                    f"{self._name}: the column {names[0][:40]!r} {what}. "
                    f"The header is {shown if len(shown) <= 200 else f'{shown[:200]}… and so on'}. {REPLAN}"
                )

    def add(self, batch: Batch) -> None:
        """Some more rows."""
        for column, arrays in self._arrays.items():
            arrays.append(self._array(column, batch[column]))
        self._rows += len(self._arrays["method"][-1])

    def _array(self, column: str, cells: Cells) -> NDArray[Any]:
        try:
            if column == "method":
                return self._methods(cells)
            if column == "mask_seed":
                return seeds(cells)
            if column == "lam":
                return fractions(cells)
            if column in self._columns.numbers:
                return small_integers(cells)
            return self._vocabulary.numbered(cells)
        except BadCellError as bad:
            shown = bad.cell if len(bad.cell) <= 40 else f"{bad.cell[:40]}…"
            raise DataError(
                f"{self._name}, row {self._rows + bad.row + 1}: {column} is {shown!r}, and {bad.expected} was "
                "expected. Mend the cell, or leave the row out."
            ) from None

    def _methods(self, cells: Cells) -> NDArray[np.uint8]:
        """The method of each row: its place in METHODS."""
        numbers = self._names.numbered(cells)
        names = [name.strip() for name in self._names]
        places = np.array([list(METHODS).index(name) if name in METHODS else -1 for name in names])
        found = places[numbers]
        if found.min() < 0:
            row = int(np.argmin(found))
            raise BadCellError(row, texts_of(cells)[row], f"one of {', '.join(METHODS)}")
        return found.astype(np.uint8)

    def plan(self) -> PlanFile:
        """All rows."""
        if not self._rows:
            raise NoInputError(
                f"{self._name}: has no rows, so there is nothing to make. Plan anew, with --samples or --passes."
            )
        arrays = {column: _joined(parts) for column, parts in self._arrays.items()}
        present, method = np.unique(arrays.pop("method"), return_inverse=True)
        mask_seed, lam = arrays.pop("mask_seed"), arrays.pop("lam", None)
        return PlanFile(
            name=self._name,
            columns=self._columns,
            methods=tuple(list(METHODS)[place] for place in present),
            method=method.astype(np.uint8),
            numbers={name: arrays.pop(name) for name in self._columns.numbers if name != "mask_seed"},
            mask_seed=mask_seed,
            lam=lam,
            texts=arrays,
            vocabulary=self._vocabulary,
        )


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    """Parts as one array; they are given up for it."""
    joined = np.concatenate(parts)
    parts.clear()
    return joined
