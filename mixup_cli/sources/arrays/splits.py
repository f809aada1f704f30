"""The classes of an array's labels, over all splits: those in the same file, and those in files beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.arrays.source import ArraySource, Rows
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.class_table import over_splits
from mixup_cli.sources.reading.labels import labels_from_array
from mixup_cli.sources.reading.names import names_of


@dataclass(frozen=True)
class Elsewhere:
    """The labels of another split: `where` they stand, whether it is the training split, `read` gives them: none, or
    one array or more."""

    where: str
    is_training: bool
    read: Callable[[], list[Rows]]


def number_over_splits(source: ArraySource, elsewhere: Iterable[Elsewhere], options: SourceOptions) -> None:
    """Number the classes of `source` over those of other splits too, where `options` do not name them.

    Labels of test data are often missing or −1: what cannot be read is a notice. Raises DataError where it is of the
    training data.
    """
    before = {*source.labels.class_names}
    if source.labels.classes is None or options.classes is not None:
        return
    notices: list[str] = []
    found = [labels for each in elsewhere for labels in _labels(each, notices)]
    source.labels = over_splits(source.labels, found)
    if added := [name for name in source.labels.class_names if name not in before]:
        notices.append(f"{source.location}: classes of other splits, of which it has no sample: {names_of(added)}")
    source.notices += tuple(notices)


def _labels(other: Elsewhere, notices: list[str]) -> list[Labels]:
    try:
        arrays = [np.asarray(rows[:] if rows.shape else rows) for rows in other.read()]
        return [labels_from_array(each, len(each) if each.shape else 1, other.where) for each in arrays]
    except (DataError, NoInputError, OSError) as problem:
        remedy = "Its classes count for all splits; --classes NAMES fixes them without it."
        if other.is_training:
            raise DataError(f"{problem} {remedy}") from problem
        notices.append(f"{problem} {remedy}")
        return []
