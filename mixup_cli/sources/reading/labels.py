"""Labels in an array: of which kind they are, and what they become."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import LabelKind
from mixup_cli.errors import DataError, NoInputError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.reading.class_order import in_order, numbers_in
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.wording import counted, plural, setting

CLASS_LIMIT = 100_000
_SUM_TOLERANCE = 1e-4


def labels_from_array(values: NDArray[Any], count: int, where: str, kind: LabelKind | None = None) -> Labels:
    """Labels for `count` samples, of the kind asked for, or else of the kind that the array shows.

    Whole numbers (n,) of any dtype are class indices, named "0" … "K-1"; strings (n,) are class names, sorted; one-hot
    rows (n, K) are classes, too; other floats (n, K) with rows that sum to 1 are soft labels. Zeros and ones (n, K) for
    any number of classes a sample, and real numbers (n,) or (n, D), need `kind`. Dimensions of length 1 behind the
    first do not count. Raises DataError, naming `where`, for anything else, and NoInputError if `count` is 0.
    """
    if count == 0:
        raise NoInputError(f"{where}: holds no samples. Give another file.")
    if values.ndim > 1 and math.prod(values.shape[1:]) == 1:
        values = values.reshape(len(values))
    if values.ndim not in (1, 2):
        raise DataError(
            f"{where}: labels have shape {values.shape}, expected ({count},) or ({count}, classes). {_other_key()}"
        )
    check_count(values.shape, count, where)
    if kind in ("soft", "multi", "real"):
        return _from_numbers(values, where, kind)
    if values.ndim == 2:
        return _from_rows(values, where)
    if values.dtype.kind == "f" and (values == np.trunc(values)).all() and np.isfinite(values).all():
        values = np.clip(values.astype(np.float64), -CLASS_LIMIT, CLASS_LIMIT).astype(np.int64)
    if values.dtype.kind in "biu":
        return _from_indices(values, where)
    if values.dtype.kind in "SUO":
        return Labels(*_from_strings(values, where))
    raise DataError(
        f"{where}: labels of dtype {values.dtype} are not classes, expected whole numbers or strings. Pass "
        f"{setting('label_key')}, or {setting('label_kind', 'real')} if they are numbers to predict."
    )


def _other_key() -> str:
    return f"Pass {setting('label_key')}."


def _for_other_kinds() -> str:
    return f"pass {setting('label_kind', 'multi')} for any number of classes a sample, real for numbers"


def check_count(shape: tuple[int, ...], count: int, where: str) -> None:
    """Raises DataError for an array, read or not, that does not have a row for each of `count` samples."""
    if shape and shape[0] != count:
        found = f"{shape[0]} {plural(shape[0], 'label')} for {counted(count, 'sample')}"
        raise DataError(f"{where}: found {found}. Pass {setting('label_key')}, or fix the file.")


def check_groups(shape: tuple[int, ...], count: int, where: str) -> None:
    """Raises DataError for an array, read or not, that does not have a group for each of `count` samples."""
    if shape not in ((count,), (count, 1)):
        remedy = f"Pass another {setting('group_column')}."
        raise DataError(f"{where}: groups have shape {shape}, expected ({count},). {remedy}")


def groups_from_array(values: NDArray[Any], count: int, where: str) -> tuple[str, ...]:
    """The groups of `count` samples, from integers or strings (n,) or (n, 1). Raises DataError for anything else."""
    check_groups(values.shape, count, where)
    values = values.reshape(count)
    if values.dtype.kind in "biu":
        return tuple(str(int(value)) for value in values)
    if values.dtype.kind not in "SUO":
        raise DataError(f"{where}: groups of dtype {values.dtype}, expected integers or strings. Store them as such.")
    names, numbers = _from_strings(values, where)
    if "" in names:
        row = int(np.argmax(numbers == names.index("")))
        raise DataError(f"{where}: row {row} has no group. Give every sample one.")
    return tuple(names[number] for number in numbers)


def labels_from_rows(values: NDArray[Any], names: tuple[str, ...], kind: LabelKind, where: str) -> Labels:
    """Labels (n, K) of a kind that is made of numbers: soft, multi or real. Raises DataError for other numbers."""
    if kind == "soft":
        return _soft(values, names, where)
    shown = values
    if kind == "multi":
        if (np.abs(values) == 1).all():  # −1 for a class that is absent, as CelebA has it
            values = values > 0
        sound = ((values == 0) | (values == 1)).all(axis=1)
        expected = f"and {setting('label_kind', 'multi')} takes zeros and ones. Fix it, or pass soft or real."
    else:
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
            values = values.astype(np.float32)
        sound = np.isfinite(values).all(axis=1)
        expected = "which float32 does not hold. Fix it."
    if not sound.all():
        row = int(np.argmin(sound))
        raise DataError(f"{where}: row {row} is {_few(shown[row])}, {expected}")
    return Labels(names, values=values.astype(np.float32), values_kind="multi" if kind == "multi" else "real")


def _few(row: NDArray[Any]) -> str:
    """The first few values of a row."""
    return f"{', '.join(f'{value:g}' for value in row[:8])}{', …' if len(row) > 8 else ''}"


def _from_numbers(values: NDArray[Any], where: str, kind: LabelKind) -> Labels:
    if values.dtype.kind not in "biuf":
        given = setting("label_kind", kind)
        raise DataError(f"{where}: labels of dtype {values.dtype}, and {given} takes numbers. Leave it out.")
    rows = values.reshape(len(values), -1)
    _check_width(rows, where)
    return labels_from_rows(rows, index_names(rows.shape[1]), kind, where)


def _from_indices(values: NDArray[Any], where: str) -> Labels:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= CLASS_LIMIT:
        found, expected = (low, "from 0") if low < 0 else (high, f"below {CLASS_LIMIT}")
        raise DataError(f"{where}: found the label {found}, expected class indices {expected}. Renumber them.")
    return Labels(index_names(high + 1), values.astype(np.int32))


def _from_strings(values: NDArray[Any], where: str) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The different texts, sorted, and the number of each sample's."""
    if values.dtype.kind == "U" and _highest_character(values) > sys.maxunicode:
        raise DataError(f"{where}: a class name holds a character that Unicode does not have. Write the file again.")
    found: list[Any] = values.tolist()
    if not all(isinstance(value, str | bytes) for value in found):
        raise DataError(f"{where}: labels are neither integers nor strings. {_other_key()}")
    try:
        texts = [value.decode("utf-8") if isinstance(value, bytes) else value for value in found]
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: a class name is not UTF-8 ({error.reason}). Store names as UTF-8.") from error
    texts = _encodable(texts)
    names = in_order(texts)
    if len(names) > CLASS_LIMIT:
        raise DataError(f"{where}: found {len(names)} class names, expected at most {CLASS_LIMIT}. {_other_key()}")
    return names, numbers_in(names, texts)


