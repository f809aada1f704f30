"""Samples and labels in array files: `.npz`, `.npy` (labels in a file beside it), `.h5` and `.mat`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.arrays.contents import SUFFIXES, Contents, array_beside, contents_of, listed, read_beside
from mixup_cli.sources.arrays.matlab import MATLAB_SUFFIX, counted_from_zero, in_rows, labels_in_rows
from mixup_cli.sources.arrays.source import ArraySource, RowKeys, Rows
from mixup_cli.sources.arrays.splits import Elsewhere, number_over_splits
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.labels import check_count, check_groups, groups_from_array, labels_from_array
from mixup_cli.sources.reading.splits import (
    KINDS,
    files_of_other_splits,
    names_of_other_splits,
    split_in,
    split_kind,
    split_of,
)

# What samples are called, and what the labels that belong to them are called.
_LABELS = ("labels", "targets", "label", "target")
PARTNERS: dict[str, tuple[str, ...]] = {
    "x": ("y", *_LABELS),
    **dict.fromkeys(("images", "image", "imgs", "data", "features"), (*_LABELS, "y")),
    "arr_0": ("arr_1",),  # as np.savez calls arrays without a name
}
# No sample has so many values; one sample must fit into memory many times over.
_VALUES_PER_PIXEL = 4


class ArrayFileSource(ArraySource):
    """An `ArraySource` from a `.npz`, `.npy`, `.h5` or `.mat` file."""

    kind: ClassVar[str] = "array_file"


def looks_like_array_file(path: Path) -> bool:
    """Whether `path` is a file with the suffix of one of the kinds."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def open_array_file(path: Path, options: SourceOptions) -> ArrayFileSource:
    """Open samples and labels. Raises DataError, NoInputError or UsageError, telling the names that were found."""
    if not path.is_file():
        raise NoInputError(f"{path}: there is no such file.")
    contents = contents_of(path)
    options, further = _first_of_several(contents, options)
    if path.suffix.lower() == ".npy":
        data_key, label_key, contents = path.stem, options.label_key, replace(contents, keys=())
        labels = _labels_of_npy(path, contents.read(data_key).shape[:1], options)
        is_lacking = labels is None and options.label_kind != "none"
        notices = [_unlabelled(f"{path}: found no labels file beside it")] if is_lacking else []
        if labels is not None and options.label_key is None:
            notices = [f"{path}: labels taken from {labels[0]}."]
    else:
        data_key, label_key, notices = choose_keys(contents.keys, options, str(path))
        contents.check(data_key)
        labels = None if label_key is None else _array(contents, "--label-key", label_key)
    group_key = options.group_column_of(contents.keys)
    groups = None if group_key is None else _array(contents, "--group-column", group_key)
    beside = _Beside(*(None if each is None else each[1] for each in (labels, groups)))
    rows = contents.read(data_key)
    source = _source(path, rows, beside, options, notices)
    if labels is not None:
        number_over_splits(source, _other_splits(contents, label_key, labels[0]), options)
        if path.suffix.lower() == MATLAB_SUFFIX and len(labels[1].shape) == 1:
            source.labels, said = counted_from_zero(source.labels, path)
            source.notices += (said,) if said else ()
    files = [each[0] for each in (labels, groups) if each is not None]
    source.beside = {name: _signal(contents, name, beside.labels, len(source), options) for name in further}
    return source.watch(path, *files, mapped=_is_mapped(rows))


def _first_of_several(contents: Contents, options: SourceOptions) -> tuple[SourceOptions, list[str]]:
    """Options that name the first signal alone, and the keys of further ones: `data_key` can hold several."""
    key = options.data_key
    if key is None or contents.has(key) or contents.path.suffix.lower() == ".npy":
        return options, []
    first, *further = key.split(",")
    return replace(options, data_key=first), further


def _is_mapped(rows: Rows) -> bool:
    return not isinstance(rows, np.ndarray) or isinstance(rows, np.memmap)


def _signal(contents: Contents, name: str, labels: Rows | None, count: int, options: SourceOptions) -> ArrayFileSource:
    """A further signal of the same samples. Raises DataError where there are more or fewer of it."""
    contents.check(name)
    path, rows = contents.path, contents.read(name)
    if path.suffix.lower() == MATLAB_SUFFIX:
        rows = in_rows(rows, labels)
    _check_sample_size(path, rows, options)
    if rows.shape[:1] != (count,):
        found = f"{name} has the shape {rows.shape}, and {count} samples were expected"
        raise DataError(f"{path}: {found}. Write as many of each signal.")
    return ArrayFileSource(f"{path}: {name}", RowKeys(count), Labels(), rows).watch(path, mapped=_is_mapped(rows))


def _other_splits(contents: Contents, label_key: str | None, labels: Path) -> Iterator[Elsewhere]:
    """Labels of other splits: in the same file, in those that have its name with another split's word, or, of labels in
    a file of their own, in files beside that."""
    if labels != contents.path:
        for file in files_of_other_splits(labels):
            yield Elsewhere(str(file), split_of(file) == "train", partial(_only_array, file))
        return
    key = label_key or ""
    others = [*names_of_other_splits(key)]
    for name in filter(contents.has, others):
        yield Elsewhere(f"{contents.path}: {name}", split_in(name) == "train", partial(_read_each, contents, [name]))
    for file in files_of_other_splits(contents.path):
        yield Elsewhere(str(file), split_of(file) == "train", partial(_labels_in, file, [key, *others]))


