"""Hugging Face data sets on disk: what `save_to_disk` writes, and Parquet files with an image column.

pyarrow reads both, and nothing in them is run. In Arrow files images lie uncompressed, so they are read where they lie.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, MixupGenError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.arrays.source import RowKeys, unlabelled
from mixup_cli.sources.packed.pictures import SPANS, PackedPictures, Spans
from mixup_cli.sources.packed.values import labels_of_values
from mixup_cli.sources.pictures.decode import Undecodable
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.changing import Look, change_while_read, look
from mixup_cli.sources.reading.containers import LocalFile
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import of_one_split
from mixup_cli.sources.tables.delimited import LABEL_COLUMNS
from mixup_cli.sources.tables.parquet import require_parquet
from mixup_cli.storage.json_files import read_json
from mixup_cli.wording import setting

DICTIONARY, STATE, INFO = "dataset_dict.json", "state.json", "dataset_info.json"
GROUP_BYTES = 256 << 20
"""The largest group of rows of a Parquet file: it is read as a whole."""

GROUPS_KEPT = 4
_BYTES = re.compile(r"(struct<(.*, )?bytes: )?(large_)?binary\b")
"""Arrow's columns of bytes, and of bytes beside a path."""

_NO_BYTES = "has no bytes in the table, only a path, if anything (save it with its images embedded)"
_WRITE_AGAIN = "Write it again."


class HuggingFacePictures(PackedPictures):
    """Images in the cells of tables; row numbers are the keys."""

    kind: ClassVar[str] = "hugging-face"
    read_as = "a Hugging Face data set"

    def ignores(self, name: str, value: object) -> bool:
        """See `Source.ignores`. A single table has no splits."""
        return name == "split" and not self.has_splits

    has_splits = True

    def name_of(self, index: int) -> str:
        """See `Source.name_of`: with the data set, which a row number does not name."""
        return f"{self.location}, row {self.keys[index]}"


class ParquetPictures(HuggingFacePictures):
    """The same in Parquet: a span's `start` is the number of a row within the group of rows `stop`."""

    column = ""

    def read(self, index: int) -> bytes:
        """See `EncodedPictures.read`."""
        if (problem := self._spans.problems.get(index)) is not None:
            raise Undecodable(problem)
        number, row, group, *_ = self._spans.rows[index].item()
        file = self._spans.containers[number]
        seen = look(file.name)
        if seen is None or file.has_changed():
            raise change_while_read(file.name)
        cell = _row_group(file.name, seen, group, self.column)[row].as_py()
        data = cell["bytes"] if isinstance(cell, dict) else cell
        if not isinstance(data, bytes):
            raise Undecodable(_NO_BYTES)
        return data


def looks_like_hugging_face(path: Path) -> bool:
    """Whether a path is a data set of theirs, or a Parquet file; or a folder of Parquet files with images."""
    if path.is_file():
        return path.suffix.lower() == ".parquet"
    if any((path / name).is_file() for name in (DICTIONARY, STATE)):
        return True
    with suppress(MixupGenError):
        return any(_image_columns(*_schema(each)) for each in _parquets(path)[:1])
    return False


def open_hugging_face(path: Path, options: SourceOptions) -> HuggingFacePictures:
    """Open one split, the training split if none is asked for. Raises NoInputError for a split without rows, UsageError
    for columns or splits that are not there or in doubt, DataError for damage and for tables without images."""
    files, notices, has_splits = _files(path, options)
    schema, features = _schema(files[0])
    image = _image_column(path, schema, features, options)
    label = None if options.label_kind == "none" else _label_column(path, schema, features, options)
    table = (_from_parquet if files[0].suffix.lower() == ".parquet" else _from_arrow)(files, image, label)
    if not table.count:
        raise NoInputError(f"{path}: has no rows. Give another split, or another data set.")
    labels, more = _labels(table.values, features.get(label or "", {}), str(path), options)
    spans = Spans(table.files, np.concatenate(table.parts), table.problems)
    made = ParquetPictures if files[0].suffix.lower() == ".parquet" else HuggingFacePictures
    source = made(str(path), RowKeys(table.count), labels, [*notices, *more], spans, options.max_pixels)
    source.has_splits = has_splits
    if isinstance(source, ParquetPictures):
        source.column = image
    return source


