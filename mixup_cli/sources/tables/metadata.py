"""Tables of labels: a row for each picture. `metadata.csv` and `.jsonl` as Hugging Face's imagefolder knows them, the
tables that some data sets bring, and any file that `--labels-from` names.

What the cells with labels and groups mean stands in `metadata_labels.py`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mixup_cli.errors import DataError
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import split_kind
from mixup_cli.sources.tables.delimited import FILE_COLUMNS
from mixup_cli.sources.tables.labels import Label, LabelReader, check_column, choose_columns, text_of
from mixup_cli.sources.tables.matching import PictureNames
from mixup_cli.sources.tables.rows import Row, first_rows, label_rows

HUGGING_FACE = ("metadata.csv", "metadata.jsonl")
OF_DATA_SETS = {"_classes.csv": None, "val_annotations.txt": "2"}
"""Tables that lie beside pictures under fixed names, with the column of labels where their header does not name it:
those of Roboflow's multi-label export and of Tiny ImageNet."""


@dataclass(frozen=True, slots=True)  # slots: there is one for every file
class Entry:
    """What a row says of a file: `label` is None where there is no label column, `group` where none was asked for."""

    line: int
    label: Label | None
    group: str | None


@dataclass(frozen=True)
class Metadata:
    """`entries` has what is said of each file, by its name: a path from the folder of the table, if `is_strict`, and
    else whatever tells the pictures apart. `reader` is None where there is no label column. The cells of `split_column`
    are names of splits, of which there are several."""

    name: str
    columns: tuple[str, ...]
    file_column: str
    reader: LabelReader | None
    entries: dict[str, Entry]
    is_strict: bool
    split_column: str | None = None

    def where(self, file_name: str) -> str:
        """The place of a file's row, for messages."""
        return f"{self.name}, line {self.entries[file_name].line}"


def find_metadata(folder: Path) -> Path | None:
    """The table of labels of a folder, if it has one. Raises DataError if it has several."""
    found = [path for name in (*HUGGING_FACE, *OF_DATA_SETS) if (path := folder / name).is_file()]
    if len(found) > 1:
        raise DataError(
            f"{escape_name(str(folder))}: {found[0].name} and {found[1].name} are both there. Remove one of them."
        )
    return found[0] if found else None


def read_metadata(path: Path, options: SourceOptions, names: PictureNames) -> Metadata:
    """Read a table of labels for pictures of these `names`. Raises DataError with the line for damaged rows, files that
    stand there twice, and, in Hugging Face's, names that leave the folder; UsageError where a column that `options`
    name is not there, or nothing tells which columns to take.
    """
    name, is_strict = escape_name(str(path)), options.labels_from is None and path.name in HUGGING_FACE
    head = first_rows(path, names.has)
    if not head:
        raise DataError(f"{name}: has no rows. Fill it, or remove it.")
    columns = tuple(head[0])
    if (group_column := options.group_column_of(columns)) is not None:
        check_column(name, columns, "--group-column", group_column)
    file_column = _file_column(name, head, options, names)
    others = [each for each in columns if each not in (file_column, group_column) and not _is_index(each)]
    reader = choose_columns(name, others, _as_known(path, options), head)
    entries: dict[str, Entry] = {}
    for line, row in label_rows(path, names.has):
        where = f"{name}, line {line}"
        file_name = _file_name(where, file_column, row.get(file_column), is_strict)
        if file_name in entries:
            raise DataError(f"{where}: {file_name} stands in line {entries[file_name].line} already. Keep one.")
        entries[file_name] = Entry(
            line, None if reader is None else reader.read(where, row), _group(where, row, group_column)
        )
    rest = [each for each in others if reader is None or each not in reader.columns]
    return Metadata(name, columns, file_column, reader, entries, is_strict, _split_column(rest, head))


@dataclass(frozen=True)
class Place:
    """Where pictures are looked for: below `base` in the folder `root`. Names in a strict table begin at `inside`."""

    root: str
    base: str
    inside: str


