"""Labelled texts in files: which columns have texts and labels, and what each row says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import chain
from pathlib import Path

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name, names_of
from mixup_cli.sources.reading.splits import of_one_split
from mixup_cli.sources.tables.delimited import LABEL_COLUMNS
from mixup_cli.sources.tables.labels import Label, LabelReader, check_column, choose_columns, text_of
from mixup_cli.sources.tables.metadata import HUGGING_FACE
from mixup_cli.sources.tables.rows import TableRow, head_of, table_rows
from mixup_cli.sources.texts.lines import labelled_lines
from mixup_cli.wording import counted, plural, setting

TEXT_COLUMNS = (
    "text",
    "sentence",
    "question",
    "review",
    "content",
    "utterance",
    "tweet",
    "document",
    "comment",
    "body",
)
OTHER_LABEL_COLUMNS = (
    "coarse_label",
    "label-coarse",
    "label_coarse",
    "sentiment",
    "intent",
    "polarity",
    "topic",
    "stars",
)
"""Usual names of columns, in lower case, beside `LABEL_COLUMNS`; the surest come first."""

TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
SUFFIXES = (*TABLES, ".txt", ".label")
"""Files that are tables, and those in a folder that are read at all."""

_FIRST_BYTES = 1 << 12
_HEADER_WORDS = 4
"""No column is called by more words: a first line with such a cell is not a header."""


@dataclass
class Texts:
    """What files say of n texts. `problems` says why one cannot be used; `places` are the number of its file and of its
    line, or in Parquet of its row, from 1."""

    files: list[Path]
    texts: list[str] = field(default_factory=list)
    problems: list[str | None] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    labels: Labels = field(default_factory=Labels)
    notices: list[str] = field(default_factory=list)

    @property
    def is_encoded(self) -> bool:
        """Whether an encoding has an effect on a file."""
        return any(each.suffix.lower() != ".parquet" for each in self.files)

    def where(self, index: int) -> str:
        """The place of a text, for messages."""
        file, line = self.places[index]
        return f"{escape_name(str(self.files[file]))}, line {line}"

    def add(self, place: tuple[int, int], text: object) -> None:
        """One more."""
        self.places.append(place)
        self.problems.append(problem_of(text))
        self.texts.append(str(text) if self.problems[-1] is None else "")


def read_texts(path: Path, options: SourceOptions) -> Texts:
    """Read a file, or the files of one split in a folder. Rows without a label are left out with `on_error` "skip".
    Raises DataError for them without it, with the line, and for damage; UsageError where columns or splits are in
    doubt; NoInputError for no texts."""
    files, notices = _files(path, options)
    found, labels, groups, left_out = Texts(files, notices=notices), list[Label](), list[str](), list[str]()
    head = head_of(_rows(files[0], options))
    if not head:
        raise NoInputError(f"{escape_name(str(files[0]))}: has no rows. Fill it.")
    column, reader, group = _columns(escape_name(str(files[0])), head, options)
    heads = (head_of(_rows(each, options)) for each in files[1:])
    if not all({column, *reader.columns} <= {*chain(*rows)} for rows in heads if rows):
        raise _in_doubt(escape_name(str(path)), files)
    for number, file in enumerate(files):
        for line, row in _rows(file, options):
            where = f"{escape_name(str(file))}, line {line}"
            try:
                label = reader.read(where, row)
            except DataError as problem:
                if options.on_error == "fail":
                    raise type(problem)(problem.found, _or_skip(problem.remedy)) from problem
                left_out.append(where)
                continue
            found.add((number, line), row.get(column))
            labels.append(label)
            if group is not None:
                groups.append(text_of(where, group, "group", row.get(group)))
    if not labels:
        raise NoInputError(f"{escape_name(str(path))}: no row has a label. Name another {setting('label_column')}.")
    if left_out:
        found.notices.append(f"left out {counted(len(left_out), 'row')} without a label ({left_out[0]})")
    found.labels = replace(reader.labels(labels, escape_name(str(path))), groups=tuple(groups) if group else None)
    found.notices += _about_columns(column, reader, [*head[0]], options)
    found.notices += _about_labels(found.labels, len(labels))
    return found


def _about_labels(labels: Labels, rows: int) -> list[str]:
    """A notice where each row has a class of its own."""
    if labels.kind != "classes" or not 1 < rows == len(labels.class_names):
        return []
    return [f"each label occurs once. If another column has the texts, pass {setting('text_column')}"]


def _about_columns(text: str, reader: LabelReader, there: Sequence[str], options: SourceOptions) -> list[str]:
    """A notice of the columns that are read, unless they were named, or have usual names and stand alone."""
    known = {*TEXT_COLUMNS, *LABEL_COLUMNS, *OTHER_LABEL_COLUMNS}
    is_named = None not in (options.text_column, options.label_column)
    if is_named or (len(there) <= 2 and {each.lower() for each in there} <= known):
        return []
    labels = names_of(reader.columns, 8)
    labelled = f", labels of {plural(len(reader.columns), 'column')} {labels}" if reader.columns else ", without labels"
    return [f"texts of column {escape_name(text)}{labelled}"]


def _or_skip(remedy: str) -> str:
    return remedy.replace("Fix it.", f"Fix it, or pass {setting('on_error', 'skip')}.")


def problem_of(text: object, what: str = "text") -> str | None:
    """Why what stands in the place of a text cannot be used."""
    if text is None:
        return f"has no {what}"
    if isinstance(text, bytes):
        return f"has a {what} that is not UTF-8 text, or not JSON (found {text!r:.40})"
    if not isinstance(text, str):
        return f"has no {what} (found {text!r:.40})"
    if not text.strip():
        return f"has an empty {what}"
    if "\0" in text:
        return f"holds a NUL character, which no {what} has"
    if text != text.encode("utf-8", "ignore").decode():
        return "holds half a character (a lone surrogate), which UTF-8 cannot encode"
    return None


def _files(path: Path, options: SourceOptions) -> tuple[list[Path], list[str]]:
    """The files of the wanted split, and notices."""
    where = escape_name(str(path))
    if options.task is None:
        _check_are_no_captions(path, where, options)
    if path.is_file():
        return [path], []
    inside = sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES and each.is_file())
    inside = [each for each in inside if not (each.match("tokenizer*.json") or each.samefile(options.tokenizer or "."))]
    if not inside:
        raise NoInputError(f"{where}: has no texts ({', '.join(SUFFIXES)}). Name the file.")
    chosen, notices = of_one_split({str(each): each.name for each in inside}, options.split, where)
    files = [*map(Path, chosen)]
    if len({each.suffix for each in files}) > 1:
        raise _in_doubt(where, files)
    return files, notices


def _in_doubt(where: str, files: Sequence[Path]) -> UsageError:
    return UsageError(f"{where}: which of {names_of([each.name for each in files])} has the texts? Name that file.")


def _check_are_no_captions(path: Path, where: str, options: SourceOptions) -> None:
    """Raises UsageError where a tokenizer can be meant for captions of images."""
    text, caption = setting("task", "text"), setting("task", "caption")
    if (table := options.labels_from) is not None:
        found, remedy = f"{where}: texts have their labels beside them.", f"Pass {caption} for captions of images."
        raise UsageError(found, remedy, field="labels_from", value=table)
    if tables := [each for each in HUGGING_FACE if (path / each).is_file()]:
        found = f"{where}: is {tables[0]} about texts, or about images with captions?"
        raise UsageError(found, f"Pass {caption} for images, or {text}.")


def _rows(path: Path, options: SourceOptions) -> Iterator[tuple[int, TableRow]]:
    encoding = options.encoding or "utf-8"
    if _is_table(path):
        return table_rows(path, _in_a_row(path, encoding), encoding)
    return labelled_lines(path, escape_name(str(path)), encoding)


def _is_table(path: Path) -> bool:
    """By its ending; else by its first line, which names a column of texts or is JSON."""
    if path.suffix.lower() in TABLES:
        return True
    with path.open("rb") as file:
        first = file.read(_FIRST_BYTES).removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].strip().lower()
    cells = {cell.strip(b'" ').decode("latin-1") for cell in re.split(rb"[\t,;]", first)}
    has_header = len(cells) > 1 and not cells.isdisjoint(TEXT_COLUMNS)
    return has_header or first.startswith((b"{", b"par1"))


def _is_text(cell: str) -> bool:
    return len(cell.split()) > _HEADER_WORDS


def _in_a_row(path: Path, encoding: str) -> Callable[[str], bool]:
    """Whether a cell of the first line of a table shows that it is not a header: it is a text, or a label that occurs
    again."""
    repeated = cache(lambda: _repeated(path, encoding))
    return lambda cell: _is_text(cell) or cell in repeated()


def _repeated(path: Path, encoding: str) -> set[str]:
    """The cells of the first line that occur again below it. Columns of usual names have a header, and so have several
    that are called by numbers."""
    head: list[TableRow] = []
    with suppress(DataError):  # which reading the rows raises, too, unless the header alone is short
        head = head_of(table_rows(path, lambda _: True, encoding))
    first = {column: str(cell) for column, cell in head[0].items() if cell} if head else {}
    is_usual = not {cell.lower() for cell in first.values()}.isdisjoint({*TEXT_COLUMNS, *OTHER_LABEL_COLUMNS})
    if is_usual or sum(map(str.isdecimal, first.values())) > 1:
        return set()
    return {cell for column, cell in first.items() if any(row[column] == cell for row in head[1:])}


def _columns(name: str, head: Sequence[TableRow], options: SourceOptions) -> tuple[str, LabelReader, str | None]:
    """The column of texts, what reads the labels, and the column of groups."""
    there = [*head[0]]
    if (group := options.group_column_of(there)) is not None:
        check_column(name, there, "group_column", group)
    given = (*_named(options.label_column, there), *([group] if group else []))
    text = _text_column(name, head, options, given)
    rest = [each for each in there if each not in (text, group) and each]
    usual = _usual(rest, (*LABEL_COLUMNS, *OTHER_LABEL_COLUMNS))
    if not rest and options.label_column is None:
        return text, LabelReader((), "none"), group
    asked = replace(options, labels_from=name, label_column=options.label_column or usual)
    reader = choose_columns(name, rest, asked, head)
    return text, reader or LabelReader((), "none"), group


def _named(wanted: str | None, there: Sequence[str]) -> tuple[str, ...]:
    return () if wanted is None else (wanted,) if wanted in there else tuple(wanted.split(","))


def _usual(columns: Sequence[str], known: Sequence[str]) -> str | None:
    """The column with the surest of the known names."""
    by_name = {each.lower(): each for each in columns}
    return next((by_name[each] for each in known if each in by_name), None)


def _text_column(name: str, head: Sequence[TableRow], options: SourceOptions, others: Sequence[str]) -> str:
    """The column that is asked for; with a usual name; the only one in which cells are mostly of several words; or the
    only one that is left."""
    there = [*head[0]]
    if options.text_column is not None:
        check_column(name, there, "text_column", options.text_column)
        return options.text_column
    free = [each for each in there if each not in others]
    if (usual := _usual(free, TEXT_COLUMNS)) is not None:
        return usual
    wordy = [each for each in free if 2 * sum(_is_text(str(row.get(each))) for row in head) > len(head)]
    if len(wordy) == 1:
        return wordy[0]
    labelled = _usual(free, (*LABEL_COLUMNS, *OTHER_LABEL_COLUMNS))
    left = [each for each in free if each != labelled]
    if len(left) == 1:
        return left[0]
    found = f"{name}: which column has the texts? Found: {', '.join(f'{each:.40}' for each in there[:20])}."
    raise UsageError(found, f"Pass {setting('text_column', 'NAME')}.")
