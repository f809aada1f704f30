"""Tables of labels, a row for each image: Hugging Face's `metadata.csv` and `.jsonl`, the tables that some data sets
bring, and any file that `SourceOptions.labels_from` names.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mixup_cli.errors import DataError, UsageError
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import split_kind
from mixup_cli.sources.tables.delimited import CAPTION_COLUMNS, FILE_COLUMNS
from mixup_cli.sources.tables.labels import Label, LabelReader, check_column, choose_columns, text_of
from mixup_cli.sources.tables.matching import PictureNames
from mixup_cli.sources.tables.rows import TableRow, first_rows, table_rows
from mixup_cli.wording import setting

HUGGING_FACE = ("metadata.csv", "metadata.jsonl")
OF_DATA_SETS = {"_classes.csv": None, "val_annotations.txt": "2"}
"""Tables with fixed names, and their column of labels if the header does not name it: those of Roboflow's multi-label
export and of Tiny ImageNet."""


@dataclass(frozen=True, slots=True)  # slots: there is one for every file
class Entry:
    """What a row says about a file: `label` is None without a label column, `group` if none was asked for, and `text`,
    which is its caption, too."""

    line: int
    label: Label | None
    group: str | None
    text: object = None


@dataclass(frozen=True)
class Metadata:
    """`entries` has the row of each file, by its name: a path from the folder of the table if `is_strict`, and else
    any name that `PictureNames` can match. `reader` is None without a label column. The cells of `split_column` name
    several splits, those of `text_column` are captions."""

    name: str
    columns: tuple[str, ...]
    file_column: str
    reader: LabelReader | None
    entries: dict[str, Entry]
    is_strict: bool
    split_column: str | None = None
    text_column: str | None = None

    def where(self, file_name: str) -> str:
        """The place of a file's row, for messages."""
        return f"{self.name}, line {self.entries[file_name].line}"


def find_metadata(folder: Path) -> Path | None:
    """The table of labels of a folder, if it has one. Raises DataError if it has several."""
    found = [path for name in (*HUGGING_FACE, *OF_DATA_SETS) if (path := folder / name).is_file()]
    if len(found) > 1:
        raise DataError(
            f"{escape_name(str(folder))}: has both {found[0].name} and {found[1].name}. Remove one of them."
        )
    return found[0] if found else None


def read_metadata(path: Path, options: SourceOptions, names: PictureNames) -> Metadata:
    """Read a table of labels for images of these `names`. Raises DataError with the line for damaged rows, files that
    are named twice, and, in Hugging Face's tables, names that leave the folder; UsageError if the table lacks a column
    that `options` name, or if it is unclear which columns to take.
    """
    name, is_strict = escape_name(str(path)), options.labels_from is None and path.name in HUGGING_FACE
    head = first_rows(path, names.has)
    if not head:
        raise DataError(f"{name}: has no rows. Fill it, or remove it.")
    columns = tuple(head[0])
    if (group_column := options.group_column_of(columns)) is not None:
        check_column(name, columns, "group_column", group_column)
    file_column = _file_column(name, head, options, names)
    others = [each for each in columns if each not in (file_column, group_column) and not _is_index(each)]
    known, text_column = _as_known(path, options), None
    if options.task == "caption":
        text_column = caption_column(name, others, options)
        others = [each for each in others if each != text_column]
        known = replace(known, labels_from=None)  # such a table need not have labels
    reader = choose_columns(name, others, known, head)
    entries: dict[str, Entry] = {}
    for line, row in table_rows(path, names.has):
        where = f"{name}, line {line}"
        file_name = _file_name(where, file_column, row.get(file_column), is_strict)
        if file_name in entries:
            raise DataError(f"{where}: names {file_name}, as line {entries[file_name].line} does. Keep one.")
        entries[file_name] = Entry(
            line,
            None if reader is None else reader.read(where, row),
            _group(where, row, group_column),
            None if text_column is None else row.get(text_column),
        )
    rest = [each for each in others if reader is None or each not in reader.columns]
    return Metadata(name, columns, file_column, reader, entries, is_strict, _split_column(rest, head), text_column)


def caption_column(name: str, columns: Sequence[str], options: SourceOptions) -> str:
    """The column with captions: the one that is asked for, one with a usual name, or the only one. Raises UsageError if
    that leaves a doubt."""
    if options.text_column is not None:
        check_column(name, columns, "text_column", options.text_column)
        return options.text_column
    by_name = {each.lower(): each for each in columns}
    usual = [by_name[each] for each in CAPTION_COLUMNS if each in by_name]
    if not usual and len(columns) != 1:
        found = f"{name}: which column has the captions? Found: {', '.join(columns) or 'none but that of the files'}."
        raise UsageError(found, f"Pass {setting('text_column', 'NAME')}.")
    return (usual or columns)[0]


@dataclass(frozen=True)
class Place:
    """Where images are looked for: below `base` in the folder `root`. Names in a strict table begin at `inside`."""

    root: str
    base: str
    inside: str


