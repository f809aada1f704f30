"""`metadata.csv` and `metadata.jsonl` as Hugging Face's imagefolder knows them: a file name and a label in each row.

What the cells with labels and groups mean stands in `metadata_labels.py`.
"""

from __future__ import annotations

import csv
import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mixup_cli.errors import DataError, StorageError
from mixup_cli.sources.base import SourceOptions
from mixup_cli.sources.bounded_read import lines_of
from mixup_cli.sources.metadata_labels import Label, LabelReader, check_column, choose_columns, text_of
from mixup_cli.sources.pictures import escape_name
from mixup_cli.wording import counted, json_problem


@dataclass(frozen=True, slots=True)  # slots: there is one for every file
class Entry:
    """What a row says of a file: `label` is None where there is no label column, `group` where none was asked for."""

    line: int
    label: Label | None
    group: str | None


@dataclass(frozen=True)
class Metadata:
    """`entries` has what is said of each file, by its path relative to the metadata file's folder; `reader` is None
    where there is no label column."""

    name: str
    columns: tuple[str, ...]
    reader: LabelReader | None
    entries: dict[str, Entry]


def find_metadata(folder: Path) -> Path | None:
    """The metadata file of a folder, if it has one. Raises DataError if it has two."""
    found = [path for path in (folder / "metadata.csv", folder / "metadata.jsonl") if path.is_file()]
    if len(found) > 1:
        raise DataError(
            f"{escape_name(str(folder))}: metadata.csv and metadata.jsonl are both there. Remove one of them."
        )
    return found[0] if found else None


def read_metadata(path: Path, options: SourceOptions) -> Metadata:
    """Read a metadata file. Raises DataError with the line for damaged rows, names used twice, and names that leave
    the folder; UsageError where a column that `options` name is not there.
    """
    name = escape_name(str(path))
    rows = _csv_rows(path) if path.suffix == ".csv" else _jsonl_rows(path)
    columns: tuple[str, ...] = ()
    reader: LabelReader | None = None
    entries: dict[str, Entry] = {}
    try:
        for line, row in rows:
            if not columns:
                columns = tuple(row)
                reader = _check_columns(name, columns, options)
            file_name = _file_name(f"{name}, line {line}", row.get("file_name"))
            if file_name in entries:
                raise DataError(
                    f"{name}, line {line}: {file_name} stands in line {entries[file_name].line} already. Keep one."
                )
            entries[file_name] = Entry(
                line,
                None if reader is None else reader.read(f"{name}, line {line}", row),
                _group(f"{name}, line {line}", row, options.group_column_of(columns)),
            )
    except OSError as error:
        raise StorageError(f"{name}: cannot read ({error.strerror}). Make it readable.") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name}: is not UTF-8 text ({error.reason} at byte {error.start}). Save it as UTF-8."
        ) from error
    if not columns:
        raise DataError(f"{name}: has no rows. Fill it, or remove it.")
    return Metadata(name, columns, reader, entries)


def _group(where: str, row: dict[str, object], column: str | None) -> str | None:
    return None if column is None else text_of(where, column, "group", row.get(column))


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(lines_of(file, escape_name(str(path))), strict=True)
        try:
            columns = next(reader, [])
            for values in reader:
                if values and len(values) != len(columns):
                    found = f"has {counted(len(values), 'value')}, and there are {counted(len(columns), 'column')}"
                    raise DataError(f"{escape_name(str(path))}, line {reader.line_num}: {found}. Mend that line.")
                if values:
                    yield reader.line_num, dict(zip(columns, values, strict=True))
        except csv.Error as error:
            raise DataError(
                f"{escape_name(str(path))}, line {reader.line_num}: is not CSV ({error}). Mend that line."
            ) from error


def _jsonl_rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    with path.open(encoding="utf-8-sig") as file:
        for line, text in enumerate(lines_of(file, escape_name(str(path))), start=1):
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise DataError(
                    f"{escape_name(str(path))}, line {line}: is not JSON ({json_problem(error)}). Mend that line."
                ) from error
            if not isinstance(row, dict):
                raise DataError(f"{escape_name(str(path))}, line {line}: is not a JSON object. Mend that line.")
            yield line, row


def _check_columns(name: str, columns: tuple[str, ...], options: SourceOptions) -> LabelReader | None:
    if "file_name" not in columns:
        raise DataError(f"{name}: has no column file_name (found: {', '.join(columns)}). Rename the column of paths.")
    if (column := options.group_column_of(columns)) is not None:
        check_column(name, columns, "--group-column", column)
    return choose_columns(name, columns, options)


def _file_name(where: str, value: object) -> str:
    if value in (None, ""):
        raise DataError(f"{where}: has no file_name. Fill it in, or remove the line.")
    if not isinstance(value, str):
        raise DataError(f"{where}: file_name is {value!r:.80}, and a text was expected. Mend that line.")
    if "\0" in value:
        raise DataError(f"{where}: file_name holds a NUL, which no file's name does. Mend that line.")
    path = posixpath.normpath(value)
    if path.startswith(("/", "../")) or path in ("..", ".") or Path(path).is_absolute():
        raise DataError(f"{where}: {escape_name(value)} is not below the metadata file's folder. Move it there.")
    return path
