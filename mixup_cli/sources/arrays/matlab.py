"""MATLAB's `.mat`: versions 5 to 7, and 7.3, which is HDF5.

Arrays come out with their last dimension first, since MATLAB's users count samples there (SVHN: 32 × 32 × 3 × n);
`in_rows` then decides whether that is right. Labels that begin at 1 begin at 0.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from mixup_cli.fields.axes import PICTURE_CHANNELS
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.arrays.array_file import ArrayFile
from mixup_cli.sources.arrays.hdf5 import Hdf5File
from mixup_cli.sources.arrays.mat5 import read_variable, variables
from mixup_cli.sources.arrays.stored import StoredArray, TurnedArray

_HDF5 = b"MATLAB 7.3"
_SVHN = re.compile(r"svhn|^(train|test|extra)_32x32", re.IGNORECASE)


class MatlabFile(ArrayFile):
    """The arrays of real numbers in a `.mat`."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            is_hdf5 = file.read(len(_HDF5)) == _HDF5
        self._hdf5 = Hdf5File(path) if is_hdf5 else None
        self._variables = {} if is_hdf5 else {variable.name: variable for variable in variables(path)}
        names = [*self._variables] if self._hdf5 is None else self._hdf5.keys
        super().__init__(path, [name for name in names if not name.startswith("#")])
        self._is_svhn = bool(_SVHN.search(path.name))

    def read(self, key: str) -> StoredArray:
        """See `ArrayFile.read`. The last dimension comes first; a row or column has one dimension."""
        values = read_variable(self.path, self._variables[key]) if self._hdf5 is None else self._hdf5.read(key)
        if len(values.shape) == 2 and 1 in values.shape:
            line = np.asarray(values[:]).reshape(-1)
            return line % 10 if key == "y" and self._is_svhn else line  # SVHN's 10 is the digit 0
        if self._hdf5 is None:
            return np.moveaxis(values[:], -1, 0)
        return TurnedArray(values, (0, *range(len(values.shape) - 1, 0, -1)))  # HDF5 has the dimensions in reverse

    def in_rows(self, samples: StoredArray, labels: StoredArray | None) -> tuple[StoredArray, StoredArray | None]:
        """See `ArrayFile.in_rows`. Samples may lie along MATLAB's first dimension, which is the second here: labels
        of that length show it. Without labels, matrices have samples in rows, and so do images with channels last."""
        last, first = samples.shape[0], samples.shape[1] if len(samples.shape) > 1 else 0
        counts = set() if labels is None else set(labels.shape)
        if (first in counts) != (last in counts):
            is_first = first in counts
        else:
            has_channels_last = last in PICTURE_CHANNELS and samples.shape[-1] not in PICTURE_CHANNELS
            is_first = len(samples.shape) == 2 or (len(samples.shape) == 4 and has_channels_last)
        if labels is not None and len(labels.shape) == 2 and labels.shape[1] in (last, first):
            labels = labels[:].T
        return np.moveaxis(samples[:], 0, -1) if is_first else samples, labels

    def counted_from_zero(self, labels: Labels) -> tuple[Labels, str]:
        """See `ArrayFile.counted_from_zero`: classes 1 … K of which no sample is 0."""
        if self._is_svhn:
            return labels, f"{self.path}: the label 10 is the digit 0, as in SVHN."
        if labels.classes is None or labels.class_names[:1] != ("0",) or not labels.classes.all():
            return labels, ""
        counted = replace(labels, class_names=labels.class_names[1:], classes=labels.classes - 1)
        return counted, f"{self.path}: the labels count from 1; class 1 has the number 0."
