"""What the cells of a table of labels say: labels of any kind, and groups."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import numpy as np

from mixup_cli.choices import LabelKind
from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.class_order import in_order
from mixup_cli.sources.reading.labels import CLASS_LIMIT, labels_from_rows, one_hot_classes
from mixup_cli.sources.tables.delimited import LABEL_COLUMNS
from mixup_cli.wording import counted

BETWEEN_NAMES = "|"
LABELS_LIMIT_BYTES = 8 << 30
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_WHOLE = re.compile(r"(-?\d+)\.0+")
"""How programs write a whole number that stood in a column with gaps."""
_MISSING = ("", "nan", "NaN", "<NA>")
"""How programs write a cell that has no value."""

Label: TypeAlias = str | tuple[str, ...] | tuple[float, ...]
"""A class name; the names of any number of classes; one number for each column."""


@dataclass(frozen=True)
class LabelReader:
    """Reads the label of a row: from one column with a class name ("classes") or with any number of them ("multi"),
    with `separator` between them; or from one column or more with a number each ("real", "soft"; "multi" from several
    columns of 0 and 1). Of kind "none" it reads nothing. Where `one_hot_is_classes`, rows of "multi" that all have a
    single 1 are classes."""

    columns: tuple[str, ...]
    kind: LabelKind
    separator: str = BETWEEN_NAMES
    one_hot_is_classes: bool = False

    @property
    def has_names(self) -> bool:
        """Whether labels are names of classes, and not numbers in columns of a class each."""
        return self.kind == "classes" or (self.kind == "multi" and len(self.columns) == 1)

    def read(self, where: str, row: Mapping[str, object]) -> Label:
        """The label of a row. Raises DataError, naming the place `where`, for a cell that is none."""
        if not self.has_names:
            return tuple(_number(where, column, row.get(column)) for column in self.columns)
        column = self.columns[0]
        if self.kind == "classes":
            return text_of(where, column, "label", row.get(column))
        return _class_names(where, column, row.get(column), self.separator)

    def labels(self, found: Sequence[Label], name: str) -> Labels:
        """The labels of all samples; `name` is the file, for messages."""
        if self.kind == "none":
            return Labels()
        if self.kind == "classes":
            return _one_each([label for label in found if isinstance(label, str)], f"{name}: column {self.columns[0]}")
        if self.has_names:
            return _several_each(
                [[str(each) for each in label] for label in found], f"{name}: column {self.columns[0]}"
            )
        names = self.columns if self.kind == "real" else tuple(sorted(self.columns))
        values = np.array(found, np.float64)[:, [self.columns.index(each) for each in names]]
        if self.one_hot_is_classes and (classes := one_hot_classes(values)) is not None:
            return Labels(names, classes)
        return labels_from_rows(values, names, self.kind, name)


def choose_columns(
    name: str, columns: Sequence[str], options: SourceOptions, head: Sequence[Mapping[str, object]]
) -> LabelReader | None:
    """How to read the labels of a table, of which `head` are the first rows; None where no column's name tells.

    Those that nothing names are looked for in `columns`.

    Where `options.labels_from` says that there are labels, the only column is theirs, or all of them if they have
    zeros and ones alone. Raises UsageError where nothing tells which columns have them.
    """
    kind, wanted = options.label_kind, options.label_column
    if kind == "none":
        return LabelReader((), kind)
    there = list(head[0])
    chosen = _guessed(columns, options, head) if wanted is None else _named(there, wanted)
    for column in chosen:
        check_column(name, there, "--label-column", column)
    if len(chosen) != len(set(chosen)):
        raise UsageError(f"--label-column {wanted}: names a column twice. Name each once.")
    if not chosen and options.labels_from is not None:
        raise UsageError(
            f"{name}: which column has the labels? Found: {', '.join(columns)}. Pass --label-column NAME; for several, "
            "--label-column NAME,NAME and --label-kind multi."
        )
    if options.label_separator is not None:
        return _separated(chosen, options)
    if len(chosen) > 1 and kind in (None, "classes"):
        if not _are_zeros_and_ones(chosen, head):
            raise UsageError(
                f"--label-column {wanted}: one class a sample stands in one column. Pass --label-kind multi for "
                "several columns of 0 and 1, soft for shares that sum to 1, real for numbers."
            )
        return LabelReader(chosen, "multi", one_hot_is_classes=True)
    if kind is None and chosen and (odd := _not_whole(chosen[0], head)) is not None:
        raise UsageError(
            f"{name}: column {chosen[0]} has numbers such as {odd}, which are not classes. Pass --label-kind real for "
            "numbers to predict, --label-kind classes if each is the name of a class, or another --label-column."
        )
    return LabelReader(chosen, kind or "classes") if chosen else None


def _not_whole(column: str, head: Sequence[Mapping[str, object]]) -> str | None:
    """One of the cells with a fraction, where all are numbers."""
    cells = [str(row.get(column)) for row in head]
    are_numbers = all(map(_NUMBER.fullmatch, cells))
    return next((cell for cell in cells if not float(cell).is_integer()), None) if are_numbers else None


def _named(columns: Sequence[str], wanted: str) -> tuple[str, ...]:
    return (wanted,) if wanted in columns else tuple(wanted.split(","))


def _guessed(columns: Sequence[str], options: SourceOptions, head: Sequence[Mapping[str, object]]) -> tuple[str, ...]:
    by_name = {column.lower(): column for column in columns}
    if known := [by_name[label] for label in LABEL_COLUMNS if label in by_name]:
        return (known[0],)
    is_certain = len(columns) == 1 or (len(columns) <= CLASS_LIMIT and _are_zeros_and_ones(columns, head))
    return tuple(columns) if options.labels_from is not None and is_certain else ()


def _are_zeros_and_ones(columns: Sequence[str], head: Sequence[Mapping[str, object]]) -> bool:
    """Whether all cells are 0 and 1; or −1 and 1, as CelebA has them."""
    found = {str(row.get(column)).removesuffix(".0") for row in head for column in columns}
    return found <= {"0", "1"} or found <= {"-1", "1"}


def _separated(chosen: tuple[str, ...], options: SourceOptions) -> LabelReader:
    separator = options.label_separator
    if not separator or len(chosen) != 1 or options.label_kind not in (None, "multi"):
        raise UsageError(
            f"--label-separator {separator!r}: it stands between several classes in one cell. Pass one --label-column, "
            "and leave --label-kind out."
        )
    return LabelReader(chosen, "multi", separator)


def separator_hint(labels: Labels) -> str | None:
    """Which separator may stand between several classes in a cell: the names are then made of fewer parts."""
    for separator in (BETWEEN_NAMES, ";", ",", " "):
        split = [_parts(name, separator) for name in labels.class_names]
        if len(labels.class_names) > len({part for parts in split for part in parts}) and any(split):
            return separator
    return None


def _parts(text: str, separator: str) -> list[str]:
    return text.split() if separator.isspace() else [part.strip() for part in text.split(separator)]


def check_column(name: str, columns: Sequence[str], option: str, wanted: str) -> None:
    """Raises UsageError where there is no such column."""
    if wanted not in columns:
        raise UsageError(f"{option} {wanted}: {name} has no such column (found: {', '.join(columns)}). Name one.")


def text_of(where: str, column: str, what: str, value: object) -> str:
    """A name or a number as text; 1.0 is 1, in whatever file. Raises DataError for an empty cell and anything else;
    `what` is for the message."""
    if isinstance(value, bool):
        value = str(value).lower()
    text = str(value) if isinstance(value, str | int | float) else ""
    text = whole[1] if (whole := _WHOLE.fullmatch(text)) else text
    if text in _MISSING or text != text.encode("utf-8", "ignore").decode("utf-8"):
        hint = " For lists of names pass --label-kind multi." if isinstance(value, list) and what == "label" else ""
        raise DataError(
            f"{where}: column {column} has no usable {what} (found: {value!r}; expected a name or a number). Mend it."
            + hint
        )
    return text


def _class_names(where: str, column: str, value: object, separator: str) -> tuple[str, ...]:
    """`a|b` in CSV, `["a", "b"]` in JSON; nothing between the quotes or brackets is no class."""
    if isinstance(value, str):
        value = _parts(value, separator) if value.strip() else []
    if not isinstance(value, list):
        raise DataError(
            f"{where}: column {column} has no list of classes (found: {value!r}; expected names with "
            f"{separator!r} between them, or a JSON list). Mend it."
        )
    return tuple(dict.fromkeys(text_of(where, column, "class", each) for each in value))


def _number(where: str, column: str, value: object) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise DataError(
            f"{where}: column {column} has no finite number (found: {value!r}). Mend it, or pass another --label-kind."
        )
    return number


def _names(found: Iterable[str], rows: int, row_bytes: int, where: str) -> tuple[str, ...]:
    """The classes, sorted. Raises DataError where they are too many, or a row for each sample, with a number for each
    class, would be too large."""
    names = in_order(found, float)
    if len(names) > CLASS_LIMIT or rows * row_bytes * len(names) > LABELS_LIMIT_BYTES:
        raise DataError(
            f"{where}: found {counted(len(names), 'class')} for {counted(rows, 'sample')}, which is too many. Pass "
            "another --label-column, "
            "or --label-kind none."
        )
    return names


def _one_each(found: Sequence[str], where: str) -> Labels:
    names = _names(found, len(found), 0, where)
    numbers = {each: number for number, each in enumerate(names)}
    return Labels(names, np.fromiter((numbers[each] for each in found), np.int32, len(found)))


def _several_each(found: Sequence[Sequence[str]], where: str) -> Labels:
    names = _names(chain.from_iterable(found), len(found), 4, where)
    if not names:
        raise DataError(f"{where} names no class at all. Fill it in, or pass --label-kind none.")
    numbers = {each: number for number, each in enumerate(names)}
    values = np.zeros((len(found), len(names)), np.float32)
    for row, classes in enumerate(found):
        values[row, [numbers[each] for each in classes]] = 1
    return Labels(names, values=values, values_kind="multi")
