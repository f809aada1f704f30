"""`metadata.csv` and `metadata.jsonl` as Hugging Face's imagefolder knows them: a file name and a label in each row."""

from __future__ import annotations

import csv
import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mixup_cli.errors import DataError, StorageError, UsageError
from mixup_cli.sources.pictures import escape_name

LABEL_COLUMNS = ("label", "labels", "class", "category", "target")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


@dataclass(frozen=True)
class Metadata:
    """`labels` has the label of each file, by its path relative to the metadata file's folder (None throughout if
    there is no label column); `lines` tells where each stands.
    """

    name: str
    columns: tuple[str, ...]
    label_column: str | None
    labels: dict[str, str | None]
    lines: dict[str, int]


def find_metadata(folder: Path) -> Path | None:
    """The metadata file of a folder, if it has one. Raises DataError if it has two."""
    found = [path for path in (folder / "metadata.csv", folder / "metadata.jsonl") if path.is_file()]
    if len(found) > 1:
        raise DataError(
            f"{escape_name(str(folder))}: metadata.csv and metadata.jsonl are both there. Remove one of them."
        )
    return found[0] if found else None


def read_metadata(path: Path, label_column: str | None) -> Metadata:
    """Read a metadata file. Raises DataError with the line for damaged rows, names used twice, and names that leave
    the folder; UsageError where `label_column` is not there.
    """
    name = escape_name(str(path))
    rows = _csv_rows(path) if path.suffix == ".csv" else _jsonl_rows(path)
    columns: tuple[str, ...] = ()
    labels: dict[str, str | None] = {}
    lines: dict[str, int] = {}
    chosen: str | None = None
    try:
        for line, row in rows:
            if not columns:
                columns = tuple(row)
                chosen = _choose_column(name, columns, label_column)
            file_name = _file_name(f"{name}, line {line}", row.get("file_name"))
            if file_name in lines:
                raise DataError(
                    f"{name}, line {line}: {file_name} stands in line {lines[file_name]} already. Keep one."
                )
            lines[file_name] = line
            labels[file_name] = None if chosen is None else _label(f"{name}, line {line}", chosen, row.get(chosen))
    except OSError as error:
        raise StorageError(f"{name}: cannot read ({error.strerror}). Make it readable.") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name}: is not UTF-8 text ({error.reason} at byte {error.start}). Save it as UTF-8."
        ) from error
    if not columns:
        raise DataError(f"{name}: has no rows. Fill it, or remove it.")
    return Metadata(name, columns, chosen, labels, lines)


def sort_classes(names: set[str]) -> tuple[str, ...]:
    """Class names in order: as numbers if all of them are, else by code point."""
    if all(_NUMBER.fullmatch(name) for name in names):
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    return tuple(sorted(names))


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            columns = next(reader, [])
            for values in reader:
                if values and len(values) != len(columns):
                    found = f"has {len(values)} values, but there are {len(columns)} columns"
                    raise DataError(f"{escape_name(str(path))}, line {reader.line_num}: {found}")
                if values:
                    yield reader.line_num, dict(zip(columns, values, strict=True))
        except csv.Error as error:
            raise DataError(
                f"{escape_name(str(path))}, line {reader.line_num}: is not CSV ({error}). Mend that line."
            ) from error


def _jsonl_rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    with path.open(encoding="utf-8-sig") as file:
        for line, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise DataError(
                    f"{escape_name(str(path))}, line {line}: is not JSON ({error}). Mend that line."
                ) from error
            if not isinstance(row, dict):
                raise DataError(f"{escape_name(str(path))}, line {line}: is not a JSON object. Mend that line.")
            yield line, row


def _choose_column(name: str, columns: tuple[str, ...], wanted: str | None) -> str | None:
    if "file_name" not in columns:
        raise DataError(f"{name}: has no column file_name (found: {', '.join(columns)}). Rename the column of paths.")
    if wanted is not None:
        if wanted not in columns:
            raise UsageError(
                f"--label-column {wanted}: {name} has no such column (found: {', '.join(columns)}). Name one."
            )
        return wanted
    by_name = {column.lower(): column for column in columns}
    return next((by_name[label] for label in LABEL_COLUMNS if label in by_name), None)


def _file_name(where: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise DataError(f"{where}: has no file_name. Fill it in, or remove the line.")
    path = posixpath.normpath(value)
    if path.startswith(("/", "../")) or path in ("..", ".") or Path(path).is_absolute():
        raise DataError(f"{where}: {escape_name(value)} is not below the metadata file's folder. Move it there.")
    return path


def _label(where: str, column: str, value: object) -> str:
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value) if isinstance(value, str | int | float) else ""
    if not text or text != text.encode("utf-8", "ignore").decode("utf-8"):
        raise DataError(
            f"{where}: column {column} has no usable label (found: {value!r}; expected a name or a number). Mend it."
        )
    return text
