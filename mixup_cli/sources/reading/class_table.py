"""Classes as a user gives them (`classes`), and labels moved to other classes."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, MixupGenError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.reading.base import Source
from mixup_cli.sources.reading.bounded_read import lines_of
from mixup_cli.sources.reading.class_order import of_splits
from mixup_cli.sources.reading.labels import CLASS_LIMIT, index_names
from mixup_cli.sources.reading.names import names_of
from mixup_cli.storage.json_files import content_of
from mixup_cli.storage.names import MANIFEST, data_set_folder
from mixup_cli.wording import counted, json_problem, quoted

_FILE_BYTES = 64 << 20
_SHOWN_LETTERS = 60
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")


def read_classes(value: str) -> tuple[str, ...]:
    """The names of all classes, in order, from what a user gives as `classes`.

    `value` is a JSON list; or a finished data set (its folder or manifest.json) that has these classes; or a file with
    one name a line, or for `.json` a JSON list; or names with commas between them; tried in this order. Raises
    UsageError, NoInputError or DataError.
    """
    try:
        names = _given(value)
        _check(names)
    except MixupGenError as problem:
        if problem.fields:
            raise
        raise type(problem)(problem.found, problem.remedy, "classes", quoted(value, _SHOWN_LETTERS)) from problem
    return tuple(names)


def classes_text(names: Sequence[str]) -> str:
    """A text from which `read_classes` reads these names, without the file that they came from."""
    return json.dumps(names, ensure_ascii=False)


def _given(value: str) -> Sequence[str]:
    path = Path(value)
    exists, is_folder = _kind_of(path)
    if value.startswith("["):
        return _from_json(value.encode("utf-8", "surrogatepass"))
    if exists and (path.name == MANIFEST or _kind_of(path / MANIFEST)[0]):
        return _of_data_set(data_set_folder(path))
    if exists and not is_folder:
        return _from_file(path)
    if "," in value:
        return [name.strip() for name in value.split(",")]
    what = "a folder without a manifest.json" if is_folder else "no such file or data set"
    raise NoInputError(f"{what}. Give a file, a finished data set, or names with a comma between them.")


def _kind_of(path: Path) -> tuple[bool, bool]:
    """Whether it exists, and whether it is a folder."""
    try:
        return path.exists(), path.is_dir()
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False, False


def _of_data_set(folder: Path) -> tuple[str, ...]:
    from mixup_cli.storage.manifest import read_manifest  # needs pydantic

    manifest = read_manifest(folder)
    if not manifest.class_names or manifest.label_kind == "real":
        raise UsageError("that data set has no classes. Give another, or a file with names.")
    return manifest.class_names


def _from_file(path: Path) -> Sequence[str]:
    if path.suffix.lower() == ".json":
        return _from_json(content_of(path, _FILE_BYTES))
    try:
        with path.open("rb") as file:
            return names_in(file)
    except OSError as error:
        raise NoInputError(f"cannot be read ({error.strerror}). Make it readable.") from error


def names_in(file: IO[bytes]) -> tuple[str, ...]:
    """The names of classes in a text, one a line. Raises DataError."""
    try:
        with io.TextIOWrapper(file, "utf-8-sig") as text:
            found = (name for line in lines_of(text, "the file") if (name := line.strip()))
            names = tuple(islice(found, CLASS_LIMIT + 1))
    except UnicodeDecodeError as error:
        raise DataError(f"is not UTF-8 text ({error.reason} at byte {error.start}). Save it as UTF-8.") from error
    _check(names)
    return names


def _from_json(data: bytes) -> list[str]:
    try:
        names = json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise DataError(f"is not JSON ({json_problem(problem)}). Write a list of names.") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError("is not a JSON list of texts. Write a list of names.")
    return names


def _check(names: Sequence[str]) -> None:
    if not 0 < len(names) <= CLASS_LIMIT:
        raise DataError(f"has {counted(len(names), 'name')}, expected 1 to {CLASS_LIMIT}. Give another list.")
    if "" in names:
        raise DataError(f"name {names.index('') + 1} is empty. Fill it in, or remove the comma.")
    if (odd := next((name for name in names if name != name.encode("utf-8", "ignore").decode()), None)) is not None:
        raise DataError(f"{odd!r} is not text that UTF-8 can hold. Write it as inspect shows it.")
    if len({*names}) < len(names):
        raise DataError(f"names {Counter(names).most_common(1)[0][0]} twice. Keep one.")


def as_given(source: Source, names: tuple[str, ...]) -> Labels:
    """The source's labels over the classes `names`, in their order.

    Labels that are only numbers take the names by position: those of arrays unless the names are 0 … K−1, those of
    other sources where the names do not have them. Raises UsageError for a sample of another class, and for labels that
    are not classes.
    """
    labels = source.labels
    if labels.kind in ("none", "real"):
        what = "has no classes" if labels.kind == "none" else "has labels that are numbers"
        raise UsageError(f"{source.location} {what}. Leave it out.", field="classes")
    count = len(labels.class_names)
    from_one = index_names(count + 1)[1:]  # as MATLAB counts
    are_numbers = source.has_numbered_classes and labels.class_names in (index_names(count), from_one)
    if are_numbers and {*names} != {*index_names(len(names))}:  # whatever labels this split has
        if count > len(names):
            raise UsageError(
                f"has {counted(len(names), 'name')}, and {source.location} has the labels {labels.class_names[0]} to "
                f"{labels.class_names[-1]}. Give a name for each of them.",
                field="classes",
            )
        return _placed(labels, np.arange(count), names)
    known = {*names}
    for number, first in _first_of_each(labels):
        if (name := labels.class_names[number]) not in known:
            if all(map(_NUMBER.fullmatch, labels.class_names)) and not all(map(_NUMBER.fullmatch, names)):
                return _placed(labels, _by_value(labels.class_names, len(names), source.location), names)
            example = source.name_of(first)
            found = f"{example} is of the class {name}, which is not among the {counted(len(names), 'name')}"
            remedy = f"({names_of(names, 3)}). Add it, or take its samples away."
            raise UsageError(f"{found} {remedy}", field="classes")
    return moved(labels, names)


def _by_value(numbers: Sequence[str], count: int, where: str) -> NDArray[np.signedinteger]:
    """The place of each number among `count` names: 0 has the first name; or 1 has it, where the numbers end at
    `count`. Raises UsageError where names are missing, and where either could be meant."""
    found = np.array([*map(int, numbers)])
    has_zero, highest = 0 in found, int(found.max())
    if highest < count if has_zero else highest == count:
        return found if has_zero else found - 1
    remedy = f"Give a name for each number from 0 to {highest}."
    if not has_zero:
        remedy = f"Give {counted(highest, 'name')} if they count from 1; else write names in place of the numbers."
    raise UsageError(
        f"has {counted(count, 'name')}, and {where} has the labels {found.min()} to {highest}. {remedy}",
        field="classes",
    )


def moved(labels: Labels, names: tuple[str, ...]) -> Labels:
    """The labels over other classes, among which are those of all samples."""
    if labels.class_names == names:
        return labels
    position = {name: number for number, name in enumerate(names)}
    return _placed(labels, np.array([position.get(name, -1) for name in labels.class_names], np.int32), names)


def _placed(labels: Labels, columns: NDArray[np.signedinteger], names: tuple[str, ...]) -> Labels:
    """The labels over the classes `names`, of which class i is number columns[i]; −1 for a class without samples."""
    classes = None if labels.classes is None else columns.astype(np.int32)[labels.classes]
    return replace(labels, class_names=names, classes=classes, values=_widened(labels.values, columns, len(names)))


def over_splits(labels: Labels, others: Iterable[Labels]) -> Labels:
    """The labels over the classes of all splits of an array file."""
    if labels.classes is None:
        return labels
    found = [each.class_names for each in (labels, *others) if each.classes is not None]
    return moved(labels, of_splits(found))


def _widened(
    values: NDArray[np.float32] | None, columns: NDArray[np.signedinteger], width: int
) -> NDArray[np.float32] | None:
    """Column i of `values` (n, k) at columns[i] of (n, width); a column of −1, which is zero in all rows, left out."""
    if values is None:
        return None
    wide = np.zeros((len(values), width), np.float32)
    wide[:, columns[columns >= 0]] = values[:, columns >= 0]
    return wide


def _first_of_each(labels: Labels) -> list[tuple[int, int]]:
    """The classes that samples are of, and the first sample of each."""
    if labels.classes is not None:
        return [
            (int(number), int(first))
            for number, first in zip(*np.unique(labels.classes, return_index=True), strict=True)
        ]
    present = np.asarray(labels.values) != 0
    return [(number, int(present[:, number].argmax())) for number in np.flatnonzero(present.any(axis=0)).tolist()]
