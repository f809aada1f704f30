"""The cells of a table of labels: labels of any kind, and groups."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import numpy as np

from mixup_cli.choices import LabelKind
from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.class_order import in_order, numbers_in
from mixup_cli.sources.reading.labels import CLASS_LIMIT, labels_from_rows, one_hot_classes
from mixup_cli.sources.tables.delimited import LABEL_COLUMNS
from mixup_cli.wording import counted, setting

BETWEEN_NAMES = "|"
LABELS_LIMIT_BYTES = 8 << 30
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_WHOLE = re.compile(r"(-?\d+)\.0+")
"""How programs write whole numbers of a column with gaps."""
_MISSING = ("", "nan", "NaN", "<NA>")
"""How programs write a cell without a value."""

Label: TypeAlias = str | tuple[str, ...] | tuple[float, ...]
"""A class name; the names of any number of classes; one number for each column."""


@dataclass(frozen=True)
class LabelReader:
    """Reads the label of a row: from one column with a class name ("classes") or with any number of them, with
    `separator` between them ("multi"); or from columns with a number each ("real", "soft"; "multi" from several columns
    of 0 and 1). It reads nothing for the kind "none". With `one_hot_is_classes`, "multi" becomes classes if each row
    has a single 1."""

    columns: tuple[str, ...]
    kind: LabelKind
    separator: str = BETWEEN_NAMES
    one_hot_is_classes: bool = False

    @property
    def has_names(self) -> bool:
        """Whether labels are names of classes, not numbers in a column for each class."""
        return self.kind == "classes" or (self.kind == "multi" and len(self.columns) == 1)

    def read(self, where: str, row: Mapping[str, object]) -> Label:
        """The label of a row. Raises DataError, which begins with `where`, for a cell that is not a label."""
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
        if self.has_names:
            named = [[label] if isinstance(label, str) else [*map(str, label)] for label in found]
            return _of_names(named, self.kind == "classes", f"{name}: column {self.columns[0]}")
        names = self.columns if self.kind == "real" else tuple(sorted(self.columns))
        values = np.array(found, np.float64)[:, [self.columns.index(each) for each in names]]
        if self.one_hot_is_classes and (classes := one_hot_classes(values)) is not None:
            return Labels(names, classes)
        return labels_from_rows(values, names, self.kind, name)


def choose_columns(
    name: str, columns: Sequence[str], options: SourceOptions, head: Sequence[Mapping[str, object]]
) -> LabelReader | None:
    """How to read the labels of a table, of which `head` are the first rows; None if no name among `columns` is usual.

    If `options.labels_from` names the table, it has labels: in the only column, or in all of them if they have zeros
    and ones alone. Raises UsageError if it is unclear which columns have labels.
    """
    kind, wanted = options.label_kind, options.label_column
    if kind == "none":
        return LabelReader((), kind)
    there = list(head[0])
    chosen = _guessed(columns, options, head) if wanted is None else _named(there, wanted)
    for column in chosen:
        check_column(name, there, "label_column", column)
    if len(chosen) != len(set(chosen)):
        raise UsageError("names a column twice. Name each once.", field="label_column", value=wanted)
    if not chosen and options.labels_from is not None:
        several = f"{setting('label_column', 'NAME,NAME')} and {setting('label_kind', 'multi')}"
        raise UsageError(
            f"{name}: which column has the labels? Found: {', '.join(columns)}.",
            f"Pass {setting('label_column', 'NAME')}; for several, {several}.",
        )
    if options.label_separator is not None:
        return _separated(chosen, options)
    if len(chosen) > 1 and kind in (None, "classes"):
        if not _are_zeros_and_ones(chosen, head):
            remedy = (
                f"Pass {setting('label_kind', 'multi')} for several columns of 0 and 1, soft for shares that sum to 1, "
                "real for numbers."
            )
            raise UsageError("classes are in a single column.", remedy, field="label_column", value=wanted)
        return LabelReader(chosen, "multi", one_hot_is_classes=True)
    if kind is None and chosen and (odd := _not_whole(chosen[0], head)) is not None:
        real, classes = setting("label_kind", "real"), setting("label_kind", "classes")
        raise UsageError(
            f"{name}: column {chosen[0]} has numbers such as {odd}, which are not classes.",
            f"Pass {real} for numbers to predict, {classes} if each is the name of a class, or another "
            f"{setting('label_column')}.",
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
    """Whether all cells are 0 and 1; or −1 and 1, as in CelebA."""
    found = {str(row.get(column)).removesuffix(".0") for row in head for column in columns}
    return found <= {"0", "1"} or found <= {"-1", "1"}


def _separated(chosen: tuple[str, ...], options: SourceOptions) -> LabelReader:
    separator = options.label_separator
    if not separator or len(chosen) != 1 or options.label_kind not in (None, "multi"):
        found = "it separates several classes in one cell."
        remedy = f"Pass one {setting('label_column')}, and leave out {setting('label_kind')}."
        raise UsageError(found, remedy, field="label_separator", value=repr(separator))
    return LabelReader(chosen, "multi", separator)


def separator_hint(labels: Labels) -> str | None:
    """The separator that probably stands between several classes in a cell: it leaves fewer different names."""
    for separator in (BETWEEN_NAMES, ";", ",", " "):
        split = [_parts(name, separator) for name in labels.class_names]
        if len(labels.class_names) > len({part for parts in split for part in parts}) and any(split):
            return separator
    return None


def _parts(text: str, separator: str) -> list[str]:
    return text.split() if separator.isspace() else [part.strip() for part in text.split(separator)]


def check_column(name: str, columns: Sequence[str], field: str, wanted: str) -> None:
    """Raises UsageError, about the setting `field`, for a column that the table does not have."""
    if wanted not in columns:
        found = f"{name} has no such column (found: {', '.join(columns)}). Name one."
        raise UsageError(found, field=field, value=wanted)


def text_of(where: str, column: str, what: str, value: object) -> str:
    """A name or a number as text; 1.0 is 1, in every file format. Raises DataError for an empty cell and anything else;
    `what` is for the message."""
    if isinstance(value, bool):
        value = str(value).lower()
    text = str(value) if isinstance(value, str | int | float) else ""
    text = whole[1] if (whole := _WHOLE.fullmatch(text)) else text
    if text in _MISSING or text != text.encode("utf-8", "ignore").decode("utf-8"):
        is_list = isinstance(value, list) and what == "label"
        hint = f" For lists of names pass {setting('label_kind', 'multi')}." if is_list else ""
        found = f"has no usable {what} (found: {value!r}; expected a name or a number)"
        raise DataError(f"{where}: column {column} {found}.", f"Fix it.{hint}")
    return text


def _class_names(where: str, column: str, value: object, separator: str) -> tuple[str, ...]:
    """`a|b` in CSV, `["a", "b"]` in JSON; an empty cell or list has no class."""
    if isinstance(value, str):
        value = _parts(value, separator) if value.strip() else []
    if not isinstance(value, list):
        expected = f"expected names with {separator!r} between them, or a JSON list"
        raise DataError(f"{where}: column {column} has no list of classes (found: {value!r}; {expected}). Fix it.")
    return tuple(dict.fromkeys(text_of(where, column, "class", each) for each in value))


def _number(where: str, column: str, value: object) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        found = f"{where}: column {column} has no finite number (found: {value!r})."
        raise DataError(found, f"Fix it, or pass another {setting('label_kind')}.")
    return number


def _of_names(found: Sequence[Sequence[str]], is_one_each: bool, where: str) -> Labels:
    """The labels of samples with these class names: classes if each has a single one. Raises DataError for too many
    classes, or if a row for each sample, with a number for each class, would be too large."""
    names = in_order(chain.from_iterable(found), float)
    row_bytes = 0 if is_one_each else 4 * len(names)
    if len(names) > CLASS_LIMIT or len(found) * row_bytes > LABELS_LIMIT_BYTES:
        raise DataError(
            f"{where}: found {counted(len(names), 'class')} for {counted(len(found), 'sample')}, which is too many.",
            f"Pass another {setting('label_column')}, or {setting('label_kind', 'none')}.",
        )
    if is_one_each:
        return Labels(names, numbers_in(names, [label for (label,) in found]))
    if not names:
        raise DataError(f"{where} names no class at all.", f"Fill it in, or pass {setting('label_kind', 'none')}.")
    numbers = {each: number for number, each in enumerate(names)}
    values = np.zeros((len(found), len(names)), np.float32)
    for row, classes in enumerate(found):
        values[row, [numbers[each] for each in classes]] = 1
    return Labels(names, values=values, values_kind="multi")
