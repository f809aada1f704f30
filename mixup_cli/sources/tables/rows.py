"""The rows of a table of labels, in any file format: CSV in any dialect, JSON lines, Parquet."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from mixup_cli.errors import DataError, NoInputError, StorageError
from mixup_cli.sources.reading.bounded_read import GZIP_MAGIC, lines_of
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.tables.delimited import delimited_rows
from mixup_cli.sources.tables.kinetics import with_file_name
from mixup_cli.sources.tables.parquet import reason, require_parquet
from mixup_cli.wording import json_problem, setting

TableRow: TypeAlias = dict[str, object]
"""The cells of a row by their columns: texts in CSV, any plain value in JSON and Parquet."""

HEAD_ROWS, HEAD_CELLS = 1000, 200_000
"""At most this many rows and cells show which columns have files and labels."""

_START_BYTES = 1 << 12
_PARQUET_BATCH = 1 << 10
_BATCH_BYTES = 64 << 20
"""The most that a thousand rows may take in memory: texts and lists that repeat are small in the file."""
_MOST_VALUES = 1 << 28

_PLAIN_TYPE = re.compile(
    r"(list<\w+: )?(u?int\d+|float|double|halffloat|bool|(large_)?string|dictionary<.*)( not null)?>?"
)
"""Arrow's columns of numbers and texts, and of lists of these; not the images themselves, which some files hold."""

_NOT_TABLES = (
    (b"\xff\xfe", "is UTF-16 text. Save it as UTF-8"),
    (b"\xfe\xff", "is UTF-16 text. Save it as UTF-8"),
    (b"PK\x03\x04", "is a workbook or a zip archive, not text. Save it as CSV in UTF-8, or unpack it"),
    (GZIP_MAGIC, "is compressed. Unpack it with gunzip"),
    (b"MATLAB ", "is a MATLAB file, not text. Save its labels as CSV"),
    (b"\x89HDF\r\n", "is HDF5, not text. Save its labels as CSV"),
    (b"\x93NUMPY", "is a NumPy array, not text. Save its labels as CSV"),
)


def table_rows(
    path: Path, is_sample: Callable[[str], bool], encoding: str | None = None
) -> Iterator[tuple[int, TableRow]]:
    """Each row with the number of its line (in Parquet, of the row). All rows have the columns of the first.

    The content decides the format of a file. `is_sample` says whether a cell names an image of the source, or is a
    text: a first line with such a cell is not a header, and the columns are then called 1, 2, …. `encoding` is None
    for UTF-8 where no other can be asked for. Raises DataError, with the line, for damage; NoInputError for a missing
    file, StorageError if it cannot be read.
    """
    name = escape_name(str(path))
    if not path.is_file():
        raise NoInputError(f"{name}: no such file. Check the path.")
    with readable(path, name, encoding):
        start = start_of(path, name)
        if start.startswith(b"PAR1"):
            rows = _parquet_rows(path, name)
        elif start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
            rows = _json_rows(path, name, encoding)
        else:
            check_is_text(start, name)
            rows = delimited_rows(path, name, is_sample, codec_of(encoding))
        yield from ((line, with_file_name(row)) for line, row in rows)


def start_of(path: Path, name: str) -> bytes:
    """The first bytes of a table. Raises DataError for those of other files."""
    with path.open("rb") as file:
        start = file.read(_START_BYTES)
    for magic, found in _NOT_TABLES:
        if start.startswith(magic):
            raise DataError(f"{name}: {found}.")
    return start


def check_is_text(start: bytes, name: str) -> None:
    """Raises DataError if a file that begins so is not text."""
    if start.count(0) > len(start) // 4:
        raise DataError(f"{name}: is UTF-16 text, or not text. Save it as UTF-8.")


def first_rows(path: Path, is_sample: Callable[[str], bool]) -> list[TableRow]:
    """The first rows, enough to show what the columns hold. Raises as `table_rows` does."""
    return head_of(table_rows(path, is_sample))


def head_of(rows: Iterable[tuple[int, TableRow]]) -> list[TableRow]:
    """The first of these rows."""
    head: list[TableRow] = []
    for _, row in rows:
        head.append(row)
        if len(head) == HEAD_ROWS or len(head) * len(row) > HEAD_CELLS:
            break
    return head


def codec_of(encoding: str | None) -> str:
    """Python's codec for an encoding: UTF-8 with a mark at the start or without."""
    return "utf-8-sig" if encoding in (None, "utf-8") else str(encoding)


@contextmanager
def readable(path: Path, name: str, encoding: str | None = None) -> Iterator[None]:
    """Within the context, what reading a text raises becomes StorageError and DataError, with the line."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{name}: cannot read ({error.strerror or error}). Make it readable.") from error
    except UnicodeDecodeError as error:
        line, byte = _place_of_damage(path, codec_of(encoding))
        found = f"byte {byte} is 0x{error.object[error.start]:02x}"
        if encoding not in (None, "utf-8"):
            remedy = f"Pass another {setting('encoding')}."
            raise DataError(f"{name}, line {line}: is not {encoding} ({found}). {remedy}") from error
        remedy = (
            "Save it as UTF-8" if encoding is None else f"Pass {setting('encoding', 'latin-1')}, or save it as UTF-8"
        )
        raise DataError(
            f"{name}, line {line}: is not UTF-8 text ({found}; is it Latin-1 or Windows-1252?). {remedy}."
        ) from error


def _place_of_damage(path: Path, codec: str) -> tuple[int, int]:
    """The line and the byte in it, both from 1, that cannot be decoded: codecs are given blocks, and count in these."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(codec)
            except UnicodeDecodeError as error:
                return number, error.start + 1
    return 1, 1


def _json_rows(path: Path, name: str, encoding: str | None) -> Iterator[tuple[int, TableRow]]:
    with path.open(encoding=codec_of(encoding)) as file:
        for line, text in enumerate(lines_of(file, name), start=1):
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except (ValueError, RecursionError) as error:
                found = f"{name}, line {line}: is not JSON ({json_problem(error)})."
                raise DataError(found, "Write one object a line.") from error
            if not isinstance(row, dict):
                raise DataError(f"{name}, line {line}: is not a JSON object. Write one object a line.")
            yield line, row


def _parquet_rows(path: Path, name: str) -> Iterator[tuple[int, TableRow]]:
    arrow, parquet = require_parquet()
    number = 0
    try:
        opened = parquet.ParquetFile(path, pre_buffer=False)
        columns = [field.name for field in opened.schema_arrow if _PLAIN_TYPE.fullmatch(str(field.type))]
        groups = map(opened.metadata.row_group, range(opened.num_row_groups))
        if sum(group.column(each).num_values for group in groups for each in range(group.num_columns)) > _MOST_VALUES:
            raise DataError(f"{name}: claims more than {_MOST_VALUES:,} values, which no table of labels has.")
        for batch in opened.iter_batches(_PARQUET_BATCH, columns=columns):
            if batch.nbytes > _BATCH_BYTES:
                raise DataError(f"{name}, row {number + 1}: its texts or lists are too long for a table of labels.")
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (arrow.ArrowException, OSError, ValueError, OverflowError) as problem:  # what pyarrow raises for damage
        raise DataError(f"{name}: is not a complete Parquet file ({reason(problem)}). Write it again.") from None
