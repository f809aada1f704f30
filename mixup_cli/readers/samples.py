"""What a reader gives of a row: its parts, each with a name, dtype and shape, and the function that reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.fields.axes import PICTURES, Axes, as_axes
from mixup_cli.fields.labels import NO_CLASS
from mixup_cli.fields.objects import OBJECT_COLUMNS
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.words import SAMPLES
from mixup_cli.wording import did_you_mean

Rows = NDArray[np.int64]

PAIR = ("y_a", "y_b", "lam")
"""What stands in place of the label in the form "pair"."""


OF_OBJECTS = 'Pass sample="objects": its labels are those of objects.'


@dataclass(frozen=True)
class Part:
    """A part of every sample: `read` gives that of some rows, (m, *shape)."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    read: Callable[[Rows], NDArray[Any]]

    @property
    def row_bytes(self) -> int:
        """The size of that of one row."""
        return self.dtype.itemsize * prod(self.shape)


def parts_of(arrays: MixedArrays, choices: Mapping[str, Any], axes: Axes | None) -> Iterator[Part]:
    """The parts that `readers.view.Choices` ask for. Raises UsageError if the data set lacks one."""
    signals, sample = [signal.name for signal in arrays.manifest.signals], choices.get("sample", "soft")
    match sample:
        case "soft":
            names = signals if arrays.label_kind == "none" else [*signals, "labels"]
        case "pair":
            names = signals
        case "objects":
            shares = ["share"] if any(signal.axes == "phw" for signal in arrays.manifest.signals) else []
            names = [*signals, "index", *shares, *_object_columns(arrays)]
        case "columns":
            names = [column.name for column in arrays.manifest.readable]
        case str():
            remedy = (
                f"Pass sample=[{sample!r}]." if sample in {column.name for column in arrays.manifest.readable} else ""
            )
            raise UsageError(f"is not {SAMPLES}.", remedy, field="sample", value=sample)
        case _:
            names = [*dict.fromkeys(sample)]
    yield from (_part(arrays, name, axes) for name in names)
    if sample == "pair":
        yield from _pair(arrays)


def _part(arrays: MixedArrays, name: str, axes: Axes | None) -> Part:
    """A column, with the axes of images in the wanted order."""
    if name == "labels" and arrays.label_kind != "none":
        return Part(
            name, np.dtype(np.float32), (len(arrays.class_names),), lambda rows: np.asarray(arrays.labels(rows))
        )
    known = {column.name for column in arrays.manifest.readable}
    if name not in known:
        remedy = OF_OBJECTS if name == "labels" and arrays.has_objects else ""
        raise UsageError(f"{arrays.folder} has no column {name!r}{did_you_mean(name, known)}", remedy, field="sample")
    column = arrays.column(name)
    pictures = {each.name: each.axes for each in arrays.manifest.signals if not each.is_index_map}
    of_signal: Axes = pictures.get(name, "")
    if axes is None or of_signal not in PICTURES:
        return Part(name, column.dtype, column.shape[1:], column.take)
    shape = as_axes(np.empty((0, *column.shape[1:])), of_signal, axes).shape[1:]
    return Part(name, column.dtype, shape, lambda rows: as_axes(column.take(rows), of_signal, axes))


def _object_columns(arrays: MixedArrays) -> list[str]:
    """The names of the columns of objects."""
    if not arrays.has_objects:
        remedy = 'Leave sample out: "soft" gives images and labels.'
        raise UsageError(f"the samples of {arrays.folder} have no objects.", remedy, field="sample", value="objects")
    return [column.name for column in arrays.manifest.columns if column.name in OBJECT_COLUMNS]


def _pair(arrays: MixedArrays) -> Iterator[Part]:
    """y_a, y_b and lam. Of rows with one parent, or with a donor that has no label, both classes are the base's."""
    parents = next((column.shape[0] for column in arrays.manifest.readable if column.name == "source_label"), 0)
    found = None
    if arrays.label_kind != "classes" or not parents:
        found = f"the labels of {arrays.folder} are not the shares of two classes ({arrays.label_kind})."
    elif parents > 2:
        found = f"{arrays.folder} has rows of {parents} parents."
    if found is not None:
        remedy = OF_OBJECTS if arrays.has_objects else 'Leave sample out: "soft" gives its labels.'
        raise UsageError(found, remedy, field="sample", value="pair")
    classes, shares = arrays.column("source_label"), arrays.column("label_share")
    yield Part(PAIR[0], classes.dtype, (), lambda rows: classes.take(rows)[:, 0])
    yield Part(PAIR[1], classes.dtype, (), lambda rows: _second(classes.take(rows)))
    yield Part(PAIR[2], shares.dtype, (), lambda rows: shares.take(rows)[:, 0])


def _second(classes: NDArray[np.int32]) -> NDArray[np.int32]:
    """The class of the second of two parents (m, P), or of the base where it has none: lam is then 1."""
    return np.where(classes[:, -1] == NO_CLASS, classes[:, 0], classes[:, -1])