@dataclass
class _Table:
    """What is read of a data set: its files, where each image lies (SPANS), and the label of each row, if any."""

    files: list[LocalFile] = field(default_factory=list)
    parts: list[NDArray[np.void]] = field(default_factory=list)
    count: int = 0
    problems: dict[int, str] = field(default_factory=dict)
    values: list[object] = field(default_factory=list)

    def add(self, starts: NDArray[Any], stops: NDArray[Any], sizes: NDArray[Any], missing: NDArray[np.bool_]) -> None:
        """Images of the last file."""
        rows = np.zeros(len(starts), SPANS)
        rows["file"], rows["method"] = len(self.files) - 1, -1
        rows["start"], rows["stop"], rows["size"] = starts, stops, sizes
        self.problems |= {self.count + row: _NO_BYTES for row in np.flatnonzero(missing).tolist()}
        self.parts.append(rows)
        self.count += len(rows)


def _files(path: Path, options: SourceOptions) -> tuple[list[Path], list[str], bool]:
    """The files of the split that is wanted, notices, and whether there are splits to choose from."""
    if path.is_file():
        return [path], [], False
    notices, has_splits = list[str](), False
    if (path / DICTIONARY).is_file():
        names = [each for each in _listed(path / DICTIONARY, "splits") if isinstance(each, str) and _is_plain(each)]
        found = [each for each in names if each == options.split]
        if not found:
            found, notices = of_one_split({each: each for each in names}, options.split, str(path))
        if len(found) != 1:
            raise UsageError(f"{path}: has the splits {', '.join(names) or 'none'}. Pass {setting('split', 'NAME')}.")
        path, has_splits = path / found[0], True
    if (path / STATE).is_file():
        listed = (each.get("filename") for each in _listed(path / STATE, "_data_files") if isinstance(each, dict))
        files = [path / each for each in listed if isinstance(each, str) and _is_plain(each)]
    else:
        files, has_splits = _parquets(path), True
        by_split = {str(each): each.name.partition(".")[0] for each in files}
        found, notices = of_one_split(by_split, options.split, str(path))
        files = [*map(Path, found)]
    if not files:
        raise DataError(f"{path}: names no files. {_WRITE_AGAIN}")
    return files, notices, has_splits


def _listed(path: Path, field: str) -> list[object]:
    """A list in a JSON file; empty where there is none."""
    found = read_json(path).get(field)
    return found if isinstance(found, list) else []


def _is_plain(name: str) -> bool:
    """Whether a name in a file names something in the same folder."""
    return name not in ("", ".", "..") and Path(name).name == name and "\0" not in name


def _parquets(folder: Path) -> list[Path]:
    """The Parquet files of a folder, or of its `data`."""
    found = sorted(folder.glob("*.parquet")) or sorted((folder / "data").glob("*.parquet"))
    return [each for each in found if each.is_file()]


@contextmanager
def _damage(path: Path) -> Iterator[Any]:
    """pyarrow; within the context, what it raises for damage becomes DataError."""
    arrow, _ = require_parquet()
    try:
        yield arrow
    except FileNotFoundError:
        raise NoInputError(f"{escape_name(str(path))}: no such file. Fetch the data set again.") from None
    except (
        arrow.ArrowException,
        OSError,
        ValueError,
        ArithmeticError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as problem:
        reason = (str(problem).splitlines() or ["damaged"])[0].rstrip(".")
        raise DataError(f"{escape_name(str(path))}: cannot be read ({reason:.200}). {_WRITE_AGAIN}") from None


def _schema(path: Path) -> tuple[Any, Mapping[str, Any]]:
    """The columns of a file, and what Hugging Face says of each (`features`)."""
    with _damage(path) as arrow:
        if path.suffix.lower() == ".parquet":
            _, parquet = require_parquet()
            schema = parquet.read_schema(path)
        else:
            with arrow.memory_map(str(path)) as file:
                schema = arrow.ipc.open_stream(file).schema
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}")).get("info", {}).get("features", {})
        return schema, {name: each for name, each in features.items() if isinstance(each, dict)}


def _image_columns(schema: Any, features: Mapping[str, Any]) -> list[str]:
    """The columns with encoded images: those that Hugging Face calls so, or with bytes and a path, or with bytes."""
    found = [each.name for each in schema if _BYTES.match(str(each.type))]
    called = [name for name in found if features.get(name, {}).get("_type") == "Image"]
    return called or found


