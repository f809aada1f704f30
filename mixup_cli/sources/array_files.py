"""Samples and labels in array files: `.npz`, `.npy` (labels in a file beside it) and `.h5`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.sources.array_labels import check_count, check_groups, groups_from_array, labels_from_array
from mixup_cli.sources.array_splits import Elsewhere, number_over_splits
from mixup_cli.sources.arrays import ArraySource, RowKeys, Rows
from mixup_cli.sources.base import Labels, SourceOptions
from mixup_cli.sources.file_rows import FileRows
from mixup_cli.sources.hdf5_arrays import Hdf5File
from mixup_cli.sources.npz import WRITE_AGAIN, npz_keys, read_npy_header, read_npz, rows_in_file
from mixup_cli.sources.splits import files_of_other_splits, names_of_other_splits

HDF5_SUFFIXES = (".h5", ".hdf5")
SUFFIXES = (".npz", ".npy", *HDF5_SUFFIXES)

# What samples are called, and what the labels that belong to them are called.
PARTNERS: dict[str, tuple[str, ...]] = {
    "x": ("y",),
    "images": ("labels", "targets"),
    "image": ("label",),
    "data": ("labels", "targets", "label", "target"),
    "features": ("labels", "targets"),
}
SPLITS: dict[str, tuple[str, ...]] = {"train": ("train",), "test": ("test",), "val": ("val", "valid", "validation")}
# No sample has so many values; one sample must fit into memory many times over.
_VALUES_PER_PIXEL = 4


class ArrayFileSource(ArraySource):
    """An `ArraySource` from a `.npz`, `.npy` or `.h5` file."""

    kind: ClassVar[str] = "array_file"


def looks_like_array_file(path: Path) -> bool:
    """Whether `path` is a file with the suffix of one of the kinds."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def open_array_file(path: Path, options: SourceOptions) -> ArrayFileSource:
    """Open samples and labels. Raises DataError, NoInputError or UsageError, telling the names that were found."""
    if not path.is_file():
        raise NoInputError(f"{path}: there is no such file.")
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _open_npz(path, options)
    return _open_hdf5(path, options) if suffix in HDF5_SUFFIXES else _open_npy(path, options)


def _open_npz(path: Path, options: SourceOptions) -> ArrayFileSource:
    keys = npz_keys(path)
    data_key, label_key, notices = choose_keys(keys, options, str(path))
    for key in filter(None, (data_key, label_key)):
        if key not in keys:
            raise DataError(f"{path}: has no array {key!r}. Found: {', '.join(keys)}. Name one of them.")
    group_key = _group_key(keys, options, str(path))
    labels, groups = (None if key is None else read_npz(path, key) for key in (label_key, group_key))
    rows = read_npz(path, data_key)
    source = _source(path, rows, _Beside(labels, groups), options, notices)
    number_over_splits(source, _other_splits(path, label_key, npz_keys, read_npz), options)
    return source.watch(path, mapped=not isinstance(rows, np.ndarray))


def _open_hdf5(path: Path, options: SourceOptions) -> ArrayFileSource:
    file = Hdf5File(path)
    keys = file.keys()
    data_key, label_key, notices = choose_keys(keys, options, str(path))
    group_key = _group_key(keys, options, str(path))
    labels, groups = (None if key is None else file.rows(key) for key in (label_key, group_key))
    source = _source(path, file.rows(data_key), _Beside(labels, groups), options, notices)
    number_over_splits(source, _other_splits(path, label_key, _hdf5_keys, _hdf5_rows), options)
    return source.watch(path, mapped=True)


def _hdf5_keys(path: Path) -> list[str]:
    return Hdf5File(path).keys()


def _hdf5_rows(path: Path, key: str) -> Rows:
    return Hdf5File(path).rows(key)