def _highest_character(values: NDArray[Any]) -> int:
    """Of texts as NumPy stores them, four bytes a character of any value: Python's own texts cannot hold all."""
    characters = np.ascontiguousarray(values).view(np.dtype("u4").newbyteorder(values.dtype.byteorder))
    return int(characters.max(initial=0))


def _encodable(texts: list[str]) -> list[str]:
    """Class names that UTF-8 can encode. If one has lone surrogates all are escaped, so that no two become equal."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return [escape_name(text) for text in texts]
    return texts


def one_hot_classes(values: NDArray[Any]) -> NDArray[np.int32] | None:
    """The classes of rows of numbers (n, K) that all have a single 1 and else zeros; None for other rows."""
    if ((values == 0) | (values == 1)).all() and ((values == 1).sum(axis=1) == 1).all():
        return np.asarray(values.argmax(axis=1), np.int32)
    return None


def _from_rows(values: NDArray[Any], where: str) -> Labels:
    _check_width(values, where)
    names = index_names(values.shape[1])
    if values.dtype.kind in "biuf" and (classes := one_hot_classes(values)) is not None:
        return Labels(names, classes)
    if values.dtype.kind in "biu":
        found = f"integer labels of shape {values.shape} are not one-hot"
        raise DataError(f"{where}: {found}. Store classes, or {_for_other_kinds()}.")
    if values.dtype.kind != "f":
        raise DataError(
            f"{where}: labels of dtype {values.dtype} and shape {values.shape} are of an unknown kind. {_other_key()}"
        )
    return _soft(values, names, where)


def _check_width(values: NDArray[Any], where: str) -> None:
    if not 0 < values.shape[1] <= CLASS_LIMIT:
        expected = f"1 to {CLASS_LIMIT} classes"
        raise DataError(f"{where}: labels have {values.shape[1]} columns, expected {expected}. {_other_key()}")


def _soft(values: NDArray[Any], names: tuple[str, ...], where: str) -> Labels:
    sums = values.sum(axis=1, dtype=np.float64)
    # Written so that NaN fails both comparisons.
    sound = (np.abs(sums - 1) <= _SUM_TOLERANCE) & (values >= 0).all(axis=1)
    if not sound.all():
        row = int(np.argmin(sound))
        found = f"row {row} is not a soft label (sum {sums[row]:.6g}), expected shares >= 0 that sum to 1"
        raise DataError(f"{where}: {found}. Fix it, or {_for_other_kinds()}.")
    return Labels(names, values=(values / sums[:, None]).astype(np.float32))


def index_names(count: int) -> tuple[str, ...]:
    """The names of classes that are only numbers."""
    return tuple(str(index) for index in range(count))
