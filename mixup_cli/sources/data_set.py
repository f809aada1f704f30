"""Our own finished data sets as a source, so that one can be mixed again: mixed labels in, dense labels out."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from mixup_cli.labels import dense_from_classes
from mixup_cli.sources.arrays import ArraySource, RowKeys
from mixup_cli.sources.base import Labels
from mixup_cli.storage.manifest import MANIFEST, Manifest, read_manifest
from mixup_cli.storage.reading import ShardedColumn
from mixup_cli.storage.shard import require_filter


class DataSetSource(ArraySource):
    """The images of a finished data set, with their mixed labels. Its groups are not kept."""

    kind: ClassVar[str] = "mixup-gen"


def looks_like_data_set(path: Path) -> bool:
    """Whether `path` is a data set of ours, or the manifest of one."""
    manifest = path if path.name == MANIFEST else path / MANIFEST
    return manifest.is_file() and b'"format_version"' in manifest.read_bytes()


def open_data_set(path: Path) -> DataSetSource:
    """A finished data set. Raises DataError where it is damaged."""
    folder = path.parent if path.name == MANIFEST else path
    manifest = read_manifest(folder)
    require_filter(manifest.compression)
    images = ShardedColumn(folder, manifest, "images")
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
        return Labels(names, values=ShardedColumn(folder, manifest, "labels")[:], values_kind=kind)
    classes, shares = (ShardedColumn(folder, manifest, name)[:] for name in ("source_label", "label_share"))
    return Labels(names, values=dense_from_classes(classes, shares, len(names)), values_kind=kind)