def _other_splits(
    path: Path, label_key: str | None, keys_of: Callable[[Path], list[str]], read: Callable[[Path, str], Rows]
) -> Iterator[Elsewhere]:
    """Labels of other splits, in the same file and in those that have its name with another split's word."""
    if label_key is None:
        return
    others = [*names_of_other_splits(label_key)]
    for file in (path, *files_of_other_splits(path)):
        wanted = others if file == path else [label_key, *others]
        for key in (key for key in keys_of(file) if key in wanted):
            name = key if file == path else file.stem
            yield Elsewhere(f"{file}: {key}", name, partial(read, file, key))


def _open_npy(path: Path, options: SourceOptions) -> ArrayFileSource:
    label_file = _label_file(path, options)
    labels = None if label_file is None else _read_npy(label_file)
    group_name = options.group_column_of(())
    group_file = None if group_name is None else _named_file(path, group_name, "groups")
    groups = None if group_file is None else _read_npy(group_file)
    is_lacking = label_file is None and options.label_kind != "none"
    notices = [_unlabelled(f"{path}: found no labels file beside it")] if is_lacking else []
    source = _source(path, _read_npy(path), _Beside(labels, groups), options, notices)
    if label_file is not None:
        others = files_of_other_splits(label_file)
        number_over_splits(
            source, [Elsewhere(str(each), each.stem, partial(_read_npy, each)) for each in others], options
        )
    return source.watch(path, label_file, mapped=True)


@dataclass(frozen=True)
class _Beside:
    """What stands beside the samples, and is not read before it is known to be as long as they are."""

    labels: Rows | None
    groups: Rows | None


def _source(path: Path, rows: Rows, beside: _Beside, options: SourceOptions, notices: list[str]) -> ArrayFileSource:
    sample_shape = rows.shape[1:]
    if np.prod(sample_shape, dtype=np.float64) > _VALUES_PER_PIXEL * options.max_pixels:
        raise DataError(
            f"{path}: one sample has the shape {sample_shape}, more than --max-pixels {options.max_pixels}. Raise it "
            "if that is what the file is to hold."
        )
    count = rows.shape[0] if rows.shape else 0
    found = Labels()
    if beside.labels is not None:
        if count:  # else there is nothing to mix, which others tell
            check_count(beside.labels.shape, count, str(path))
        found = labels_from_array(_read(beside.labels, path), count, str(path), options.label_kind)
    if beside.groups is not None:
        check_groups(beside.groups.shape, count, str(path))
        found = replace(found, groups=groups_from_array(_read(beside.groups, path), count, str(path)))
    source = ArrayFileSource(str(path), RowKeys(count), found, rows, notices=notices)
    source.read_as = "a .npy file" if path.suffix.lower() == ".npy" else "an .npz or .h5 file"
    return source


def _read(rows: Rows, path: Path) -> NDArray[Any]:
    """All of what stands beside the samples. Raises DataError where it is damaged."""
    try:
        return np.asarray(rows[:] if rows.shape else rows)
    except OSError as error:
        raise DataError(f"{path}: the labels or groups are not readable ({error}). Write the file again.") from error


def _group_key(keys: Sequence[str], options: SourceOptions, location: str) -> str | None:
    column = options.group_column_of(keys)
    if column is not None and column not in keys:
        raise UsageError(f"--group-column {column}: {location} has no such array. Found: {_listed(keys)}.")
    return column


def choose_keys(keys: Sequence[str], options: SourceOptions, location: str) -> tuple[str, str | None, list[str]]:
    """The name of the samples, the name of their labels (None: unlabelled), and notices about the choice.

    Raises UsageError for a split that is not there, DataError if no known name is.
    """
    if options.data_key is not None:
        return _with_labels(options.data_key, keys, options, location, [])
    splits = {split: key for split in SPLITS if (key := _data_key(keys, split)) is not None}
    plain = _data_key(keys, None)
    if not keys:
        raise DataError(f"{location}: holds no arrays. Write it again, with the samples in it.")
    if plain is None and not splits:
        raise DataError(
            f"{location}: found {_listed(keys)}. Say which are the samples: --data-key NAME --label-key NAME."
        )
    if options.split is not None and options.split not in splits:
        raise UsageError(f"{location}: has no split {options.split!r}. Found: {_listed(keys)}.")
    split = options.split or ("train" if plain is None else None)
    data_key = splits.get(split) if split else plain
    if data_key is None:
        raise UsageError(f"{location}: has no training split; found {_listed(list(splits))}. Pass --split.")
    notices = _split_notice(location, data_key, splits) if options.split is None and len(splits) > 1 else []
    return _with_labels(data_key, keys, options, location, notices)


