"""MATLAB's `.mat`: versions 5 to 7, and 7.3, which is HDF5.

Arrays come out with their last dimension first, since MATLAB's users count samples there (SVHN: 32 × 32 × 3 × n);
`in_rows` then says whether that is right. Labels that begin at 1 begin at 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.axes import PICTURE_CHANNELS
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.arrays.hdf5 import Hdf5File
from mixup_cli.sources.arrays.mat5 import read_variable, variables
from mixup_cli.sources.arrays.source import Rows, TurnedRows

MATLAB_SUFFIX = ".mat"
_HDF5 = b"MATLAB 7.3"
_SVHN = re.compile(r"svhn|^(train|test|extra)_32x32", re.IGNORECASE)


def matlab_arrays(path: Path) -> tuple[list[str], Callable[[str], Rows]]:
    """The names of the arrays of numbers, and what reads one. Raises DataError where the file is damaged."""
    with path.open("rb") as file:
        is_hdf5 = file.read(len(_HDF5)) == _HDF5
    if is_hdf5:
        hdf5 = Hdf5File(path)
        names = hdf5.keys()
        return [key for key in names if not key.startswith("#")], lambda key: _reversed(hdf5, key, path)
    found = {variable.name: variable for variable in variables(path)}
    return list(found), lambda key: _last_first(read_variable(path, found[key]), key, path)


def in_rows(rows: Rows, labels: Rows | None) -> Rows:
    """The rows of an array whose samples may lie along MATLAB's first dimension, which stands second here. The labels
    tell; without them, matrices have samples in rows, and so have pictures with channels behind them."""
    last, first = rows.shape[0], rows.shape[1] if len(rows.shape) > 1 else 0
    counts = set() if labels is None else set(labels.shape)
    if (first in counts) != (last in counts):
        is_first = first in counts
    else:
        has_channels_last = last in PICTURE_CHANNELS and rows.shape[-1] not in PICTURE_CHANNELS
        is_first = len(rows.shape) == 2 or (len(rows.shape) == 4 and has_channels_last)
    return np.moveaxis(rows[:], 0, -1) if is_first else rows


def labels_in_rows(labels: Rows | None, rows: Rows) -> Rows | None:
    """A matrix of labels with as many rows as one of the samples' dimensions that may count them."""
    is_turned = labels is not None and len(labels.shape) == 2 and labels.shape[1] in rows.shape[:2]
    return labels[:].T if labels is not None and is_turned else labels


def counted_from_zero(labels: Labels, path: Path) -> tuple[Labels, str]:
    """Classes 1 … K in place of those from 0 without a sample of class 0, and what to say about it."""
    if _SVHN.search(path.name):
        return labels, f"{path}: the label 10 is the digit 0, as in SVHN."
    if labels.classes is None or labels.class_names[:1] != ("0",) or not labels.classes.all():
        return labels, ""
    counted = replace(labels, class_names=labels.class_names[1:], classes=labels.classes - 1)
    return counted, f"{path}: the labels count from 1; class 1 has the number 0."


def _reversed(file: Hdf5File, key: str, path: Path) -> Rows:
    """HDF5 has MATLAB's dimensions in reverse; here the last is first, and the others are in their order."""
    stored = file.rows(key)
    if len(stored.shape) == 2 and 1 in stored.shape:
        return _as_labels(np.asarray(stored[:]), key, path)
    return TurnedRows(stored, (0, *range(len(stored.shape) - 1, 0, -1)))


def _last_first(values: NDArray[Any], key: str, path: Path) -> NDArray[Any]:
    is_line = values.ndim == 2 and 1 in values.shape
    return _as_labels(values, key, path) if is_line else np.moveaxis(values, -1, 0)


def _as_labels(values: NDArray[Any], key: str, path: Path) -> NDArray[Any]:
    """A row or column as one dimension. SVHN's 10 is the digit 0."""
    values = values.reshape(-1)
    return values % 10 if key == "y" and _SVHN.search(path.name) else values
