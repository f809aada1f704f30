"""Labels and groups that go with an array of samples: which array they are, and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.arrays.array_file import ArrayFile, listed
from mixup_cli.sources.arrays.containers import open_container
from mixup_cli.sources.arrays.source import ArraySource
from mixup_cli.sources.arrays.stored import StoredArray
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.class_table import over_splits
from mixup_cli.sources.reading.labels import check_count, check_groups, groups_from_array, labels_from_array
from mixup_cli.sources.reading.names import names_of
from mixup_cli.sources.reading.splits import files_of_other_splits, names_of_other_splits, split_in, split_of
from mixup_cli.wording import setting


@dataclass(frozen=True)
class Beside:
    """An array of labels or groups, and its place. It is read once it is known to be as long as the samples."""

    file: ArrayFile
    key: str
    stored: StoredArray

    @property
    def where(self) -> str:
        return str(self.file.path)

    def values(self) -> NDArray[Any]:
        """All of it. Raises DataError if it is damaged."""
        return _whole(self.stored, self.where)


def beside(file: ArrayFile, key: str) -> Beside:
    """The array of a file that has one of this name."""
    return Beside(file, key, file.read(key))


def array_of(samples: ArrayFile, field: str, name: str) -> Beside:
    """The labels or groups that the option `field` names: an array in the samples' file, or a file, from here or from
    the samples' folder.

    A file with several arrays must have one whose name says that it is labels. Raises NoInputError for no such file, or
    UsageError if the samples' file has arrays that could have been named.
    """
    if samples.has(name):
        return beside(samples, name)
    path = next((path for path in (Path(name), samples.path.parent / name) if path.is_file()), None)
    if path is None:
        if not samples.is_single:
            found = f"{samples.path} has no such array. Found: {listed(samples.keys)}. Name one, or a file."
            raise UsageError(found, field=field, value=name)
        found = f"no such file, neither here nor beside {samples.path}. Check the name."
        raise NoInputError(found, field=field, value=name)
    file = open_container(path)
    named = file.called_labels() if len(file.keys) > 1 else file.keys
    if len(named) != 1:
        found = f"the file holds {listed(file.keys)}; expected one array, or one whose name says labels."
        raise DataError(found, "Store it in a file of its own.", field, path)
    return beside(file, named[0])


def labels_of(count: int, labels: Beside | None, groups: Beside | None, options: SourceOptions) -> Labels:
    """The labels and groups of `count` samples. Raises DataError if they are not as many, or not labels or groups."""
    found = Labels()
    if labels is not None:
        if count:  # else no sample can be mixed, which the source reports
            check_count(labels.stored.shape, count, labels.where)
        found = labels_from_array(labels.values(), count, labels.where, options.label_kind)
    if groups is not None:
        check_groups(groups.stored.shape, count, groups.where)
        found = replace(found, groups=groups_from_array(groups.values(), count, groups.where))
    return found


def number_over_splits(source: ArraySource, samples: Path, labels: Beside, options: SourceOptions) -> None:
    """Number the classes of `source` over those of other splits too, unless `options` name the classes.

    Labels of test data are often missing or −1: what cannot be read is a notice. Raises DataError if it is of the
    training data.
    """
    before = {*source.labels.class_names}
    if source.labels.classes is None or options.classes is not None:
        return
    notices: list[str] = []
    found = [each for split in _other_splits(samples, labels) for each in split.labels(notices)]
    source.labels = over_splits(source.labels, found)
    if added := [name for name in source.labels.class_names if name not in before]:
        notices.append(f"{source.location}: classes of other splits, of which it has no sample: {names_of(added)}")
    source.notices += tuple(notices)


@dataclass(frozen=True)
class _OtherSplit:
    """The labels of another split: the first of `keys` in the file `path`, or else what is called labels."""

    path: Path
    keys: Sequence[str]
    where: str
    split: str | None

    def labels(self, notices: list[str]) -> list[Labels]:
        try:
            file = open_container(self.path)
            keys = [*filter(file.has, self.keys)] or file.called_labels()[:1]
            arrays = [_whole(file.read(key), self.where) for key in (file.keys if file.is_single else keys)]
            return [labels_from_array(each, len(each) if each.shape else 1, self.where) for each in arrays]
        except (DataError, NoInputError, OSError) as problem:
            remedy = f"Its classes count for all splits; {setting('classes', 'NAMES')} sets them without it."
            if self.split == "train":
                raise DataError(f"{problem} {remedy}") from problem
            notices.append(f"{problem} {remedy}")
            return []


def _other_splits(samples: Path, labels: Beside) -> Iterator[_OtherSplit]:
    """Labels of other splits: in the same file as the samples, and in files that are named alike but for the split."""
    others = [*names_of_other_splits(labels.key)]
    path = labels.file.path
    if path == samples:
        for name in filter(labels.file.has, others):
            yield _OtherSplit(path, [name], f"{path}: {name}", split_in(name))
    plain = path.with_name(path.name.removesuffix(".gz"))
    for file in (*files_of_other_splits(plain), *files_of_other_splits(plain.with_name(f"{plain.name}.gz"))):
        yield _OtherSplit(file, [labels.key, *others], str(file), split_of(file))


def _whole(stored: StoredArray, where: str) -> NDArray[Any]:
    try:
        return np.asarray(stored[:] if stored.shape else stored)
    except OSError as error:
        raise DataError(f"{where}: the labels or groups are not readable ({error}). Write the file again.") from error
