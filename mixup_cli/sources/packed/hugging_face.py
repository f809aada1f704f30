"""Hugging Face data sets on disk: what `save_to_disk` writes, and Parquet files, with a column of images or features.

An image is a cell with its bytes. Paths in cells are not followed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mixup_cli.errors import DataError, MixupGenError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.arrays.source import RowKeys, unlabelled
from mixup_cli.sources.packed.cells import Columns, Group, read_groups, schema_of
from mixup_cli.sources.packed.features import FeatureRows, FeatureSource, feature_columns
from mixup_cli.sources.packed.values import labels_of_values
from mixup_cli.sources.pictures.encoded import EncodedPictures
from mixup_cli.sources.reading.base import SourceOptions, Stamps
from mixup_cli.sources.reading.encoded import Undecodable
from mixup_cli.sources.reading.splits import of_one_split
from mixup_cli.sources.tables.delimited import LABEL_COLUMNS
from mixup_cli.sources.tables.labels import check_column
from mixup_cli.sources.tables.metadata import caption_column
from mixup_cli.storage.json_files import read_json
from mixup_cli.wording import encodable, setting

DICTIONARY, STATE = "dataset_dict.json", "state.json"
_BYTES = re.compile(r"(struct<(.*, )?bytes: )?(large_)?binary\b")
"""Arrow's columns of bytes, and of bytes beside a path."""

_WRITE_AGAIN = "Write it again."


class HuggingFacePictures(EncodedPictures):
    """Images in the cells of a column; row numbers are the keys."""

    kind: ClassVar[str] = "hugging-face"
    read_as = "a Hugging Face data set"
    has_splits = False

    def __init__(
        self, location: str, rows: tuple[Sequence[Group], str], labels: Labels, notices: Sequence[str], max_pixels: int
    ) -> None:
        self._groups, self._column = rows
        self._ends = [*accumulate(each.count for each in self._groups)]
        super().__init__(location, RowKeys(self._ends[-1]), labels, notices, max_pixels=max_pixels)

    def ignores(self, name: str, value: object) -> bool:
        """See `Source.ignores`. A single file has no splits."""
        return name == "split" and not self.has_splits

    def name_of(self, index: int) -> str:
        """See `Source.name_of`: with the data set, which a row number does not name."""
        return f"{self.location}, row {self.keys[index]}"

    def stored_bytes(self) -> Sequence[int]:
        """See `Source.stored_bytes`."""
        return [-1] * len(self)

    def stamps(self) -> Stamps:
        """See `Source.stamps`: a row has those of its file."""
        rows = [each.file.stamp() for each in self._groups]
        return Stamps(np.repeat(np.array(rows, np.int64), [each.count for each in self._groups], 0), self.reading)

    def files(self) -> Iterator[str]:
        """See `Source.files`."""
        return iter(dict.fromkeys(each.file.name for each in self._groups))

    def changed(self) -> str | None:
        """See `Source.changed`."""
        files = dict.fromkeys(each.file for each in self._groups)
        return next((file.name for file in files if file.has_changed()), None)

    def read(self, index: int) -> bytes:
        """See `EncodedPictures.read`."""
        number = bisect_right(self._ends, index)
        group = self._groups[number]
        data = group.cells(self._column)[index - self._ends[number] + group.count].as_py()
        if not isinstance(data, bytes):
            raise Undecodable("has no bytes in the table (perhaps a path: save it with its images embedded)")
        return data


def looks_like_hugging_face(path: Path) -> bool:
    """Whether a path is a data set of theirs, or a Parquet file; or a folder of Parquet files with either."""
    if path.is_file():
        return path.suffix.lower() == ".parquet"
    if any((path / name).is_file() for name in (DICTIONARY, STATE)):
        return True
    with suppress(MixupGenError):
        return any(_image_columns(found) or feature_columns(found) for found in map(schema_of, _parquets(path)[:1]))
    return False


def open_hugging_face(path: Path, options: SourceOptions) -> HuggingFacePictures | FeatureSource:
    """Open one split, the training split if none is asked for. Raises NoInputError for a split without rows, UsageError
    for columns or splits that are not there or in doubt, DataError for damage and for tables without images and
    features."""
    files, notices, has_splits = _files(path, options)
    columns = schema_of(files[0])
    feature = _feature_column(path, columns, options)
    image = _image_column(path, columns, options) if feature is None else feature
    text = _text_column(path, columns, options) if options.task == "caption" and feature is None else None
    label = None if options.label_kind == "none" else _label_column(path, columns, options)
    groups, values = read_groups(files, label)
    if not any(each.count for each in groups):
        raise NoInputError(f"{path}: has no rows. Give another split, or another data set.")
    labels, more = _labels(values, {} if label is None else columns[label][1], str(path), options)
    source: HuggingFacePictures | FeatureSource
    if feature is None:
        source = HuggingFacePictures(str(path), (groups, image), labels, [*notices, *more], options.max_pixels)
        if text is not None:
            source.texts, source.task = read_groups(files, text)[1], "caption"
    else:
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
        found = [each for each in names if each == options.split]
        if not found:
            found, notices = of_one_split({each: each for each in names}, options.split, str(path))
        if len(found) != 1:
            raise UsageError(f"{path}: has the splits {', '.join(names) or 'none'}. Pass {setting('split', 'NAME')}.")
        path, has_splits = path / found[0], True
    if (path / STATE).is_file():
        files = [path / each for each in _names_in(path / STATE, "_data_files")]
    else:
        files, has_splits = _parquets(path), True
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


def _image_columns(columns: Columns) -> list[str]:
    """The columns with encoded images: those that Hugging Face calls so, or with bytes and a path, or with bytes."""
    found = [name for name, (kind, _) in columns.items() if _BYTES.match(kind)]
    return [name for name in found if columns[name][1].get("_type") == "Image"] or found


def _feature_column(path: Path, columns: Columns, options: SourceOptions) -> str | None:
    """The column of features that is asked for, or the only one of a table without images; None without any. Raises
    UsageError if there are several."""
    found = feature_columns(columns)
    if options.data_key is not None:
        return options.data_key if options.data_key in found else None
    found = [each for each in found if each != options.label_key and each.lower() not in LABEL_COLUMNS]
    if _image_columns(columns) or not found:
        return None
    if len(found) > 1:
        one = setting("data_key", found[0])
        raise UsageError(f"{path}: has several columns of features ({', '.join(found)}). Pick one: {one}.")
    return found[0]


def _image_column(path: Path, columns: Columns, options: SourceOptions) -> str:
    found = _image_columns(columns)
    if options.data_key is not None:
        found = [each for each in found if each == options.data_key]
    if len(found) == 1:
        return found[0]
    if found:
        one = setting("data_key", found[0])
        raise UsageError(f"{path}: has several columns of images ({', '.join(found)}). Pick one: {one}.")
    listed = ", ".join(f"{name} ({kind:.40})" for name, (kind, _) in columns.items())
    what = f"no column {options.data_key} of images" if options.data_key else "no column of images or features"
    remedy = f"Give a table with one; one of labels goes with {setting('labels_from')}."
    raise DataError(f"{path}: {what} (found: {listed}).", remedy)


def _text_column(path: Path, columns: Columns, options: SourceOptions) -> str:
    """The column of captions. Raises UsageError for one that is not there, or in doubt."""
    texts = [name for name, (kind, _) in columns.items() if kind in ("string", "large_string")]
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
