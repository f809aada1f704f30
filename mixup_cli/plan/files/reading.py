"""Plan files, read back. What a cell may hold is checked here; `checking.py` compares rows with recipe and source."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import METHOD_NAMES
from mixup_cli.errors import DataError, NoInputError
from mixup_cli.plan.files.cells import INDICES, MISSING, SCALES, SEEDS, BadCellError, WholeNumbers, as_lam, fingerprints
from mixup_cli.plan.files.columns import BOX, SPAN, VIEW, PlanColumns, columns_of
from mixup_cli.plan.files.plan_file import Entries, PlanFile
from mixup_cli.sources.reading.bounded_read import read_line
from mixup_cli.sources.tables.parquet import require_parquet
from mixup_cli.wording import counted, quoted

__all__ = ["PlanFile", "read_csv", "read_plan"]

BATCH_ROWS = 1 << 11
BLOCK_BYTES = 1 << 17
PARQUET_BATCH_ROWS = 1 << 14
PARQUET_MAGIC = b"PAR1"

Cells: TypeAlias = Any
"""Some cells of one column: texts, of which an empty one is an empty string, or an Arrow array of numbers."""

Batch: TypeAlias = Mapping[str, Cells]
"""Some rows, column by column."""

Arrays: TypeAlias = dict[str, list[NDArray[Any]]]
"""The batches of each column, as numbers."""


def read_plan(path: Path) -> PlanFile:
    """A plan from a CSV or Parquet file, which the first bytes distinguish. Raises NoInputError and DataError."""
    try:
        with path.open("rb") as file:
            is_parquet = file.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC
            file.seek(0)
            return (_read_parquet if is_parquet else read_csv)(file, str(path))
    except OSError as problem:
        raise NoInputError(f"{path}: cannot be read ({problem.strerror or problem}). Give a file that can.") from None


def read_csv(file: IO[bytes], name: str) -> PlanFile:
    """A plan from CSV; `name` is what messages call it. Raises NoInputError and DataError."""
    rows = filter(None, csv.reader(_decoded(file, name), strict=True))  # an empty line is not a row
    try:
        header = next(rows, None)
    except csv.Error as problem:
        raise DataError(f"{name}: the header is not CSV ({problem}). Give what mixup-gen plan wrote.") from None
    if header is None:
        raise NoInputError(f"{name}: is empty. mixup-gen plan writes at least a header: did the command before fail?")
    header = [each.strip() for each in header]
    return _collected(name, header, _csv_batches(rows, header, name))


def _decoded(file: IO[bytes], name: str) -> Iterator[str]:
    """Lines with their ends as they are, without the mark that some programs begin UTF-8 with."""
    encoding = "utf-8-sig"
    while block := file.read(BLOCK_BYTES) + read_line(file, name):
        if encoding == "utf-8-sig" and block.startswith(PARQUET_MAGIC):
            raise DataError(f"{name}: is Parquet, expected CSV. Give the path of the Parquet file.")
        try:
            yield from io.StringIO(block.decode(encoding), newline="\n")
        except UnicodeDecodeError as problem:
            found = f"{problem.reason}: {block[problem.start : problem.start + 20]!r}"
            raise DataError(f"{name}: is not UTF-8 text ({found}). Save it as UTF-8.") from None
        encoding = "utf-8"


def _csv_batches(rows: Iterator[list[str]], header: list[str], name: str) -> Iterator[Batch]:
    count = 0
    while batch := _next_rows(rows, count, name):
        if set(map(len, batch)) != {len(header)}:
            row, cells = next((row, len(cells)) for row, cells in enumerate(batch) if len(cells) != len(header))
            found = f"has {counted(cells, 'cell')}, and the header has {len(header)}"
            raise DataError(f"{name}, row {count + row + 1}: {found}. Fix that row.")
        yield dict(zip(header, zip(*batch, strict=True), strict=True))
        count += len(batch)


def _next_rows(rows: Iterator[list[str]], count: int, name: str) -> list[list[str]]:
    """Some rows, after the `count` rows before."""
    batch: list[list[str]] = []
    try:
        batch.extend(islice(rows, BATCH_ROWS))
    except csv.Error as problem:  # the rows before the bad one stay in the batch
        raise DataError(f"{name}, row {count + len(batch) + 1}: is not CSV ({problem}). Fix that row.") from None
    return batch


def _read_parquet(file: IO[bytes], name: str) -> PlanFile:
    arrow, parquet = require_parquet()
    with _undamaged(name, arrow):
        opened = parquet.ParquetFile(file, pre_buffer=False)
        header = list(opened.schema_arrow.names)

    def batches() -> Iterator[Batch]:
        with _undamaged(name, arrow):
            for batch in opened.iter_batches(PARQUET_BATCH_ROWS):
                yield {each: _cells(column, arrow) for each, column in zip(header, batch.columns, strict=True)}

    return _collected(name, header, batches())


@contextmanager
def _undamaged(name: str, arrow: Any) -> Iterator[None]:
    """Turns what pyarrow raises for damaged files, in its many forms, into DataError."""
    try:
        yield
    except (arrow.ArrowException, OSError, ValueError, OverflowError) as problem:
        reason = (str(problem).splitlines() or ["damaged"])[0].rstrip(".")
        raise DataError(f"{name}: is damaged Parquet ({reason}). Give what mixup-gen plan wrote.") from None


def _cells(column: Any, arrow: Any) -> Cells:
    is_number = arrow.types.is_integer(column.type) or arrow.types.is_floating(column.type)
    return column if is_number else _texts(column)


def _texts(column: Any) -> Sequence[str]:
    return ["" if cell is None else str(cell) for cell in column.to_pylist()]


def _whole(cells: Cells, kind: WholeNumbers) -> NDArray[Any]:
    """Whole numbers. Arrow casts most columns of numbers at once; text, and what it cannot cast, are parsed."""
    if isinstance(cells, (list, tuple)):
        return kind.parsed(cells)
    if kind is INDICES or str(cells.type).startswith(("int", "uint")):  # floats have lost digits of seeds
        with suppress(ValueError):  # ArrowInvalid is one: a fraction, or a number that does not fit
            numbers: NDArray[Any] = cells.cast(str(kind.dtype)).fill_null(kind.empty).to_numpy(zero_copy_only=False)
            if kind is not INDICES or np.count_nonzero(numbers == MISSING) == cells.null_count:
                return numbers
    return kind.parsed(_texts(cells))


def _methods(cells: Sequence[str]) -> NDArray[np.uint8]:
    """The method of each row: its place in METHOD_NAMES."""
    places = {name: place for place, name in enumerate(METHOD_NAMES)}
    found = {cell: places.get(cell.strip(), -1) for cell in {*cells}}
    numbers = np.fromiter(map(found.__getitem__, cells), np.int16, len(cells))
    if len(numbers) and numbers.min() < 0:
        row = int(np.argmin(numbers))
        raise BadCellError(row, cells[row], f"one of {', '.join(METHOD_NAMES)}")
    return numbers.astype(np.uint8)


def _converted(column: str, cells: Cells) -> NDArray[Any]:
    kind = column.partition("_")[0]
    if kind in ("parent", "part", "view", "span", "start", "share", *BOX):
        return _whole(cells, INDICES)
    if column == "mask_seed":
        return _whole(cells, SEEDS)
    if column == "scale":
        return _whole(cells, SCALES)
    texts = cells if isinstance(cells, (list, tuple)) else _texts(cells)
    if column == "method":
        return _methods(texts)
    return fingerprints([*map(as_lam, texts)] if column == "lam" else texts)


def _collected(name: str, header: list[str], batches: Iterable[Batch]) -> PlanFile:
    columns = columns_of(header, name)
    arrays: Arrays = {each: [] for each in header if each != "index"}
    rows = 0
    for batch in batches:
        for column, parts in arrays.items():
            try:
                parts.append(_converted(column, batch[column]))
            except BadCellError as bad:
                found = f"{column} is {quoted(bad.cell, 40)}, and {bad.expected} was expected"
                remedy = "Fix the cell, or leave the row out."
                raise DataError(f"{name}, row {rows + bad.row + 1}: {found}.", remedy) from None
        rows += len(arrays["method"][-1])
    if not rows:
        raise NoInputError(f"{name}: has a header, and no rows. Plan again, with a count of samples or passes above 0.")
    entries = _entries(columns, arrays)
    return PlanFile(name, entries, {column: np.concatenate(parts) for column, parts in arrays.items()})


def _entries(columns: PlanColumns, arrays: Arrays) -> Entries:
    """The deciding columns, taken out of `arrays`."""
    box, span = _side_by_side(arrays, BOX), _side_by_side(arrays, SPAN) if columns.has_span else None
    for places in (box, box if span is None else span):
        places[~places.any(axis=1)] = MISSING  # zeros mean the same
    return Entries(
        method=np.concatenate(arrays.pop("method")),
        parents=_side_by_side(arrays, columns.of_parents("parent")),
        parts=_side_by_side(arrays, columns.of_parents("part")),
        box=box,
        mask_seed=np.concatenate(arrays.pop("mask_seed")),
        views=_side_by_side(arrays, columns.views).reshape(len(box), -1, len(VIEW)) if columns.has_views else None,
        span=span,
        starts=_side_by_side(arrays, columns.of_parents("start")) if columns.has_starts else None,
        share=_side_by_side(arrays, columns.of_parents("share")) if columns.has_gains else None,
        scale=np.concatenate(arrays.pop("scale")) if columns.has_gains else None,
    )


def _side_by_side(arrays: Arrays, names: Sequence[str]) -> NDArray[np.int32]:
    """Columns as int32 (m, columns), each let go of as soon as it is copied."""
    table = np.empty((sum(map(len, arrays[names[0]])), len(names)), np.int32)
    for place, column in enumerate(names):
        np.concatenate(arrays.pop(column), out=table[:, place])
    return table