def _image_column(path: Path, schema: Any, features: Mapping[str, Any], options: SourceOptions) -> str:
    found = _image_columns(schema, features)
    if options.data_key is not None:
        found = [each for each in found if each == options.data_key]
    if len(found) == 1:
        return found[0]
    if found:
        one = setting("data_key", found[0])
        raise UsageError(f"{path}: has several columns of images ({', '.join(found)}). Pick one: {one}.")
    columns = ", ".join(f"{each.name} ({each.type!s:.40})" for each in schema)
    what = f"no column {options.data_key} of images" if options.data_key else "no column of images"
    remedy = f"Give a table with an image feature; one of labels goes with {setting('labels_from')}."
    raise DataError(f"{path}: {what} (found: {columns}).", remedy)


def _label_column(path: Path, schema: Any, features: Mapping[str, Any], options: SourceOptions) -> str | None:
    """The column that is asked for; the one of class labels, or one with a usual name; None without any."""
    names = list(schema.names)
    if options.label_key is not None:
        if options.label_key not in names:
            raise UsageError(
                f"{path}: has no such column (found: {', '.join(names)}). Name one of them.",
                field="label_key",
                value=options.label_key,
            )
        return options.label_key
    called = [name for name in names if features.get(name, {}).get("_type") == "ClassLabel"]
    usual = [name for known in LABEL_COLUMNS for name in names if name.lower() == known]
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
    classes = np.array([each if isinstance(each, int) else -1 for each in values])
    if classes.min() < 0 or classes.max() >= len(names):
        row = int(np.argmax((classes < 0) | (classes >= len(names))))
        raise DataError(
            f"{where}: row {row} has the label {values[row]}, expected 0 to {len(names) - 1}. {_WRITE_AGAIN}"
        )
    return Labels(tuple(map(str, names)), classes.astype(np.int32)), []


def _from_arrow(files: Sequence[Path], image: str, label: str | None) -> _Table:
    """The table in Arrow files: the addresses of the bytes in a map of each file are their places in it."""
    table = _Table()
    for path in files:
        table.files.append(LocalFile.open(path))
        with _damage(path) as arrow, arrow.memory_map(str(path)) as file:
            whole = file.read_buffer()
            for batch in arrow.ipc.open_stream(whole):
                cells = batch.column(image)
                data = cells.field("bytes") if arrow.types.is_struct(cells.type) else cells
                offsets, values = data.buffers()[1:]
                width = "<i8" if arrow.types.is_large_binary(data.type) else "<i4"
                ends = np.frombuffer(offsets, width)[data.offset : data.offset + len(data) + 1].astype(np.int64)
                ends += (values.address if values is not None else whole.address) - whole.address
                if len(ends) and not (ends[0] >= 0 and (np.diff(ends) >= 0).all() and ends[-1] <= whole.size):
                    raise ValueError("its columns are compressed or damaged")
                missing = np.array(data.is_null()) | np.array(cells.is_null())
                table.add(ends[:-1], ends[1:], np.diff(ends), missing)
                table.values += batch.column(label).to_pylist() if label else []
    return table


def _from_parquet(files: Sequence[Path], image: str, label: str | None) -> _Table:
    table = _Table()
    for path in files:
        table.files.append(LocalFile.open(path))
        with _damage(path):
            _, parquet = require_parquet()
            opened = parquet.ParquetFile(path)
            if not 0 <= opened.metadata.num_rows <= path.stat().st_size:
                raise ValueError(f"it claims {opened.metadata.num_rows} rows")
            for number in range(opened.num_row_groups):
                group = opened.metadata.row_group(number)
                count, size = group.num_rows, sum(_sizes(group, image))
                if size > GROUP_BYTES:
                    raise ValueError(f"a group of rows has {size} bytes, and at most {GROUP_BYTES} are read at once")
                where = np.arange(count), np.full(count, number), np.full(count, size // max(count, 1))
                table.add(*where, np.zeros(count, bool))
            table.values += opened.read(columns=[label]).column(label).to_pylist() if label else []
    return table


def _sizes(group: Any, column: str) -> Iterator[int]:
    """The sizes of what a column is made of in a group of rows."""
    for each in map(group.column, range(group.num_columns)):
        if each.path_in_schema.split(".")[0] == column:
            yield each.total_uncompressed_size


@lru_cache(GROUPS_KEPT)
def _row_group(path: str, seen: Look, number: int, column: str) -> Any:
    """The images of a group of rows of a file that looked like this."""
    _, parquet = require_parquet()
    with _damage(Path(path)):
        return parquet.ParquetFile(path).read_row_group(number, columns=[column]).column(column).combine_chunks()
