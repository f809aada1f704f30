"""Our own finished data sets as a source, so that one can be mixed again: mixed labels in, dense labels out.

A row is of the group that its parents are of.
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
from mixup_cli.storage.hdf5.reading import ShardedColumn
from mixup_cli.storage.hdf5.shard import require_filter
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.json_files import LIMIT_BYTES, content_of
from mixup_cli.storage.manifest import MANIFEST, SOURCES
from mixup_cli.storage.opened import OpenedDataSet
from mixup_cli.storage.source_table import check_sealed, read_table

TABLE_LIMIT_BYTES = 4 << 30
"""Of the sources.csv of a data set that somebody else may have written: 40 million inputs."""


class DataSetSource(ArraySource):
    """The signals of a finished data set, with their mixed labels and their groups."""

    kind: ClassVar[str] = "mixup-gen"
    read_as = "a mixup-gen data set"

    def ignores(self, name: str, value: object) -> bool:
        """See `Source.ignores`. Groups come from sources.csv, whatever the column of other sources is called."""
        return name == "group_column" and value != NO_GROUPS


def looks_like_data_set(path: Path) -> bool:
    """Whether `path` is a data set of ours, or the manifest of one."""
    manifest = path if path.name == MANIFEST else path / MANIFEST
    if not manifest.is_file() or manifest.stat().st_size > LIMIT_BYTES:
        return False
    return b'"format_version"' in manifest.read_bytes()


def open_data_set(path: Path, options: SourceOptions) -> DataSetSource:
    """A finished data set. Raises DataError where it is damaged, or has rows that are of several groups."""
    folder = path.parent if path.name == MANIFEST else path
    opened = OpenedDataSet.open(folder)
    require_filter(opened.manifest.compression)
    signals = {signal.name: ShardedColumn(opened, signal.name, mapped=False) for signal in opened.manifest.signals}
    images = signals.pop(FIRST)
    labels = _labels(opened)
    if opened.manifest.source.groups is not None and options.group_column != NO_GROUPS:
        labels = replace(labels, groups=_groups(opened))
    keys = RowKeys(len(images))
    source = DataSetSource(str(path), keys, labels, images, shown=opened.manifest.axes)
    source.beside = {name: DataSetSource(f"{path}: {name}", keys, Labels(), rows) for name, rows in signals.items()}
    return source


def _labels(opened: OpenedDataSet) -> Labels:
    """Labels as stored, or put together from classes and label shares; none for an unlabelled data set."""
    folder, manifest = opened.folder, opened.manifest
    columns = {column.name for column in manifest.columns}
    names = manifest.class_names
    if manifest.label_kind == "none":
        return Labels()
    kind: Literal["soft", "multi", "real"] = "soft" if manifest.label_kind == "classes" else manifest.label_kind
    if "labels" in columns:
        return _finite(folder, Labels(names, values=_column(opened, "labels"), values_kind=kind))
    classes, shares = (_column(opened, name) for name in ("source_label", "label_share"))
    if classes.min() < 0 or classes.max() >= len(names):
        raise DataError(f"{folder}: a row names a class that is not there. Run mixup-gen verify.")
    return _finite(folder, Labels(names, values=dense_from_classes(classes, shares, len(names)), values_kind=kind))


def _groups(opened: OpenedDataSet) -> tuple[str, ...]:
    """The group of each row: that of its parents, as sources.csv names it."""
    folder, manifest = opened.folder, opened.manifest
    path = file_inside(folder, SOURCES)
    try:
        data = content_of(path, TABLE_LIMIT_BYTES)
    except FileNotFoundError:
        raise DataError(
            f"{path}: is missing, and it has the groups. Run mixup-gen repair {folder}, or pass --group-column none."
        ) from None
    check_sealed(path, data, manifest.source.fingerprint)
    of_inputs = read_table(data, str(path)).groups or ()
    names = {name: number for number, name in enumerate(dict.fromkeys(of_inputs))}
    parents = _column(opened, "source_index")
    if parents.min() < 0 or parents.max() >= len(of_inputs):
        raise DataError(f"{folder}: a row names an input that is not there. Run mixup-gen verify.")
    of_rows = np.array([names[name] for name in of_inputs])[parents]
    told, several = tuple(names), (of_rows != of_rows[:, :1]).any(axis=1)
    if several.any():
        row = int(np.argmax(several))
        found = " and ".join(repr(told[number]) for number in dict.fromkeys(of_rows[row].tolist()))
        raise DataError(
            f"{folder}: row {row} mixes samples of the groups {found}, so it is of none of them. Leave such rows out "
            "of the plan that it was made from, or pass --group-column none."
        )
    return tuple(told[number] for number in of_rows[:, 0].tolist())


def _column(opened: OpenedDataSet, name: str) -> NDArray[Any]:
    return ShardedColumn(opened, name, mapped=False)[:]


def _finite(folder: Path, labels: Labels) -> Labels:
    if labels.values is not None and not np.isfinite(labels.values).all():
        raise DataError(f"{folder}: a label holds a number that is not finite. Run mixup-gen verify.")
    return labels
