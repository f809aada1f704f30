"""Whether the small values of rows can be true: numbers of rows, parents, classes and methods, weights and views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.fields.field import Field
from mixup_cli.fields.labels import NO_CLASS
from mixup_cli.storage.manifest import Manifest


def value_problems(
    columns: dict[str, NDArray[Any]], manifest: Manifest, fields: Sequence[Field], first_row: int
) -> Iterator[str]:
    """What is wrong with the values of some rows, whatever the recipe."""
    index = columns["index"]
    if not np.array_equal(index, np.arange(first_row, first_row + len(index))):
        yield f"index is not {first_row} … {first_row + len(index) - 1}"
    for field in fields:
        yield from field.check(columns, first_row)
    counts = {
        "source_index": (manifest.source.samples, "inputs"),
        "source_label": (len(manifest.class_names), "classes"),
        "method": (len(manifest.methods), "methods"),
    }
    if manifest.source.donors is not None:
        yield from _donors(columns, manifest, first_row)
    for name, (count, what) in counts.items():
        least = manifest.least_class if name == "source_label" else 0
        if name in columns and not least <= columns[name].min() <= columns[name].max() < count:
            found = f"{name} goes from {columns[name].min()} to {columns[name].max()}"
            yield f"{found}, and there are {count} {what}"
    if "weight" in columns:
        yield from _weights(columns["weight"], first_row)
    if "scale" in columns and not (is_sound := columns["scale"] > 0).all():
        row = int(np.argmin(is_sound))
        yield f"scale of row {first_row + row} is {columns['scale'][row]:g}, expected above 0"
    if "view" in columns:
        yield from _views(columns["view"], first_row)


def _donors(columns: dict[str, NDArray[Any]], manifest: Manifest, first_row: int) -> Iterator[str]:
    """Where donors are apart: bases are among the others, and no other parent is, but where a slot repeats the base."""
    parents = columns["source_index"]
    is_donor = parents >= manifest.source.samples - (manifest.source.donors or 0)
    wrong = is_donor[:, :1] | (~is_donor & (parents != parents[:, :1]))
    if "source_label" in columns:
        wrong = wrong | (is_donor != (columns["source_label"] == NO_CLASS))
    if wrong.any():
        row = int(np.argmax(wrong.any(axis=1)))
        yield f"source_index of row {first_row + row} is {parents[row].tolist()}: not a base and donors"


def _weights(weights: NDArray[np.int32], first_row: int) -> Iterator[str]:
    """Weights are whole 65536ths of 0 … 1, and so is their sum."""
    sound = (weights >= 0).all(axis=1) & (weights.sum(axis=1, dtype=np.int64) <= UNIT)
    if not sound.all():
        row = int(np.argmin(sound))
        yield f"weight of row {first_row + row} is {weights[row].tolist()}, expected 0 … {UNIT} in all"


def _views(views: NDArray[np.int32], first_row: int) -> Iterator[str]:
    """A view shows at least one pixel, and is mirrored (1) or not (0)."""
    top, left, bottom, right, mirrored = np.moveaxis(views, -1, 0)
    sound = ((top < bottom) & (left < right) & ((mirrored == 0) | (mirrored == 1))).all(axis=1)
    if not sound.all():
        row = int(np.argmin(sound))
        yield f"view of row {first_row + row} is {views[row].tolist()}: it is empty, or its last number is not 0 or 1"