def _with_labels(
    data_key: str, keys: Sequence[str], options: SourceOptions, location: str, notices: list[str]
) -> tuple[str, str | None, list[str]]:
    """What `choose_keys` returns, once the name of the samples is known."""
    if options.label_kind == "none":
        return data_key, None, notices
    label_key = options.label_key or _label_key(keys, data_key)
    return data_key, label_key, notices if label_key else [*notices, _unlabelled(f"{location}: {data_key}")]


def _split_notice(location: str, data_key: str, splits: dict[str, str]) -> list[str]:
    others = ", ".join(split for split, key in splits.items() if key != data_key)
    return [f"{location}: using {data_key}; there is also --split {others}."]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:20]) or "nothing"
    return f"{shown}, … ({len(names)} in all)" if len(names) > 20 else shown


def _unlabelled(where: str) -> str:
    return f"{where}: no labels found; the samples are unlabelled (--label-key names them)."


def _data_key(keys: Sequence[str], split: str | None) -> str | None:
    by_lower = {key.lower(): key for key in keys}
    names = (spelled for name in PARTNERS for spelled in _spelled(name, split))
    return next((by_lower[name] for name in names if name in by_lower), None)


def _spelled(name: str, split: str | None) -> Iterator[str]:
    """x_train as Keras has it, train_images as MedMNIST has it."""
    if split is None:
        yield name
        return
    for word in SPLITS[split]:
        yield f"{name}_{word}"
        yield f"{word}_{name}"


def _label_key(keys: Sequence[str], data_key: str) -> str | None:
    by_lower = {key.lower(): key for key in keys}
    return next((by_lower[name] for name in _partners(data_key.lower()) if name in by_lower), None)


def _partners(name: str) -> Iterator[str]:
    """What the labels of `name` (lower case) may be called: its first known word exchanged, or "labels" behind it."""
    words = re.split(r"([_\-.])", name)
    for position, word in enumerate(words):
        for partner in PARTNERS.get(word, ()):
            yield "".join([*words[:position], partner, *words[position + 1 :]])
    yield f"{name}_labels"


def _label_file(path: Path, options: SourceOptions) -> Path | None:
    if options.label_kind == "none":
        return None
    if options.label_key is not None:
        return _named_file(path, options.label_key, "labels")
    stems = {file.stem.lower(): file for file in sorted(path.parent.glob("*.npy")) if file.is_file()}
    return next((stems[name] for name in _partners(path.stem.lower()) if name in stems), None)


def _named_file(path: Path, name: str, what: str) -> Path:
    """A file that an option names, here or beside the samples; `what` it holds is for the message."""
    for file in (Path(name), path.parent / name):
        if file.is_file():
            return file
    raise NoInputError(f"{name}: there is no such {what} file, neither here nor beside {path}.")


def _read_npy(path: Path) -> NDArray[Any] | FileRows:
    """The array, left in the file. Raises DataError if the file is shorter than its header says, or holds objects."""
    try:
        with path.open("rb") as stream:
            header = read_npy_header(stream, str(path))
    except OSError as error:
        raise NoInputError(f"{path}: cannot read ({error.strerror}). Make it readable.") from error
    found_bytes = path.stat().st_size - header.data_at
    if found_bytes != header.data_bytes:
        raise DataError(
            f"{path}: its header says {header.data_bytes} bytes of data, found {found_bytes}. {WRITE_AGAIN}"
        )
    if header.data_bytes == 0:
        return np.empty(header.shape, header.dtype)
    return rows_in_file(path, header, header.data_at)
