"""Tables in plain text: which separator they have, and whether the first line is a header."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from mixup_cli.errors import DataError
from mixup_cli.sources.reading.bounded_read import lines_of
from mixup_cli.wording import counted

FILE_COLUMNS = (
    *("file_name", "filename", "file", "filepath", "path", "fname"),
    *("image_name", "image_id", "imageid", "image", "img", "id", "id_code"),
)
LABEL_COLUMNS = ("label", "labels", "class", "category", "target")
"""What columns of files and of labels are called, in lower case; the surest names come first."""

_SEPARATORS = "\t,;"
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*')


@dataclass
class _Lines:
    """The lines of a table from its header on. `before` is how many stand above; `separator` is " " for any blanks."""

    name: str
    lines: Iterator[str]
    separator: str
    before: int

    def cells(self) -> Iterator[tuple[int, list[str]]]:
        """Every line's cells, without the blanks around them, and its number."""
        if self.separator == " ":
            for number, line in enumerate(self.lines, self.before + 1):
                if line.strip():
                    yield number, line.split()
            return
        reader = csv.reader(self.lines, delimiter=self.separator, skipinitialspace=True, strict=True)
        try:
            for row in reader:
                if row:
                    yield self.before + reader.line_num, [cell.strip() for cell in row]
        except csv.Error as error:
            number = self.before + reader.line_num
            raise DataError(f"{self.name}, line {number}: is not CSV ({error}). Mend that line.") from error


def delimited_rows(
    path: Path, name: str, names_picture: Callable[[str], bool]
) -> Iterator[tuple[int, dict[str, object]]]:
    """The rows of a text whose cells have tabs, commas, semicolons or blanks between them; see `label_rows`.

    The first line says which: it is the one that stands there most often, outside of quotes. Left out are a first line
    `sep=;`, as Excel writes it, and one with nothing but the number of rows, as CelebA has it.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        table = _begun(name, lines_of(file, name))
        rows = table.cells()
        first, second = next(rows, None), next(rows, None)
        if first is None:
            return
        columns, rows = _columns(first[1], second, names_picture), _back(second, rows)
        if columns is None:
            columns, rows = [str(number + 1) for number in range(len(first[1]))], _back(first, rows)
        _check_columns(name, columns)
        for line, cells in rows:
            yield line, dict(zip(columns, _fitted(name, line, cells, columns), strict=True))


def _begun(name: str, lines: Iterator[str]) -> _Lines:
    first, before = _next_filled(lines, 0)
    if given := _SEPARATOR_LINE.fullmatch(first):
        return _Lines(name, lines, given[1], before + 1)
    if first.strip().isdecimal():
        first, before = _next_filled(lines, before + 1)
    while (separator := _separator_of(first)) == " " and first.startswith("#"):
        first, before = _next_filled(lines, before + 1)
    return _Lines(name, chain([first], lines), separator, before)


def _separator_of(line: str) -> str:
    """A bar stands between cells where nothing else does: it may also stand between the classes in one."""
    counts = Counter(_QUOTED.sub("", line))
    separator = max(_SEPARATORS, key=lambda each: counts[each])
    if counts[separator]:
        return separator
    return "|" if counts["|"] and not counts[" "] else " "


def _next_filled(lines: Iterator[str], before: int) -> tuple[str, int]:
    """The next line that is not blank, and how many stand above it."""
    for line in lines:
        if line.strip():
            return line, before
        before += 1
    return "", before


def _columns(
    first: list[str], second: tuple[int, list[str]] | None, names_picture: Callable[[str], bool]
) -> list[str] | None:
    """The names of the columns, from the first row and the second; None if the first is a row like others.

    A header that is one cell short, as CelebA has it, does not name the column of files.
    """
    lower = {cell.lower() for cell in first}
    has_names = not lower.isdisjoint({*FILE_COLUMNS, *LABEL_COLUMNS})
    if not has_names and (any(map(names_picture, first)) or all(cell.isdecimal() for cell in first)):
        return None
    is_short = second is not None and len(second[1]) == len(first) + 1 and lower.isdisjoint(FILE_COLUMNS)
    return [FILE_COLUMNS[0], *first] if is_short else first


def _back(row: tuple[int, list[str]] | None, rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    return rows if row is None else chain([row], rows)


def _check_columns(name: str, columns: list[str]) -> None:
    column, count = Counter(filter(None, columns)).most_common(1)[0] if any(columns) else ("", 2)
    if count > 1:
        raise DataError(f"{name}: has {count} columns {column!r:.80}. Give each a name of its own.")


def _fitted(name: str, line: int, cells: list[str], columns: list[str]) -> list[str]:
    if len(cells) != len(columns):
        found = f"has {counted(len(cells), 'value')}, and there are {counted(len(columns), 'column')}"
        raise DataError(f"{name}, line {line}: {found}. Mend that line.")
    return cells
