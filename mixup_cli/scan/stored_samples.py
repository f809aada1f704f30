"""The samples of data sets that store their plan: an unmixed data set of the same source, read by source index."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.fields.axes import as_pictures
from mixup_cli.fields.form import Form, working
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.signal import but_texts
from mixup_cli.sources.reading.names import unescape_name
from mixup_cli.storage.hdf5.reading import ShardedColumn
from mixup_cli.storage.json_files import content_of
from mixup_cli.storage.manifest_records import SamplesRecord
from mixup_cli.storage.names import MANIFEST
from mixup_cli.storage.opened import OpenedDataSet
from mixup_cli.wording import setting


@dataclass(frozen=True)
class OneByOne:
    """A signal, each sample read when it is asked for: pictures have their axes in one order."""

    samples: StoredSamples
    signal: int = 0

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> NDArray[Any]:
        """What has this source index: a picture (height, width, channels), or another sample as it is."""
        sample, axes = self.samples.one(self.signal, index), self.samples.forms[self.signal].axes
        picture: NDArray[Any] = as_pictures(sample[None], axes)[0]
        return picture


class StoredSamples:
    """The data set in a folder. Safe to read from several threads at once.

    Raises NoInputError if it is missing, DataError if it is damaged, or does not hold each of its inputs once, unmixed.
    """

    def __init__(self, opened: OpenedDataSet) -> None:
        self.folder, self.manifest = opened.folder, opened.manifest
        self._opened = opened
        self._columns = [ShardedColumn(opened, signal.name) for signal in but_texts(self.manifest.signals)]
        self._rows = self._found()

    @classmethod
    def open(cls, folder: Path, record: SamplesRecord | None = None) -> Self:
        """The samples in a folder; those that `record` describes, in the folder that it names from `folder` on."""
        return cls(OpenedDataSet.open(folder if record is None else samples_place(folder, record)))

    def __len__(self) -> int:
        """How many inputs the source has, those that were left out included."""
        return self.manifest.source.samples

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The form of each signal but texts, in which it is mixed."""
        return tuple(Form(each.shape, working(each.dtype), each.axes) for each in but_texts(self.manifest.signals))

    def _found(self) -> NDArray[np.int64]:
        """The row of each input, int64 (n); −1 of those that were left out."""
        manifest, rows = self.manifest, np.full(len(self), -1)
        indices = ShardedColumn(self._opened, "source_index")[:][:, 0]
        is_plain = manifest.methods == ("none",) and manifest.members is None and manifest.mixed is None
        in_range = indices.size == 0 or 0 <= indices.min() <= indices.max() < len(self)
        if not (is_plain and in_range and len(np.unique(indices)) == len(indices)):
            found = f"{self.folder}: does not hold each input of its source once, unmixed."
            raise DataError(found, "Use another folder.")
        rows[indices] = np.arange(len(indices))
        return rows

    def take(self, signal: int, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[Any]:
        """One signal, by its number, of the inputs with some source indices: (m, *shape), in its form."""
        return self._columns[signal].take(self.rows_of(indices)).astype(self.forms[signal].dtype, copy=False)

    def one(self, signal: int, index: int) -> NDArray[Any]:
        """One signal of one input: (*shape), in its form, and without a copy where that is how it is stored."""
        row = self._rows.item(index) if 0 <= index < len(self) else -1
        if row < 0:
            self.rows_of([index])  # raises
        return self._columns[signal].row(row).astype(self.forms[signal].dtype, copy=False)

    def rows_of(self, indices: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of some inputs. Raises DataError for one that it does not hold."""
        wanted = np.asarray(indices, np.int64)
        if wanted.size and not 0 <= wanted.min() <= wanted.max() < len(self):
            found = f"{self.folder}: has {len(self)} inputs, and one beyond them is asked for."
            raise DataError(found, "Run mixup-gen verify.")
        rows = self._rows[wanted]
        if wanted.size and rows.min() < 0:
            missing = int(wanted[np.argmin(rows)])
            raise DataError(f"{self.folder}: lacks the input {missing}, which was left out. Run mixup-gen verify.")
        return rows

    @cached_property
    def labels(self) -> Labels:
        """The labels of all inputs, in the order of their indices; zeros for those that were left out."""
        manifest, present = self.manifest, self._rows >= 0
        if manifest.label_kind == "none":
            return Labels()
        name = "source_label" if manifest.label_kind == "classes" else "labels"
        stored = ShardedColumn(self._opened, name)[:]
        found = np.zeros((len(self), *stored.shape[1:]), stored.dtype)
        found[present] = stored[self._rows[present]]
        if manifest.label_kind == "classes":
            return Labels(manifest.class_names, classes=found[:, 0])
        kind: Literal["soft", "multi", "real"] = manifest.label_kind
        return Labels(manifest.class_names, values=found, values_kind=kind)


def samples_place(folder: Path, record: SamplesRecord) -> Path:
    """The folder of the samples that the data set in `folder` mixes. Raises NoInputError if no data set is there,
    DataError if it is another one."""
    place = Path(folder, unescape_name(record.folder))
    if not (place / MANIFEST).exists():
        found = f"{folder}: mixes the samples in {os.path.normpath(place)}, and no data set is there."
        again = f"run the command that made {folder} again, with {setting('force')} if that was moved"
        raise NoInputError(found, f"Put it back, or {again}.")
    if manifest_hash(place) != record.manifest_sha256:
        found = f"{place}: is not the data set whose samples {folder} mixes: its {MANIFEST} has another hash."
        raise DataError(found, "Put that back, or make both again.")
    return place


def manifest_hash(folder: Path) -> str:
    """sha256 of the manifest in a folder."""
    return hashlib.sha256(content_of(folder / MANIFEST)).hexdigest()
