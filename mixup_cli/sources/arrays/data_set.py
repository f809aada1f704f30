"""Our own finished data sets as sources, so that they can be mixed again: mixed labels in, dense labels out.

A row has the group of its parents.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.fields.labels import Labels, dense_from_classes
from mixup_cli.fields.signal import FIRST
from mixup_cli.sources.arrays.source import ArraySource, RowKeys
from mixup_cli.sources.reading.base import NO_GROUPS, SourceOptions
from mixup_cli.storage.hdf5.columns import column_of
from mixup_cli.storage.hdf5.reading import ShardedColumn
from mixup_cli.storage.hdf5.shard import require_filter
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.json_files import LIMIT_BYTES, content_of
from mixup_cli.storage.names import MANIFEST, SOURCES, data_set_folder
from mixup_cli.storage.opened import OpenedDataSet
from mixup_cli.storage.source_table import check_sealed, read_table
from mixup_cli.wording import setting

TABLE_LIMIT_BYTES = 4 << 30
"""Of a sources.csv, which a stranger may have written: 40 million inputs."""


class DataSetSource(ArraySource):
    """The samples of a finished data set, with their mixed labels and their groups."""

    kind: ClassVar[str] = "mixup-gen"
    read_as = "a mixup-gen data set"

    def ignores(self, name: str, value: object) -> bool:
        """See `Source.ignores`. Groups come from sources.csv, so only `NO_GROUPS` has an effect."""
        return name == "group_column" and value != NO_GROUPS


def looks_like_data_set(path: Path) -> bool:
    """Whether `path` is a data set of ours, or its manifest."""
    manifest = path if path.name == MANIFEST else path / MANIFEST
    if not manifest.is_file() or manifest.stat().st_size > LIMIT_BYTES:
        return False
    return b'"format_version"' in manifest.read_bytes()


def open_data_set(path: Path, options: SourceOptions) -> DataSetSource:
    """A finished data set. Raises DataError if it is damaged, or has rows whose parents are of several groups."""
    folder = data_set_folder(path)
    opened = OpenedDataSet.open(folder)
    require_filter(opened.manifest.compression)
    if opened.manifest.mixed is not None:
        remedy = f"Run mixup-gen materialize {folder}, and name its output."
        raise DataError(f"{folder}: stores its plan, not mixed samples.", remedy)
    maps = [signal.name for signal in opened.manifest.signals if signal.is_index_map]
    if any(signal.kind == "text" for signal in opened.manifest.signals):
        found = f"{folder}: its samples have captions, which cannot be mixed again: tokens of several stand in one row."
        raise DataError(found, "Give the source that it was made from.")
    if opened.manifest.boxes is not None or maps:
        remedy = "Give the source that it was made from."
        what, why = maps[0] if maps else "", "index maps are read from their own sources alone"
        if opened.manifest.boxes is not None:
            what, why = "objects", "what a mix has hidden of them is not stored"
        raise DataError(f"{folder}: its samples have {what}, which cannot be mixed again: {why}.", remedy)
    first = opened.manifest.signals[0].name
    if first != FIRST:
        raise DataError(
            f"{folder}: holds {first}, which cannot be mixed again.", "Give the source that it was made from."
        )
    signals = {signal.name: column_of(opened, signal.name, mapped=False) for signal in opened.manifest.signals}
    images = signals.pop(FIRST)
    labels = _labels(opened)
    if labels.values is not None and not np.isfinite(labels.values).all():
        raise DataError(f"{folder}: a label holds a number that is not finite. Run mixup-gen verify.")
    if opened.manifest.source.groups is not None and options.group_column != NO_GROUPS:
        labels = replace(labels, groups=_groups(opened))
    keys = RowKeys(len(images))
    source = DataSetSource(str(path), keys, labels, images, shown=opened.manifest.axes)
    source.beside = {name: DataSetSource(f"{path}: {name}", keys, Labels(), rows) for name, rows in signals.items()}
    return source


def _labels(opened: OpenedDataSet) -> Labels:
    """Labels as stored, or put together from classes and label shares; none for an unlabelled data set."""
    manifest, names = opened.manifest, opened.manifest.class_names
    if manifest.label_kind == "none":
        return Labels()
    kind: Literal["soft", "multi", "real"] = "soft" if manifest.label_kind == "classes" else manifest.label_kind
    if "labels" in {column.name for column in manifest.columns}:
        return Labels(names, values=_column(opened, "labels"), values_kind=kind)
    classes, shares = (_column(opened, name) for name in ("source_label", "label_share"))
    if classes.min() < manifest.least_class or classes.max() >= len(names):
        raise DataError(f"{opened.folder}: a row has a class without a name in the manifest. Run mixup-gen verify.")
    return Labels(names, values=dense_from_classes(classes, shares, len(names)), values_kind=kind)


def _groups(opened: OpenedDataSet) -> tuple[str, ...]:
    """The group of each row: that of its parents, as sources.csv names it."""
    folder, without = opened.folder, f"pass {setting('group_column', NO_GROUPS)}."
    path = file_inside(folder, SOURCES)
    try:
        data = content_of(path, TABLE_LIMIT_BYTES)
    except FileNotFoundError:
        raise DataError(
            f"{path}: is missing, and it has the groups. Run mixup-gen repair {folder}, or {without}"
        ) from None
    check_sealed(path, data, opened.manifest.source.fingerprint)
    of_inputs = read_table(data, str(path)).groups or ()
    parents = _column(opened, "source_index")
    if parents.min() < 0 or parents.max() >= len(of_inputs):
        raise DataError(f"{folder}: a row names an input that sources.csv does not have. Run mixup-gen verify.")
    names = tuple(dict.fromkeys(of_inputs))
    numbers = {name: number for number, name in enumerate(names)}
    of_rows = np.array([numbers[name] for name in of_inputs])[parents]
    is_mixed = (of_rows != of_rows[:, :1]).any(axis=1)
    if is_mixed.any():
        row = int(np.argmax(is_mixed))
        found = " and ".join(repr(names[number]) for number in dict.fromkeys(of_rows[row].tolist()))
        raise DataError(
            f"{folder}: row {row} mixes samples of the groups {found}, so it has no group. Leave such rows "
            f"out of the plan that it was made from, or {without}"
        )
    return tuple(names[number] for number in of_rows[:, 0].tolist())


def _column(opened: OpenedDataSet, name: str) -> NDArray[Any]:
    return ShardedColumn(opened, name, mapped=False)[:]
