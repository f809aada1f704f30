"""Our own finished data sets as a source, so that one can be mixed again: mixed labels in, dense labels out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.labels import dense_from_classes
from mixup_cli.sources.arrays import ArraySource, RowKeys
from mixup_cli.sources.base import Labels
from mixup_cli.storage.json_files import LIMIT_BYTES
from mixup_cli.storage.manifest import MANIFEST, Manifest, read_manifest
from mixup_cli.storage.reading import ShardedColumn
from mixup_cli.storage.shard import require_filter


class DataSetSource(ArraySource):
    """The images of a finished data set, with their mixed labels. Its groups are not kept."""

    kind: ClassVar[str] = "mixup-gen"
    read_as = "a mixup-gen data set"


def looks_like_data_set(path: Path) -> bool:
    """Whether `path` is a data set of ours, or the manifest of one."""
    manifest = path if path.name == MANIFEST else path / MANIFEST
    if not manifest.is_file() or manifest.stat().st_size > LIMIT_BYTES:
        return False
    return b'"format_version"' in manifest.read_bytes()


def open_data_set(path: Path) -> DataSetSource:
    """A finished data set. Raises DataError where it is damaged."""
    folder = path.parent if path.name == MANIFEST else path
    manifest = read_manifest(folder)
    require_filter(manifest.compression)
    images = ShardedColumn(folder, manifest, "images", mapped=False)
    labels = _labels(folder, manifest)
    return DataSetSource(str(path), RowKeys(len(images)), labels, images, shown=manifest.axes)


def _labels(folder: Path, manifest: Manifest) -> Labels:
    """Labels as stored, or put together from classes and label shares; none for an unlabelled data set."""
    columns = {column.name for column in manifest.columns}
    names = manifest.class_names
    if manifest.label_kind == "none":
        return Labels()
    kind: Literal["soft", "multi", "real"] = "soft" if manifest.label_kind == "classes" else manifest.label_kind
    if "labels" in columns:
        return _finite(folder, Labels(names, values=_column(folder, manifest, "labels"), values_kind=kind))
    classes, shares = (_column(folder, manifest, name) for name in ("source_label", "label_share"))
    if classes.min() < 0 or classes.max() >= len(names):
        raise DataError(f"{folder}: a row names a class that is not there. Run mixup-gen verify.")
    return _finite(folder, Labels(names, values=dense_from_classes(classes, shares, len(names)), values_kind=kind))


def _column(folder: Path, manifest: Manifest, name: str) -> NDArray[Any]:
    return ShardedColumn(folder, manifest, name, mapped=False)[:]


def _finite(folder: Path, labels: Labels) -> Labels:
    if labels.values is not None and not np.isfinite(labels.values).all():
        raise DataError(f"{folder}: a label holds a number that is not finite. Run mixup-gen verify.")
    return labels
