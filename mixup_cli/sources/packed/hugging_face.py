"""Hugging Face data sets on disk: what `save_to_disk` writes, and Parquet files, with a column of images, videos,
sounds or features."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from mixup_cli.choices import Task
from mixup_cli.errors import DataError, MixupGenError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.arrays.source import unlabelled
from mixup_cli.sources.packed.beside import check_alone
from mixup_cli.sources.packed.cells import Columns, read_groups, schema_of
from mixup_cli.sources.packed.features import FeatureRows, FeatureSource, feature_columns
from mixup_cli.sources.packed.media import MEDIA, Medium
from mixup_cli.sources.packed.rows import Rows
from mixup_cli.sources.packed.values import labels_of_values
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.splits import of_one_split, one_split
from mixup_cli.sources.tables.delimited import LABEL_COLUMNS
from mixup_cli.sources.tables.labels import check_column
from mixup_cli.sources.tables.metadata import caption_column
from mixup_cli.storage.json_files import read_json
from mixup_cli.wording import encodable, setting

DICTIONARY, STATE = "dataset_dict.json", "state.json"
_BYTES = re.compile(r"(struct<(.*, )?bytes: )?(large_)?binary\b")
"""Arrow's columns of bytes, and of bytes beside a path."""

_TASKS: Mapping[str, Task] = {"Image": "classify", "Video": "video", "Audio": "audio"}
"""By what Hugging Face calls a column."""

_WRITE_AGAIN = "Write it again."


def looks_like_hugging_face(path: Path) -> bool:
    """Whether a path is a data set of theirs, or a Parquet file; or a folder of Parquet files with either."""
    if path.is_file():
        return path.suffix.lower() == ".parquet"
    if any((path / name).is_file() for name in (DICTIONARY, STATE)):
        return True
    with suppress(MixupGenError):
        return any(_encoded_columns(found) or feature_columns(found) for found in map(schema_of, _parquets(path)[:1]))
    return False


def open_hugging_face(path: Path, options: SourceOptions) -> Rows | FeatureSource:
    """Open one split, the training split if none is asked for. Raises NoInputError for a split without rows, UsageError
    for columns or splits that are not there or in doubt, DataError for damage and for tables without samples."""
    files, notices, has_splits = _files(path, options)
    columns = schema_of(files[0])
    feature = _feature_column(path, columns, options)
    encoded = _encoded_column(path, columns, options) if feature is None else None
    text = _text_column(path, columns, options) if options.task == "caption" and feature is None else None
    label = None if options.label_kind == "none" else _label_column(path, columns, options)
    groups, values = read_groups(files, label)
    if not any(each.count for each in groups):
        raise NoInputError(f"{path}: has no rows. Give another split, or another data set.")
    labels, more = _labels(values, {} if label is None else columns[label][1], str(path), options)
    source: Rows | FeatureSource
    if encoded is not None:
        column, medium = encoded
        source = medium.rows(str(path), labels, [*notices, *more], rows=(groups, column), **medium.how(options))
        if text is not None:
            source.texts, source.task = read_groups(files, text)[1], "caption"
    elif feature is not None:
        rows = FeatureRows.open(groups, feature)
        source = FeatureSource(str(path), rows, labels, [*notices, *more]).watch(*files)
    source.has_splits = has_splits
    return source


def _files(path: Path, options: SourceOptions) -> tuple[list[Path], list[str], bool]:
    """The files of the split that is wanted, notices, and whether there are splits to choose from."""
    if path.is_file():
        return [path], [], False
    notices, has_splits = list[str](), False
    if (path / DICTIONARY).is_file():
        names = _names_in(path / DICTIONARY, "splits")
        split, notices = one_split({each: each for each in names}, options.split, str(path))
        path, has_splits = path / split, True
    if (path / STATE).is_file():
        files = [path / each for each in _names_in(path / STATE, "_data_files")]
    else:
        files, has_splits = _parquets(path), True
        check_alone(path, [str(each.relative_to(path)) for each in files])
        by_split = {str(each): each.name.partition(".")[0] for each in files}
        found, notices = of_one_split(by_split, options.split, str(path))
        files = [*map(Path, found)]
    if not files:
        raise DataError(f"{path}: names no files. {_WRITE_AGAIN}")
    return files, notices, has_splits


def _names_in(path: Path, field: str) -> list[str]:
    """The names in a list in a JSON file, or the `filename` of each object in it; those of the same folder alone."""
    listed = read_json(path).get(field)
    items = listed if isinstance(listed, list) else []
    found = (each.get("filename") if isinstance(each, dict) else each for each in items)
    texts = (each for each in found if isinstance(each, str))
    return [each for each in texts if each not in ("", ".", "..") and Path(each).name == each and "\0" not in each]


def _parquets(folder: Path) -> list[Path]:
    """The Parquet files of a folder, or of its `data`."""
    found = sorted(folder.glob("*.parquet")) or sorted((folder / "data").glob("*.parquet"))
    return [each for each in found if each.is_file()]


