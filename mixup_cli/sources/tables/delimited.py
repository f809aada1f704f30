"""Tables in plain text: which separator they have, and whether the first line is a header.

The cells are the `csv` module's. The dialect is found by hand: `csv.Sniffer` guesses by frequency alone and is often
wrong, and pyarrow knows neither blanks, nor short headers, nor lines above the header.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path

from mixup_cli.errors import DataError
from mixup_cli.sources.reading.bounded_read import lines_of
from mixup_cli.wording import counted

FILE_COLUMNS = (
    *("file_name", "filename", "file", "filepath", "path", "fname"),
    *("image_name", "image_id", "imageid", "image", "img", "id", "id_code"),
)
LABEL_COLUMNS = ("label", "labels", "class", "category", "target")
CAPTION_COLUMNS = ("text", "caption", "description", "title", "prompt", "alt_text")
"""Usual names of columns of files, of labels and of captions, in lower case; the surest names come first."""

_SEPARATORS = "\t,;"
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*')

Line = tuple[int, list[str]]
"""The number of a line of the file, and its cells."""


def delimited_rows(
    path: Path, name: str, is_sample: Callable[[str], bool], codec: str
) -> Iterator[tuple[int, dict[str, object]]]:
    """The rows of a text whose cells have tabs, commas, semicolons or blanks between them; see `rows.table_rows`.

    The separator is the one that the first line has most often, outside of quotes. Not read as the first line are
    `sep=;`, as Excel writes it, and a line with the number of rows alone, as in CelebA.
    """
    with path.open(encoding=codec, newline="") as file:
        lines = _lines(name, lines_of(file, name))
        head = [*islice(lines, 2)]
        columns, head = _header(head, is_sample)
        for column, count in Counter(filter(None, columns) if any(columns) else columns).most_common(1):
            if count > 1:
                raise DataError(f"{name}: has {count} columns {column!r:.80}. Rename all but one.")
        for number, cells in chain(head, lines):
            if len(cells) != len(columns):
                found = f"has {counted(len(cells), 'value')}, expected {len(columns)}, one for each column"
                raise DataError(f"{name}, line {number}: {found}. Fix that line.")
            yield number, dict(zip(columns, cells, strict=True))


def _lines(name: str, lines: Iterator[str]) -> Iterator[Line]:
    """The lines of the table, without those above it; cells without the blanks around them."""
    separator, before, rest = _begun(lines)
    if separator == " ":
        yield from ((number, line.split()) for number, line in enumerate(rest, before + 1) if line.strip())
        return
    reader = csv.reader(rest, delimiter=separator, skipinitialspace=True, strict=True)
    try:
        for row in reader:
            if row:
                yield before + reader.line_num, [cell.strip() for cell in row]
    except csv.Error as error:
        where = f"{name}, line {before + reader.line_num}"
        raise DataError(f"{where}: is not CSV ({error}). Fix that line.") from error


def _begun(lines: Iterator[str]) -> tuple[str, int, Iterator[str]]:
    """The separator (" " for any blanks), the number of lines above the table, and the lines of the table."""
    numbered = enumerate(lines, 1)
    filled = (each for each in numbered if each[1].strip())
    number, first = next(filled, (0, ""))
    if given := _SEPARATOR_LINE.fullmatch(first):
        return given[1], number, (line for _, line in numbered)
    if first.strip().isdecimal():
        number, first = next(filled, (number, ""))
    while (separator := _separator_of(first)) == " " and first.startswith("#"):
        number, first = next(filled, (number, ""))
    return separator, number - 1, chain([first], (line for _, line in numbered))


def _separator_of(line: str) -> str:
    """A bar counts only in a line without other separators: it also stands between the classes of one cell."""
    counts = Counter(_QUOTED.sub("", line))
    separator = max(_SEPARATORS, key=lambda each: counts[each])
    if counts[separator]:
        return separator
    return "|" if counts["|"] and not counts[" "] else " "


def _header(head: list[Line], is_sample: Callable[[str], bool]) -> tuple[list[str], list[Line]]:
    """The names of the columns, and which of the first two lines are rows.

    Columns have numbers if the first line is a row like others. A header that is one cell short, as in CelebA, does not
    name the column of files.
    """
    if not head:
        return [], []
    first = head[0][1]
    lower = {cell.lower() for cell in first}
    has_names = not lower.isdisjoint({*FILE_COLUMNS, *LABEL_COLUMNS})
    if not has_names and (any(map(is_sample, first)) or all(cell.isdecimal() for cell in first)):
        return [str(number + 1) for number in range(len(first))], head
    is_short = len(head) > 1 and len(head[1][1]) == len(first) + 1 and lower.isdisjoint(FILE_COLUMNS)
    return [FILE_COLUMNS[0], *first] if is_short else first, head[1:]
