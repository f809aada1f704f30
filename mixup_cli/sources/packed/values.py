"""Labels that stand beside images one by one: whole numbers, names, or lists of numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from mixup_cli.errors import DataError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.labels import labels_from_array
from mixup_cli.wording import setting

_WHOLE = re.compile(r"-?[0-9]{1,9}")
MANY_CLASSES = 100
"""Up to this count, classes may have few images each without a notice."""


def labels_of_values(values: Sequence[object], where: str, options: SourceOptions) -> tuple[Labels, list[str]]:
    """The labels of all samples, as an array of these values has them, and notices: whole numbers, as numbers or texts,
    are the indices of classes; other texts are their names, sorted. Raises DataError for anything else."""
    notices = list[str]()
    texts = [each for each in values if isinstance(each, str)]
    if len(texts) == len(values):
        if options.label_kind not in (None, "classes") or all(map(_WHOLE.fullmatch, texts)):
            values = [_number(text, where) for text in texts]
        elif (count := len({*texts})) > max(len(texts) // 2, MANY_CLASSES):
            notices.append(f"{where}: {count:,} different labels for {len(texts):,} samples: are they classes?")
    array = np.array(values, object)
    if {*map(type, array.reshape(-1).tolist())} <= {bool, int, float}:
        with suppress(OverflowError):  # numbers of many digits
            array = np.array(values)
    return labels_from_array(array, len(values), where, options.label_kind), notices


def _number(text: str, where: str) -> float:
    try:
        return int(text) if _WHOLE.fullmatch(text) else float(text)
    except ValueError:
        other = setting("label_kind")
        raise DataError(f"{where}: the label {text!r:.80} is not a number. Pass another {other}.") from None
