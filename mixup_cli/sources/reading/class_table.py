"""Which number each class has: in a data set's own order, from all of its splits, or as `--classes` says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.reading.base import Source
from mixup_cli.sources.reading.bounded_read import lines_of
from mixup_cli.sources.reading.labels import CLASS_LIMIT, index_names
from mixup_cli.sources.reading.names import names_of
from mixup_cli.storage.json_files import content_of
from mixup_cli.storage.manifest import MANIFEST, read_manifest
from mixup_cli.wording import counted, json_problem, quoted

_FILE_BYTES = 64 << 20
_SHOWN_LETTERS = 60


def read_classes(value: str) -> tuple[str, ...]:
    """The names that `--classes` gives, in their order.

    `value` is a JSON list; or a finished data set (its folder or manifest.json), whose classes are taken; or a file
    with one name a line, or for `.json` a JSON list; or names with commas between them. The first that it can be is
    what it is. Raises UsageError, NoInputError or DataError.
    """
    path, where = Path(value), f"--classes {quoted(value, _SHOWN_LETTERS)}"
    is_there, is_folder = _kind_of(path)
    if value.startswith("["):
        names = _from_json(value.encode("utf-8", "surrogatepass"), where)
    elif is_there and (path.name == MANIFEST or _kind_of(path / MANIFEST)[0]):
        return _of_data_set(path.parent if path.name == MANIFEST else path, where)
    elif is_there and not is_folder:
        names = _from_file(path, where)
    elif "," in value:
        names = [name.strip() for name in value.split(",")]
    else:
        what = "a folder without a manifest.json" if is_folder else "no such file or data set"
        raise NoInputError(f"{where}: {what}. Give a file, a finished data set, or names with a comma between them.")
    return _checked(names, where)


def classes_text(names: Sequence[str]) -> str:
    """What `read_classes` reads these names from, whatever becomes of the file that they came from."""
    return json.dumps(names, ensure_ascii=False)


def _kind_of(path: Path) -> tuple[bool, bool]:
    """Whether it is there, and whether it is a folder."""
    try:
        return path.exists(), path.is_dir()
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False, False


def _of_data_set(folder: Path, where: str) -> tuple[str, ...]:
    manifest = read_manifest(folder)
    if not manifest.class_names or manifest.label_kind == "real":
        raise UsageError(f"{where}: that data set has no classes. Give another, or a file with names.")
    return manifest.class_names


def _from_file(path: Path, where: str) -> list[str]:
    if path.suffix.lower() == ".json":
        return _from_json(content_of(path, _FILE_BYTES), where)
    try:
        with path.open(encoding="utf-8-sig") as file:
            names = (name for line in lines_of(file, where) if (name := line.strip()))
            return list(islice(names, CLASS_LIMIT + 1))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{where}: is not UTF-8 text ({error.reason} at byte {error.start}). Save it as UTF-8."
        ) from error
    except OSError as error:
        raise NoInputError(f"{where}: cannot be read ({error.strerror}). Make it readable.") from error


def _from_json(data: bytes, where: str) -> list[str]:
    try:
        names = json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{where}: is not JSON ({json_problem(problem)}). Write a list of names.") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f"{where}: is not a JSON list of texts. Write a list of names.")
    return names


def _checked(names: list[str], where: str) -> tuple[str, ...]:
    if not 0 < len(names) <= CLASS_LIMIT:
        raise DataError(f"{where}: has {counted(len(names), 'name')}, expected 1 to {CLASS_LIMIT}. Give another list.")
    if "" in names:
        raise DataError(f"{where}: name {names.index('') + 1} is empty. Fill it in, or take the comma away.")
    if (odd := next((name for name in names if name != name.encode("utf-8", "ignore").decode()), None)) is not None:
        raise DataError(f"{where}: {odd!r} is not text that UTF-8 can hold. Spell it as inspect shows it.")
    if len({*names}) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise DataError(f"{where}: names {twice} twice. Keep one.")
    return tuple(names)


def as_given(source: Source, names: tuple[str, ...]) -> Labels:
    """The source's labels over the classes `names`, in their order.

    Labels that are only numbers (of arrays) take the names by position, unless these are numbers themselves. Raises
    UsageError where a sample is of a class that is not among them, and for labels that are not of classes.
    """
    labels = source.labels
    if labels.kind in ("none", "real"):
        what = "has no classes" if labels.kind == "none" else "has labels that are numbers"
        raise UsageError(f"--classes: {source.location} {what}. Leave it out.")
    count = len(labels.class_names)
    from_one = index_names(count + 1)[1:]  # as MATLAB counts
    are_numbers = source.has_numbered_classes and labels.class_names in (index_names(count), from_one)
    if are_numbers and {*names} != {*index_names(len(names))}:  # whatever labels this split has
        if count > len(names):
            raise UsageError(
                f"--classes: has {counted(len(names), 'name')}, and {source.location} has the labels "
                f"{labels.class_names[0]} to {labels.class_names[-1]}. Give a name for each of them."
            )
        return replace(labels, class_names=names, values=_widened(labels.values, np.arange(count), len(names)))
    position = {name: number for number, name in enumerate(names)}
    for number in _used(labels):
        name = labels.class_names[number]
        if name not in position:
            example = source.name_of(_first_of(labels, number))
            raise UsageError(
                f"--classes: {example} is of the class {name}, which is not among the {counted(len(names), 'name')} "
                f"({names_of(names, 3)}). Add it, or take its samples away."
            )
    return moved(labels, names)


def moved(labels: Labels, names: tuple[str, ...]) -> Labels:
    """Labels over other classes: `names` have all that any sample is of."""
    if labels.class_names == names:
        return labels
    position = {name: number for number, name in enumerate(names)}
    columns = np.array([position.get(name, -1) for name in labels.class_names], np.int32)
    classes = None if labels.classes is None else columns[labels.classes]
    return replace(labels, class_names=names, classes=classes, values=_widened(labels.values, columns, len(names)))


def _widened(
    values: NDArray[np.float32] | None, columns: NDArray[np.signedinteger], width: int
) -> NDArray[np.float32] | None:
    """Column i of `values` (n, k) at columns[i] of (n, width); one of −1, which is zero in all rows, left out."""
    if values is None:
        return None
    wide = np.zeros((len(values), width), np.float32)
    wide[:, columns[columns >= 0]] = values[:, columns >= 0]
    return wide


def _used(labels: Labels) -> list[int]:
    """The classes that samples are of."""
    if labels.classes is not None:
        return [int(number) for number in np.unique(labels.classes)]
    return np.flatnonzero((labels.values != 0).any(axis=0)).tolist() if labels.values is not None else []


def _first_of(labels: Labels, number: int) -> int:
    """The first sample of a class."""
    if labels.classes is not None:
        return int(np.argmax(labels.classes == number))
    return 0 if labels.values is None else int(np.argmax(labels.values[:, number] != 0))


def over_splits(labels: Labels, others: Iterable[Labels]) -> Labels:
    """The labels over the classes of all splits of an array file: numbers up to the largest, names in order."""
    if labels.classes is None:
        return labels
    found = [labels.class_names, *(each.class_names for each in others if each.classes is not None)]
    longest = max(found, key=len)
    union = {*chain.from_iterable(found)}
    return moved(labels, longest if union == {*longest} else tuple(sorted(union)))
