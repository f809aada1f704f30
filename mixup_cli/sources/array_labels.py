"""Labels that stand in an array: which kind they are, and what they become."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.sources.base import Labels
from mixup_cli.sources.pictures import escape_name

CLASS_LIMIT = 100_000
_SUM_TOLERANCE = 1e-4


def labels_from_array(values: NDArray[Any], count: int, where: str) -> Labels:
    """Labels for `count` samples.

    Integers (n,) are class indices, named "0" … "K-1"; strings (n,) are class names, sorted; integers (n, K) are
    one-hot; floats (n, K) with rows that sum to 1 are soft labels. A second dimension of 1 does not count. Raises
    DataError, naming `where`, for anything else, and NoInputError where `count` is 0.
    """
    if count == 0:
        raise NoInputError(f"{where}: holds no samples. Give another file.")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim not in (1, 2):
        raise DataError(
            f"{where}: labels have shape {values.shape}, expected ({count},) or ({count}, classes). Pass --label-key."
        )
    if len(values) != count:
        raise DataError(f"{where}: found {len(values)} labels for {count} samples. Pass --label-key, or mend the file.")
    if values.ndim == 2:
        return _from_rows(values, where)
    if values.dtype.kind in "biu":
        return _from_indices(values, where)
    if values.dtype.kind in "SUO":
        return _from_strings(values, where)
    raise DataError(
        f"{where}: labels of dtype {values.dtype} are no classes, expected integers or strings. Pass --label-key."
    )


def _from_indices(values: NDArray[Any], where: str) -> Labels:
    low, high = int(values.min()), int(values.max())
    if low < 0:
        raise DataError(f"{where}: found the label {low}, expected class indices from 0. Renumber them.")
    if high >= CLASS_LIMIT:
        raise DataError(f"{where}: found the label {high}, expected class indices below {CLASS_LIMIT}. Renumber them.")
    return Labels(_index_names(high + 1), values.astype(np.int32))


def _from_strings(values: NDArray[Any], where: str) -> Labels:
    found: list[Any] = values.tolist()
    if not all(isinstance(value, str | bytes) for value in found):
        raise DataError(f"{where}: labels are neither integers nor strings. Pass --label-key.")
    try:
        texts = [value.decode("utf-8") if isinstance(value, bytes) else value for value in found]
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: a class name is not UTF-8 ({error.reason}). Store names as UTF-8.") from error
    names, classes = np.unique(np.array(_encodable(texts)), return_inverse=True)
    if len(names) > CLASS_LIMIT:
        raise DataError(f"{where}: found {len(names)} class names, expected at most {CLASS_LIMIT}. Pass --label-key.")
    return Labels(tuple(str(name) for name in names), classes.astype(np.int32))


def _encodable(texts: list[str]) -> list[str]:
    """Class names that UTF-8 can encode. Where one has lone surrogates all are escaped, so that no two become one."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return [escape_name(text) for text in texts]
    return texts


def _from_rows(values: NDArray[Any], where: str) -> Labels:
    class_count = values.shape[1]
    if not 0 < class_count <= CLASS_LIMIT:
        raise DataError(
            f"{where}: labels have {class_count} columns, expected 1 to {CLASS_LIMIT} classes. Pass --label-key."
        )
    names = _index_names(class_count)
    if values.dtype.kind in "biu":
        if not ((values == 0) | (values == 1)).all() or not (values.sum(axis=1) == 1).all():
            raise DataError(
                f"{where}: integer labels of shape {values.shape} are not one-hot. Store classes, or shares as floats."
            )
        return Labels(names, values.argmax(axis=1).astype(np.int32))
    if values.dtype.kind != "f":
        raise DataError(
            f"{where}: labels of dtype {values.dtype} and shape {values.shape} are of no known kind. Pass --label-key."
        )
    sums = values.sum(axis=1, dtype=np.float64)
    # Written so that NaN fails both comparisons.
    if not ((np.abs(sums - 1) <= _SUM_TOLERANCE).all() and (values >= 0).all()):
        row = int(np.argmin((np.abs(sums - 1) <= _SUM_TOLERANCE) & (values >= 0).all(axis=1)))
        raise DataError(
            f"{where}: row {row} is no soft label (sum {sums[row]:.6g}), expected shares >= 0 that sum to 1. Mend them."
        )
    return Labels(names, values=(values / sums[:, None]).astype(np.float32))


def _index_names(count: int) -> tuple[str, ...]:
    return tuple(str(index) for index in range(count))
