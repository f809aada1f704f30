"""A finished data set as NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.fields.labels import dense_from_classes
from mixup_cli.readers.mixed_column import MixedColumn
from mixup_cli.readers.passes import Passes, passes_of
from mixup_cli.storage.hdf5.columns import column_of
from mixup_cli.storage.hdf5.reading import ShardedColumn
from mixup_cli.storage.opened import REPLACED, OpenedDataSet, check_finished, folder_of

AnyColumn: TypeAlias = ShardedColumn | MixedColumn
"""A column over all shards, stored or mixed when it is read."""


def _columns(opened: OpenedDataSet) -> Iterator[tuple[str, AnyColumn]]:
    """Every column by its name."""
    manifest = opened.manifest
    if manifest.mixed is not None:
        from mixup_cli.mixing.stored_plan import Remixer  # brings the methods and a kernel

        remixer = Remixer(opened)
        yield from ((each.name, MixedColumn(remixer, each, manifest.totals.samples)) for each in manifest.mixed)
    yield from ((column.name, column_of(opened, column.name)) for column in manifest.columns)


class MixedArrays:
    """Random access to a data set's rows. Uncompressed shards are memory-mapped: opening one reads nothing.

    `class_names` are the names of the columns of a label, `label_kind` is their kind (`docs/format.md`, section 4), and
    `axes` are the dimensions of an image. Raises DataError if the data set is damaged, NoInputError if it is missing or
    unfinished.

    `folder` may also be the path of the manifest, which `mixup-gen generate` prints, or a URL. Shards of a URL are
    fetched when they are first read, into a cache that the processes of this machine share
    (`mixup_cli.storage.mirror`).

    While it is extended, it stays the data set that was opened: the same rows with the same values. If another one
    replaces it (`force`), rows that are not mapped yet are a DataError.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = folder_of(folder)
        check_finished(self.folder)
        opened = OpenedDataSet.open(self.folder)
        self.manifest = opened.manifest
        self.class_names = self.manifest.class_names
        self.label_kind = self.manifest.label_kind
        self.axes = self.manifest.axes
        self._columns = dict(_columns(opened))

    def __reduce__(self) -> tuple[type[MixedArrays], tuple[Path], tuple[str, str, int]]:
        """Pickled as its path: a spawned worker of a `DataLoader` opens the data set again, if it is still the same."""
        return type(self), (self.folder,), self._identity

    def __setstate__(self, identity: tuple[str, str, int]) -> None:
        recipe_id, fingerprint, samples = self._identity
        if (recipe_id, fingerprint) != identity[:2] or samples < identity[2]:
            raise DataError(f"{self.folder}: {REPLACED}")

    @property
    def _identity(self) -> tuple[str, str, int]:
        return self.manifest.recipe_id, self.manifest.source.fingerprint, len(self)

    def __len__(self) -> int:
        return self.manifest.totals.samples

    @property
    def has_objects(self) -> bool:
        """Whether samples have objects: boxes with classes, whose names `class_names` then are."""
        return self.manifest.boxes is not None

    @cached_property
    def passes(self) -> Passes:
        """The rows of each pass over the source: `images(passes[0])` are the images of the first one. Raises UsageError
        if the rows come from a plan file, which has no passes."""
        return passes_of(self.folder, self.manifest)

    def column(self, name: str) -> AnyColumn:
        """One column over all shards: slice it, or `take` rows from it. If the data set was merged, the numbers in
        `index`, `source_index` and `method` are those of the whole, not those of its members."""
        return self._columns[name]

    def images(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[Any]:
        """The images of some rows, in the given order: (m, *image shape)."""
        return self._columns[self.manifest.signals[0].name].take(rows)

    def signals(self, rows: Sequence[int] | NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Every signal of some rows by its column, the images first: (m, *shape) each."""
        return {signal.name: self._columns[signal.name].take(rows) for signal in self.manifest.signals}

    def labels(self, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float32] | None:
        """The mixed labels of some rows, float32 (m, K): as stored, or computed from classes and label shares. None for
        an unlabelled data set."""
        if "labels" in self._columns:
            return self._columns["labels"].take(rows)
        if "source_label" not in self._columns:
            return None
        classes, shares = (self._columns[name].take(rows) for name in ("source_label", "label_share"))
        if classes.size and not self.manifest.least_class <= int(classes.min()) <= int(classes.max()) < len(
            self.class_names
        ):
            raise DataError(
                f"{self.folder}: source_label has a number beyond the {len(self.class_names)} classes. Run mixup-gen "
                "verify."
            )
        return dense_from_classes(classes, shares, len(self.class_names))