def _only_array(file: Path) -> list[Rows]:
    return [array_beside(file, "--label-key", str(file))[1]]


def _labels_in(file: Path, names: Sequence[str]) -> list[Rows]:
    """The labels in the file of another split: of the same name or with its word, or else what is called labels."""
    contents = contents_of(file)
    found = [*filter(contents.has, names)] or contents.called_labels()[:1]
    return _read_each(contents, found)


def _read_each(contents: Contents, names: Sequence[str]) -> list[Rows]:
    return [contents.read(name) for name in names]


@dataclass(frozen=True)
class _Beside:
    """What stands beside the samples, and is not read before it is known to be as long as they are."""

    labels: Rows | None
    groups: Rows | None


def _array(contents: Contents, option: str, name: str) -> tuple[Path, Rows]:
    """An array that an option names, or the one in a file that it names, and where it stands."""
    if contents.has(name):
        return contents.path, contents.read(name)
    return array_beside(contents.path, option, name, contents.keys)


def _source(path: Path, rows: Rows, beside: _Beside, options: SourceOptions, notices: list[str]) -> ArrayFileSource:
    if path.suffix.lower() == MATLAB_SUFFIX:
        rows, beside = in_rows(rows, beside.labels), replace(beside, labels=labels_in_rows(beside.labels, rows))
    _check_sample_size(path, rows, options)
    count = rows.shape[0] if rows.shape else 0
    found = Labels()
    if beside.labels is not None:
        if count:  # else there is nothing to mix, which others tell
            check_count(beside.labels.shape, count, str(path))
        found = labels_from_array(read_beside(beside.labels, path), count, str(path), options.label_kind)
    if beside.groups is not None:
        check_groups(beside.groups.shape, count, str(path))
        found = replace(found, groups=groups_from_array(read_beside(beside.groups, path), count, str(path)))
    source = ArrayFileSource(str(path), RowKeys(count), found, rows, notices=notices)
    source.read_as = "a .npy file" if path.suffix.lower() == ".npy" else "an .npz, .h5 or .mat file"
    return source


def _check_sample_size(path: Path, rows: Rows, options: SourceOptions) -> None:
    sample_shape = rows.shape[1:]
    if np.prod(sample_shape, dtype=np.float64) > _VALUES_PER_PIXEL * options.max_pixels:
        raise DataError(
            f"{path}: one sample has the shape {sample_shape}, more than --max-pixels {options.max_pixels}. Raise it "
            "if that is what the file is to hold."
        )


def choose_keys(keys: Sequence[str], options: SourceOptions, location: str) -> tuple[str, str | None, list[str]]:
    """The name of the samples, the name of their labels (None: unlabelled), and notices about the choice.

    Raises UsageError for a split that is not there, DataError if no known name is.
    """
    if options.data_key is not None:
        return _with_labels(options.data_key, keys, options, location, [])
    splits = {kind: key for kind in KINDS if (key := _data_key(keys, kind)) is not None}
    plain = _data_key(keys, None)
    if not keys:
        raise DataError(
            f"{location}: holds no arrays of numbers (structures, cells and texts are not read). Write the samples "
            "into an array of their own."
        )
    if plain is None and not splits and len(keys) == 1:
        plain = keys[0]
    if plain is None and not splits:
        raise DataError(
            f"{location}: found {listed(keys)}. Say which are the samples: --data-key NAME --label-key NAME."
        )
    split = "train" if options.split is None and plain is None else split_kind(options.split or "")
    if options.split is not None and split not in splits:
        raise UsageError(f"{location}: has no split {options.split!r}. Found: {listed(keys)}.")
    data_key = splits.get(split) if split else plain
    if data_key is None:
        raise UsageError(f"{location}: has no training split; found {listed(list(splits))}. Pass --split.")
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
    for word in KINDS[split]:
        yield from (f"{name}_{word}", f"{word}_{name}", f"{word}_set_{name}")


def _label_key(keys: Sequence[str], data_key: str) -> str | None:
    by_lower = {key.lower(): key for key in keys}
    return next((by_lower[name] for name in _partners(data_key.lower()) if name in by_lower), None)


def _partners(name: str) -> Iterator[str]:
    """What the labels of `name` (lower case) may be called: its first known word exchanged, or "labels" behind it."""
    yield from PARTNERS.get(name, ())
    words = re.split(r"([_\-.])", name)
    for position, word in enumerate(words):
        for partner in PARTNERS.get(word, ()):
            yield "".join([*words[:position], partner, *words[position + 1 :]])
    yield f"{name}_labels"


def _labels_of_npy(path: Path, count: tuple[int, ...], options: SourceOptions) -> tuple[Path, Rows] | None:
    """The labels that an option names, or those in a file whose name goes with that of the samples; or, where there are
    as many, in one that is just called labels, which can belong to several."""
    if options.label_kind == "none":
        return None
    if options.label_key is not None:
        return array_beside(path, "--label-key", options.label_key)
    stems = {file.stem.lower(): file for file in sorted(path.parent.glob("*.npy")) if file.is_file()}
    if (found := next((stems[name] for name in _partners(path.stem.lower()) if name in stems), None)) is not None:
        return found, contents_of(found).read(found.stem)
    bare = [stems[name] for name in _LABELS if name in stems and stems[name] != path]
    arrays = ((file, contents_of(file).read(file.stem)) for file in bare)
    return next(((file, labels) for file, labels in arrays if count == labels.shape[:1]), None)