def pictures_of(metadata: Metadata, names: PictureNames, place: Place) -> tuple[dict[str, str], list[str]]:
    """The picture of each file name that has one, as a path from the root, and what to say about the rest.

    Raises DataError where no row names a picture, or a name fits two.
    """
    if metadata.is_strict:
        within = {name: place.inside + name for name in metadata.entries}
        within = {name: path for name, path in within.items() if path.startswith(place.base)}
        # A file that the walk does not know (another suffix, a dot-folder) counts if it is named and is there. One that
        # is not is an input that cannot be read, for the scan to refuse or leave out: here we know the line.
        unknown = [name for name, path in within.items() if path not in names.known]
        gone = [name for name in unknown if not Path(place.root, within[name]).is_file()]
        if len(gone) < len(within):
            return within, [_missing(metadata, gone, "there is no file")] if gone else []
    found, rule = names.matched(metadata.entries, metadata.where)
    if not found:
        first = next(iter(metadata.entries))
        there = f" (there is {escape_name(nearest)})" if (nearest := names.nearest(first)) else ""
        raise DataError(
            f"{metadata.where(first)}: column {metadata.file_column} names {escape_name(first)}, and neither it nor "
            f"any other row names a picture of {escape_name(place.root)}{there}. Pass another --file-column, give the "
            "folder with these pictures, or write the names as the pictures have them."
        )
    is_whole = all(path in (name, place.base + name) for name, path in found.items())
    notices = [] if is_whole else [f"rows of {metadata.name} and pictures were matched {rule}"]
    if without := [name for name in metadata.entries if name not in found]:
        notices.append(_missing(metadata, without, "left out, for there is no picture"))
    return found, notices


def _missing(metadata: Metadata, gone: Sequence[str], found: str) -> str:
    more = f", nor {len(gone) - 1:,} more that it names" if gone[1:] else ""
    return f"{metadata.where(gone[0])}: {found} {escape_name(gone[0])}{more}"


def _as_known(path: Path, options: SourceOptions) -> SourceOptions:
    """The options, with what is known of a data set's own table."""
    if options.labels_from is not None or path.name not in OF_DATA_SETS:
        return options
    return replace(options, labels_from=str(path), label_column=options.label_column or OF_DATA_SETS[path.name])


def _group(where: str, row: Row, column: str | None) -> str | None:
    return None if column is None else text_of(where, column, "group", row.get(column))


def _split_column(columns: Sequence[str], head: Sequence[Row]) -> str | None:
    cells = {each: {str(row.get(each)) for row in head} for each in columns}
    return next((each for each in columns if len(cells[each]) > 1 and all(map(split_kind, cells[each]))), None)


def _is_index(column: str) -> bool:
    """Whether a column is the row number that pandas writes."""
    return not column or column.startswith("Unnamed: ")


def _file_column(name: str, head: Sequence[Row], options: SourceOptions, names: PictureNames) -> str:
    """The column that names files: the one that was asked for, `file_name`, the one whose cells name most pictures, or
    the one that is called as such columns are."""
    columns = tuple(head[0])
    if options.file_column is not None:
        check_column(name, columns, "--file-column", options.file_column)
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
            f"{name}: has no column file_name, and no other that names pictures of the source (found: "
            f"{', '.join(columns)}). Pass --file-column NAME, or give the folder with these pictures."
        )
    return chosen[0]


def _file_name(where: str, column: str, value: object, is_strict: bool) -> str:
    if value in (None, ""):
        raise DataError(f"{where}: has no {column}. Fill it in, or remove the line.")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # an id
    if not isinstance(value, str):
        raise DataError(f"{where}: {column} is {value!r:.80}, and a text was expected. Mend that line.")
    if "\0" in value:
        raise DataError(f"{where}: {column} holds a NUL, which no file's name does. Mend that line.")
    path = posixpath.normpath(value)
    if not is_strict:
        return posixpath.normpath(f"/{value.replace(chr(92), '/')}").lstrip("/")
    if path.startswith("/") or Path(path).is_absolute():
        raise DataError(
            f"{where}: {escape_name(value)} is an absolute path. Write it as seen from this file's folder, or name "
            "this file with --labels-from, which takes any path."
        )
    if path.startswith("../") or path in ("..", "."):
        raise DataError(f"{where}: {escape_name(value)} is not below the metadata file's folder. Move it there.")
    return path
