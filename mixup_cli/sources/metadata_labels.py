"""What the cells of a metadata file say: labels of any kind, and groups."""

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
from mixup_cli.sources.array_labels import CLASS_LIMIT, labels_from_rows
from mixup_cli.sources.base import Labels, SourceOptions

LABEL_COLUMNS = ("label", "labels", "class", "category", "target")
BETWEEN_NAMES = "|"
LABELS_LIMIT_BYTES = 8 << 30
_NUMBER = re.compile(r"-?\d+(\.\d+)?")

Label: TypeAlias = str | tuple[str, ...] | tuple[float, ...]
"""A class name; the names of any number of classes; one number for each column."""


@dataclass(frozen=True)
class LabelReader:
    """Reads the label of a row: from one column with a class name ("classes") or with any number of them ("multi"), or
    from one column or more with a number each ("real", "soft"; "multi" from several columns of 0 and 1). Of kind "none"
    it reads nothing."""

    columns: tuple[str, ...]
    kind: LabelKind

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
        return _class_names(where, column, row.get(column))

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
        return labels_from_rows(values, names, self.kind, name)


def choose_columns(name: str, columns: tuple[str, ...], options: SourceOptions) -> LabelReader | None:
    """How to read the labels of a file with these columns; None where it has none of a name that tells."""
    kind, wanted = options.label_kind, options.label_column
    if kind == "none":
        return LabelReader((), kind)
    if wanted is None:
        by_name = {column.lower(): column for column in columns}
        chosen = tuple(by_name[label] for label in LABEL_COLUMNS if label in by_name)[:1]
    else:
        chosen = (wanted,) if wanted in columns else tuple(wanted.split(","))
    for column in chosen:
        check_column(name, columns, "--label-column", column)
    if len(chosen) != len(set(chosen)):
        raise UsageError(f"--label-column {wanted}: names a column twice. Name each once.")
    if len(chosen) > 1 and kind in (None, "classes"):
        raise UsageError(
            f"--label-column {wanted}: one class a sample stands in one column. Pass --label-kind multi for several "
            "columns of 0 and 1, soft for shares that sum to 1, real for numbers."
        )
    return LabelReader(chosen, kind or "classes") if chosen else None


def check_column(name: str, columns: tuple[str, ...], option: str, wanted: str) -> None:
    """Raises UsageError where there is no such column."""
    if wanted not in columns:
        raise UsageError(f"{option} {wanted}: {name} has no such column (found: {', '.join(columns)}). Name one.")


def sort_classes(names: set[str]) -> tuple[str, ...]:
    """Class names in order: as numbers if all of them are, else by code point."""
    if all(_NUMBER.fullmatch(name) for name in names):
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    return tuple(sorted(names))


def text_of(where: str, column: str, what: str, value: object) -> str:
    """A name or a number as text. Raises DataError for an empty cell and anything else; `what` is for the message."""
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value) if isinstance(value, str | int | float) else ""
    if not text or text != text.encode("utf-8", "ignore").decode("utf-8"):
        hint = " For lists of names pass --label-kind multi." if isinstance(value, list) and what == "label" else ""
        raise DataError(
            f"{where}: column {column} has no usable {what} (found: {value!r}; expected a name or a number). Mend it."
            + hint
        )
    return text


def _class_names(where: str, column: str, value: object) -> tuple[str, ...]:
    """`a|b` in CSV, `["a", "b"]` in JSON; nothing between the quotes or brackets is no class."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(BETWEEN_NAMES)] if value.strip() else []
    if not isinstance(value, list):
        raise DataError(
            f"{where}: column {column} has no list of classes (found: {value!r}; expected names with "
            f"{BETWEEN_NAMES} between them, or a JSON list). Mend it."
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
    names = sort_classes(set(found))
    if len(names) > CLASS_LIMIT or rows * row_bytes * len(names) > LABELS_LIMIT_BYTES:
        raise DataError(
            f"{where}: found {len(names)} classes for {rows} samples, which is too many. Pass another --label-column, "
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
