"""The table of a source for sources.csv: keys, labels, and what the scan found of each sample."""

from __future__ import annotations

import hashlib

import numpy as np

from mixup_cli.fields.labels import NO_CLASS, Labels
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.loaded import LoadedColumn
from mixup_cli.storage.source_table import SourceTable

LABEL_DIGITS = 16
"""Of the hash that stands for a label without a class name: enough to notice a change."""


def table_of(source: Source, loaded: LoadedColumn) -> SourceTable:
    """The table of a source after a scan."""
    labels = source.labels
    texts, has_names = label_texts(labels, len(source)), labels.values is None
    return SourceTable(source.keys, texts, loaded, labels.groups, has_names, source.list_folder)


def label_texts(labels: Labels, count: int) -> list[str]:
    """The `label` column: class names; for other labels the hash of their numbers; empty for unlabelled samples and
    for donors, which have none.

    The hash is of the row's bytes, float32 little-endian: its first 16 hex digits.
    """
    if labels.values is not None:
        rows = np.ascontiguousarray(labels.values[: labels.base_count], "<f4")
        return [*(hashlib.sha256(row.data).hexdigest()[:LABEL_DIGITS] for row in rows), *[""] * (count - len(rows))]
    if labels.classes is None:
        return [""] * count
    return ["" if number == NO_CLASS else labels.class_names[number] for number in labels.classes.tolist()]
