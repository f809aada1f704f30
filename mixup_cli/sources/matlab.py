"""MATLAB's `.mat`: versions 5 to 7 through SciPy, 7.3, which is HDF5, through h5py.

Arrays come out with their last dimension first, since MATLAB's users count samples there (SVHN: 32 × 32 × 3 × n);
`samples_first` then says whether that is right. Labels that begin at 1 begin at 0.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.sources.array_forms import PICTURE_CHANNELS
from mixup_cli.sources.arrays import Rows, TurnedRows
from mixup_cli.sources.base import Labels
from mixup_cli.sources.bounded_read import check_inflated
from mixup_cli.sources.hdf5_arrays import Hdf5File

MATLAB_SUFFIX = ".mat"
_HEADER_BYTES = 128
_COMPRESSED = 15
_STEP_BYTES = 1 << 22
_NUMBERS = re.compile(r"u?int\d+|double|single|logical")
_SVHN = re.compile(r"svhn|^(train|test|extra)_32x32", re.IGNORECASE)
_WRITE_AGAIN = "Write it again, with plain arrays of numbers in it (save -v7 or -v7.3), or store them as .npy."


def matlab_arrays(path: Path) -> tuple[list[str], Callable[[str], Rows]]:
    """The names of the arrays of numbers, and what reads one. Raises DataError where the file is damaged."""
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if header.startswith(b"MATLAB 7.3"):
        hdf5 = Hdf5File(path)
        names = hdf5.keys()
        return [key for key in names if not key.startswith("#")], lambda key: _reversed(hdf5, key, path)
    if not header.startswith(b"MATLAB 5.0") or header[126:] not in (b"IM", b"MI"):
        raise DataError(f"{path}: is not a MATLAB file of version 5 to 7.3. {_WRITE_AGAIN}")
    return _in_version_5(path, "<" if header[126:] == b"IM" else ">")


def samples_first(rows: Rows, count: int | None) -> Rows:
    """The rows of an array whose samples may lie along MATLAB's first dimension, which stands second here. As many
    labels as `count` tell; without them, matrices have samples in rows, and pictures with channels behind them too."""
    last, first = rows.shape[0], rows.shape[1] if len(rows.shape) > 1 else 0
    if count is not None and first != last:
        is_first = count == first
    else:
        has_channels_last = last in PICTURE_CHANNELS and rows.shape[-1] not in PICTURE_CHANNELS
        is_first = len(rows.shape) == 2 or (len(rows.shape) == 4 and has_channels_last)
    return np.moveaxis(rows[:], 0, -1) if is_first else rows


def counted_from_zero(labels: Labels) -> Labels:
    """Classes that are called 1 … K as their numbers are, in place of those from 0 without a sample of class 0."""
    if labels.classes is None or labels.class_names[:1] != ("0",) or not labels.classes.all():
        return labels
    return replace(labels, class_names=labels.class_names[1:], classes=labels.classes - 1)


def _reversed(file: Hdf5File, key: str, path: Path) -> Rows:
    """HDF5 has MATLAB's dimensions in reverse; here the last is first, and the others are in their order."""
    stored = file.rows(key)
    if len(stored.shape) == 2 and 1 in stored.shape:
        return _as_labels(np.asarray(stored[:]), key, path)
    return TurnedRows(stored, (0, *range(len(stored.shape) - 1, 0, -1)))


def _in_version_5(path: Path, order: str) -> tuple[list[str], Callable[[str], Rows]]:
    from scipy import io as scipy_io

    stream: Any = _inflated(path, order)

    def read(key: str) -> Rows:
        stream.seek(0)
        found = _damage_told(f"{path}: {key}", lambda: scipy_io.loadmat(stream, variable_names=[key])[key])
        return _as_labels(found, key, path) if found.ndim == 2 and 1 in found.shape else np.moveaxis(found, -1, 0)

    found = _damage_told(str(path), lambda: scipy_io.whosmat(stream))
    return [name for name, _, kind in found if _NUMBERS.fullmatch(kind)], read


def _damage_told(where: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except MemoryError:
        raise
    except Exception as error:  # SciPy raises nearly every built-in exception on damaged content.
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{where}: is damaged ({reason:.200}). {_WRITE_AGAIN}") from error


def _as_labels(values: NDArray[Any], key: str, path: Path) -> NDArray[Any]:
    """A row or column as one dimension. SVHN's 10 is the digit 0."""
    values = values.reshape(-1)
    return values % 10 if key == "y" and _SVHN.search(path.name) else values


def _inflated(path: Path, order: str) -> IO[bytes]:
    """The file with its compressed variables inflated: SciPy would do that without a limit."""
    plain = io.BytesIO()
    with path.open("rb") as file:
        plain.write(file.read(_HEADER_BYTES))
        while len(tag := file.read(8)) == 8:
            kind, size = struct.unpack(f"{order}II", tag)
            if kind != _COMPRESSED:
                plain.write(tag)
            left = size
            inflater = zlib.decompressobj() if kind == _COMPRESSED else None
            while left > 0 and (piece := file.read(min(left, _STEP_BYTES))):
                left -= len(piece)
                _write_inflated(plain, inflater, piece, path)
    plain.seek(0)
    return plain


def _write_inflated(plain: IO[bytes], inflater: Any, piece: bytes, path: Path) -> None:
    try:
        while piece:
            plain.write(inflater.decompress(piece, _STEP_BYTES) if inflater else piece)
            piece = inflater.unconsumed_tail if inflater else b""
            check_inflated(plain.tell(), path.stat().st_size, str(path))
    except zlib.error as error:
        raise DataError(f"{path}: the compressed data are damaged ({error}). Fetch the file again.") from error