def _encoded_columns(columns: Columns) -> dict[str, Task | None]:
    """The columns with bytes, or bytes and a path; and of those that Hugging Face calls images, sounds or videos, the
    task that reads them."""
    return {name: _TASKS.get(str(said.get("_type"))) for name, (kind, said) in columns.items() if _BYTES.match(kind)}


def _feature_column(path: Path, columns: Columns, options: SourceOptions) -> str | None:
    """The column of features that is asked for, or the only one of a table without encoded samples; None without any.
    Raises UsageError if there are several."""
    found = feature_columns(columns)
    if options.data_key is not None:
        return options.data_key if options.data_key in found else None
    found = [each for each in found if each != options.label_key and each.lower() not in LABEL_COLUMNS]
    if _encoded_columns(columns) or not found:
        return None
    if len(found) > 1:
        one = setting("data_key", found[0])
        raise UsageError(f"{path}: has several columns of features ({', '.join(found)}). Pick one: {one}.")
    return found[0]


def _encoded_column(path: Path, columns: Columns, options: SourceOptions) -> tuple[str, Medium]:
    """The column of samples that is asked for, or the only one, and what they are: what its feature says, else what the
    task says, else images. Raises UsageError for several columns, DataError for none."""
    said = _encoded_columns(columns)
    if options.data_key is not None:
        said = {name: task for name, task in said.items() if name == options.data_key}
    tasks = [*MEDIA] if options.task is None else [options.task if options.task in MEDIA else "classify"]
    task = next((each for each in tasks if each in said.values()), tasks[0])
    found = [name for name, each in said.items() if each == task] or [name for name, each in said.items() if not each]
    medium = MEDIA[task]
    noun = f"{medium.files.noun}s"
    if len(found) == 1:
        return found[0], medium
    if found:
        one = setting("data_key", found[0])
        raise UsageError(f"{path}: has several columns of {noun} ({', '.join(found)}). Pick one: {one}.")
    called = {name: str(said.get("_type")) for name, (_, said) in columns.items()}
    shown = {name: called[name] if called[name] in _TASKS else kind for name, (kind, _) in columns.items()}
    listed = ", ".join(f"{name} ({each:.40})" for name, each in shown.items())
    what = f"no column {options.data_key} of {noun}" if options.data_key else f"no column of {noun} or features"
    remedy = f"Give a table with one; one of labels goes with {setting('labels_from')}."
    others = [each for each in _encoded_columns(columns).items() if each[1] and options.data_key in (None, each[0])]
    for name, other in others[:1]:
        remedy = f"Pass {setting('task', other)} to read column {name}, or give another table."
    raise DataError(f"{path}: {what} (found: {listed}).", remedy)


def _text_column(path: Path, columns: Columns, options: SourceOptions) -> str:
    """The column of captions. Raises UsageError for one that is not there, or in doubt, DataError without texts."""
    texts = [name for name, (kind, _) in columns.items() if kind in ("string", "large_string")]
    if not texts:
        found = f"{path}: has no column of texts, in which captions stand (found: {', '.join(columns)})."
        raise DataError(found, "Give a table with one.")
    return caption_column(str(path), [each for each in texts if each != options.label_key], options)


def _label_column(path: Path, columns: Columns, options: SourceOptions) -> str | None:
    """The column that is asked for; the one of class labels, or one with a usual name; None without any."""
    if options.label_key is not None:
        check_column(str(path), [*columns], "label_key", options.label_key)
        return options.label_key
    called = [name for name, (_, feature) in columns.items() if feature.get("_type") == "ClassLabel"]
    usual = [name for known in LABEL_COLUMNS for name in columns if name.lower() == known]
    if len(called) > 1 and not usual:
        one = setting("label_key", called[0])
        raise UsageError(f"{path}: has several columns of classes ({', '.join(called)}). Pick one: {one}.")
    return next(iter([*usual, *called]), None)


def _labels(
    values: Sequence[object], feature: Mapping[str, Any], where: str, options: SourceOptions
) -> tuple[Labels, list[str]]:
    """The labels of all rows. −1 stands for none in Hugging Face's classes."""
    names = feature.get("names")
    if all(each is None or (names and each == -1) for each in values):
        return Labels(), [] if options.label_kind == "none" else [unlabelled(where)]
    if feature.get("_type") != "ClassLabel" or not isinstance(names, list):
        return labels_of_values(values, where, options)
    for row, each in enumerate(values):
        if not isinstance(each, int) or not 0 <= each < len(names):
            found = f"{where}: row {row} has the label {each!s:.40}, expected 0 to {len(names) - 1}"
            raise DataError(f"{found}. {_WRITE_AGAIN}")
    texts = tuple(encodable(str(each)) for each in names)
    if len({*texts}) < len(texts):
        raise DataError(f"{where}: two of its classes have the same name. {_WRITE_AGAIN}")
    return Labels(texts, np.array(values, np.int32)), []
