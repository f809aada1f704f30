"""Samples and labels in array files, whatever the container: which arrays they are, by their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.arrays.array_file import ArrayFile, listed
from mixup_cli.sources.arrays.containers import CONTAINERS, open_container
from mixup_cli.sources.arrays.labels import Beside, array_of, beside, labels_of, number_over_splits
from mixup_cli.sources.arrays.source import ArraySource, RowKeys, unlabelled
from mixup_cli.sources.arrays.stored import StoredArray
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.splits import KINDS, one_split, using
from mixup_cli.wording import setting

# What samples are called, and what the labels that belong to them are called.
_LABELS = ("labels", "targets", "label", "target")
PARTNERS: dict[str, tuple[str, ...]] = {
    "x": ("y", *_LABELS),
    **dict.fromkeys(("images", "image", "imgs", "data", "features", "embeddings", "embedding"), (*_LABELS, "y")),
    "arr_0": ("arr_1",),  # as np.savez calls arrays without a name
}
# No sample has more values; one sample must fit into memory many times over.
_VALUES_PER_PIXEL = 4


class ArrayFileSource(ArraySource):
    """An `ArraySource` from one array file, with labels and groups in it or beside it."""

    kind: ClassVar[str] = "array_file"


def looks_like_array_file(path: Path) -> bool:
    """Whether `path` is a file with the suffix of a container."""
    return path.suffix.lower() in CONTAINERS and path.is_file()


def open_array_file(path: Path, options: SourceOptions) -> ArrayFileSource:
    """Open samples and labels. Raises DataError, NoInputError or UsageError, with the names that were found."""
    if not path.is_file():
        raise NoInputError(f"{path}: no such file. Check the path.")
    file = open_container(path)
    options, further = _first_of_several(file, options)
    data_key, labels, notices = _single(file, options) if file.is_single else _several(file, options)
    group_key = options.group_column_of(() if file.is_single else file.keys)
    groups = None if group_key is None else array_of(file, "group_column", group_key)
    rows, in_rows = file.in_rows(file.read(data_key), None if labels is None else labels.stored)
    if labels is not None and in_rows is not None:
        labels = replace(labels, stored=in_rows)
    _check_size(path, rows, options)
    count = rows.shape[0] if rows.shape else 0
    found = labels_of(count, labels, groups, options)
    source = ArrayFileSource(str(path), RowKeys(count), found, rows, notices=notices)
    source.read_as = "a .npy file" if file.is_single else "an array file"
    if labels is not None:
        number_over_splits(source, path, labels, options)
        if len(labels.stored.shape) == 1:
            source.labels, said = file.counted_from_zero(source.labels)
            source.notices += (said,) if said else ()
    source.beside = {name: _signal(file, name, labels, count, options) for name in further}
    return source.watch(path, *(each.file.path for each in (labels, groups) if each is not None))


def _first_of_several(file: ArrayFile, options: SourceOptions) -> tuple[SourceOptions, list[str]]:
    """Options that name the first signal alone, and the keys of further ones: `data_key` can hold several."""
    if options.data_key is None or options.data_key in file.keys or file.is_single:
        return options, []
    first, *further = options.data_key.split(",")
    return replace(options, data_key=first), further


def _signal(file: ArrayFile, name: str, labels: Beside | None, count: int, options: SourceOptions) -> ArrayFileSource:
    """A further signal of the same samples. Raises DataError if it has more or fewer of them."""
    file.check(name)
    rows, _ = file.in_rows(file.read(name), None if labels is None else labels.stored)
    _check_size(file.path, rows, options)
    if rows.shape[:1] != (count,):
        found = f"{name} has the shape {rows.shape}, and {count} samples were expected"
        raise DataError(f"{file.path}: {found}.", "Write as many of each signal.")
    return ArrayFileSource(f"{file.path}: {name}", RowKeys(count), Labels(), rows).watch(file.path)


def _check_size(path: Path, rows: StoredArray, options: SourceOptions) -> None:
    if np.prod(rows.shape[1:], dtype=np.float64) > _VALUES_PER_PIXEL * options.max_pixels:
        raise DataError(
            f"{path}: one sample has the shape {rows.shape[1:]}, more than {setting('max_pixels', options.max_pixels)}."
            " Raise it if the file is meant to hold such samples."
        )


def _single(file: ArrayFile, options: SourceOptions) -> tuple[str, Beside | None, list[str]]:
    """The key of the samples in a file that has no other array, their labels, and notices about the choice."""
    (key,) = file.keys
    if options.label_kind == "none":
        return key, None, []
    if options.label_key is not None:
        return key, array_of(file, "label_key", options.label_key), []
    labels = _labels_beside(file, file.read(key).shape[:1])
    return key, labels, [f"{file.path}: labels taken from {labels.where}." if labels else unlabelled(str(file.path))]


def _labels_beside(file: ArrayFile, count: tuple[int, ...]) -> Beside | None:
    """The labels in a file whose name goes with that of the samples; or, if there are as many, in one that is only
    called labels, which can belong to several files of samples."""
    siblings = sorted(file.path.parent.glob(f"*{file.path.suffix}"))
    stems = {path.stem.lower(): path for path in siblings if path.is_file()}
    for name in _partners(file.path.stem.lower()):
        if name in stems:
            return _only_array(stems[name])
    bare = [stems[name] for name in _LABELS if name in stems and stems[name] != file.path]
    return next((labels for labels in map(_only_array, bare) if labels.stored.shape[:1] == count), None)


def _only_array(path: Path) -> Beside:
    file = open_container(path)
    return beside(file, file.keys[0])


def _several(file: ArrayFile, options: SourceOptions) -> tuple[str, Beside | None, list[str]]:
    """The key of the samples among others, their labels, and notices about the choice."""
    data_key, notices = _choose(file.keys, options, str(file.path))
    file.check(data_key)
    if options.label_kind == "none":
        return data_key, None, notices
    label_key = options.label_key or _label_key(file.keys, data_key)
    if label_key is None:
        return data_key, None, [*notices, unlabelled(f"{file.path}: {data_key}")]
    return data_key, array_of(file, "label_key", label_key), notices


def _choose(keys: Sequence[str], options: SourceOptions, location: str) -> tuple[str, list[str]]:
    """The name of the samples, and a notice if other splits could have been meant: those without a split's word go
    before those with one.

    Raises UsageError for a split that the file does not have, DataError if no name is known.
    """
    if options.data_key is not None:
        return options.data_key, []
    if not keys:
        raise DataError(
            f"{location}: holds no arrays of numbers (structures, cells and texts are not read). Write the samples "
            "into an array of their own."
        )
    splits = {kind: key for kind in KINDS if (key := _data_key(keys, kind)) is not None}
    plain = _data_key(keys, None)
    if options.split is not None or (plain is None and splits):
        kind, notices = one_split({kind: kind for kind in splits}, options.split, location)
        return splits[kind], notices
    if plain is None and len(keys) > 1:
        names = f"{setting('data_key', 'NAME')} {setting('label_key', 'NAME')}"
        raise DataError(f"{location}: found {listed(keys)}. Name the samples and the labels: {names}.")
    return plain or keys[0], [using(location, plain, [*splits])] if plain is not None and splits else []


def _data_key(keys: Sequence[str], split: str | None) -> str | None:
    by_lower = {key.lower(): key for key in keys}
    names = (spelling for name in PARTNERS for spelling in _spellings(name, split))
    return next((by_lower[name] for name in names if name in by_lower), None)


def _spellings(name: str, split: str | None) -> Iterator[str]:
    """x_train as in Keras, train_images as in MedMNIST."""
    if split is None:
        yield name
        return
    for word in KINDS[split]:
        yield from (f"{name}_{word}", f"{word}_{name}", f"{word}_set_{name}")


def _label_key(keys: Sequence[str], data_key: str) -> str | None:
    by_lower = {key.lower(): key for key in keys}
    return next((by_lower[name] for name in _partners(data_key.lower()) if name in by_lower), None)


def _partners(name: str) -> Iterator[str]:
    """What the labels of `name` (lower case) can be called: its first known word exchanged, or "labels" behind it."""
    yield from PARTNERS.get(name, ())
    words = re.split(r"([_\-.])", name)
    for position, word in enumerate(words):
        for partner in PARTNERS.get(word, ()):
            yield "".join([*words[:position], partner, *words[position + 1 :]])
    yield f"{name}_labels"
