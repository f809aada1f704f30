"""Labels that stand beside images one by one: whole numbers, names, or lists of numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from mixup_cli.errors import DataError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.class_order import in_order
from mixup_cli.sources.reading.labels import CLASS_LIMIT, labels_from_array
from mixup_cli.wording import encodable, setting

_WHOLE = re.compile(r"-?[0-9]{1,9}")
_OTHER_KEY = "Pass another"
MANY_CLASSES = 100
"""Up to this count, classes may have few images each without a notice."""


def labels_of_values(values: Sequence[object], where: str, options: SourceOptions) -> tuple[Labels, list[str]]:
    """The labels of all samples, as an array of these values has them, and notices: whole numbers, as numbers or texts,
    are the indices of classes; other texts are their names, sorted. Raises DataError for anything else."""
    texts = [each for each in values if isinstance(each, str)]
    if len(texts) == len(values):
        if options.label_kind in (None, "classes") and not all(map(_WHOLE.fullmatch, texts)):
            return _named(texts, where)
        values = [_number(text, where) for text in texts]
    try:
        array = np.array(values)
    except (ValueError, OverflowError):  # lists of different lengths, numbers of many digits
        array = np.array(values, object)
    if array.dtype.kind not in "biuf":
        raise DataError(f"{where}: labels are of different kinds. {_OTHER_KEY} {setting('label_key')}.")
    return labels_from_array(array, len(values), where, options.label_kind), []


def _number(text: str, where: str) -> float:
    try:
        return int(text) if _WHOLE.fullmatch(text) else float(text)
    except ValueError:
        raise DataError(
            f"{where}: the label {text!r:.80} is not a number. {_OTHER_KEY} {setting('label_kind')}."
        ) from None


def _named(texts: Sequence[str], where: str) -> tuple[Labels, list[str]]:
    found = [encodable(text) for text in texts]
    names = in_order(found)
    if len(names) > CLASS_LIMIT:
        found_names = f"{len(names)} different labels, expected at most {CLASS_LIMIT} classes"
        raise DataError(f"{where}: found {found_names}. {_OTHER_KEY} {setting('label_key')}.")
    numbers = {name: number for number, name in enumerate(names)}
    classes = np.fromiter((numbers[name] for name in found), np.int32, len(found))
    many = f"{where}: {len(names):,} different labels for {len(found):,} images: are they classes?"
    return Labels(names, classes), [many] if len(names) > max(len(found) // 2, MANY_CLASSES) else []