def pictures_of(metadata: Metadata, names: PictureNames, place: Place) -> tuple[dict[str, str], list[str]]:
    """The image of each file name that has one, as a path from the root, and notices about the rest.

    Raises DataError if no row names an image, or a name fits two.
    """
    if metadata.is_strict:
        within = {name: place.inside + name for name in metadata.entries}
        within = {name: path for name, path in within.items() if path.startswith(place.base)}
        # A file that the walk does not know (another suffix, a dot-folder) counts if it is named and exists. One that
        # does not exist is a broken input, which the scan refuses or skips: only here is its line known.
        unknown = [name for name, path in within.items() if path not in names.known]
        gone = [name for name in unknown if not Path(place.root, within[name]).is_file()]
        if len(gone) < len(within):
            return within, [_missing(metadata, gone, "file")] if gone else []
    found, rule = names.matched(metadata.entries, metadata.where)
    if not found:
        first = next(iter(metadata.entries))
        has = f" (which has {escape_name(nearest)})" if (nearest := names.nearest(first)) else ""
        raise DataError(
            f"{metadata.where(first)}: column {metadata.file_column} names {escape_name(first)}, and neither it nor "
            f"any other row names {names.one} of {escape_name(place.root)}{has}.",
            f"Pass another {setting('file_column')}, give the folder with these {names.noun}s, or write the names as "
            f"the {names.noun}s have them.",
        )
    is_whole = all(path in (name, place.base + name) for name, path in found.items())
    notices = [] if is_whole else [f"rows of {metadata.name} and {names.noun}s were matched {rule}"]
    if without := [name for name in metadata.entries if name not in found]:
        notices.append(_missing(metadata, without, names.noun) + "; left out")
    return found, notices


def _missing(metadata: Metadata, gone: Sequence[str], noun: str) -> str:
    more = f", nor {len(gone) - 1:,} more that it names" if gone[1:] else ""
    return f"{metadata.where(gone[0])}: no {noun} {escape_name(gone[0])}{more}"


def _as_known(path: Path, options: SourceOptions) -> SourceOptions:
    """The options, with what is known about the tables of some data sets."""
    if options.labels_from is not None or path.name not in OF_DATA_SETS:
        return options
    return replace(options, labels_from=str(path), label_column=options.label_column or OF_DATA_SETS[path.name])


def _group(where: str, row: TableRow, column: str | None) -> str | None:
    return None if column is None else text_of(where, column, "group", row.get(column))


def _split_column(columns: Sequence[str], head: Sequence[TableRow]) -> str | None:
    cells = {each: {str(row.get(each)) for row in head} for each in columns}
    return next((each for each in columns if len(cells[each]) > 1 and all(map(split_kind, cells[each]))), None)


def _is_index(column: str) -> bool:
    """Whether a column is the row number, as pandas writes it."""
    return not column or column.startswith("Unnamed: ")


def _file_column(name: str, head: Sequence[TableRow], options: SourceOptions, names: PictureNames) -> str:
    """The column that names files: the one that was asked for, `file_name`, the one whose cells name most images, or
    one with a usual name."""
    columns = tuple(head[0])
    if options.file_column is not None:
        check_column(name, columns, "file_column", options.file_column)
        return options.file_column
    if FILE_COLUMNS[0] in columns:
        return FILE_COLUMNS[0]
    cells = {each: {str(row.get(each)) for row in head} for each in columns if not _is_index(each)}
    counts = {each: sum(map(names.has, found)) for each, found in cells.items()}
    best = [each for each in counts if counts[each] == max(counts.values())]
    by_name = [each for known in FILE_COLUMNS for each in best if each.lower() == known]
    chosen = best if len(best) == 1 and counts[best[0]] else by_name
    if not chosen:
        raise DataError(
            f"{name}: has no column file_name, and no other that names {names.noun}s of the source (found: "
            f"{', '.join(columns)}). Pass {setting('file_column', 'NAME')}, or give the folder with these "
            f"{names.noun}s."
        )
    return chosen[0]


def _file_name(where: str, column: str, value: object, is_strict: bool) -> str:
    if value in (None, ""):
        raise DataError(f"{where}: has no {column}. Fill it in, or remove the line.")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # an id
    if not isinstance(value, str):
        raise DataError(f"{where}: {column} is {value!r:.80}, expected a text. Fix that line.")
    if "\0" in value:
        raise DataError(f"{where}: {column} holds a NUL, which no file name can. Fix that line.")
    path = posixpath.normpath(value)
    if not is_strict:
        return posixpath.normpath(f"/{value.replace(chr(92), '/')}").lstrip("/")
    if path.startswith("/") or Path(path).is_absolute():
        raise DataError(
            f"{where}: {escape_name(value)} is an absolute path. Write it relative to this file's folder, or name "
            f"this file with {setting('labels_from')}, which allows any path."
        )
    if path.startswith("../") or path in ("..", "."):
        raise DataError(f"{where}: {escape_name(value)} is outside the metadata file's folder. Move it there.")
    return path
