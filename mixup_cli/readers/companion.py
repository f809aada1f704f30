"""A companion: a file of further columns for the rows of a data set, such as a teacher's logits for distillation.

It is one HDF5 file. `index`, int64 (n), has the numbers of its rows, ascending; each further data set (n, …) has one
value for each of them. The attribute `mixup_gen_companion` says to which data set it belongs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError, StorageError, UsageError
from mixup_cli.fields.field import COLUMNS
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.samples import PAIR, Part
from mixup_cli.storage.hdf5.layout import Column, lay_out
from mixup_cli.storage.hdf5.library import open_shard
from mixup_cli.storage.hdf5.plain_hdf5 import plain_numbers
from mixup_cli.storage.hdf5.shard import bytes_of, map_column
from mixup_cli.storage.seal import reason, sync_folder, unfinished_path
from mixup_cli.wording import counted

ATTRIBUTE = "mixup_gen_companion"
INDEX = "index"


def _identity(arrays: MixedArrays) -> dict[str, Any]:
    """What a companion says of its data set. Further passes add rows and change none of it."""
    manifest = arrays.manifest
    return {"format_version": 1, "recipe_id": manifest.recipe_id, "source": manifest.source.fingerprint}


def _check_name(arrays: MixedArrays, name: str) -> None:
    if name in {*COLUMNS, *PAIR, *(signal.name for signal in arrays.manifest.signals)}:
        raise UsageError(f"a companion cannot have the column {name!r}: samples have one.", "Choose another name.")
    if not name.isidentifier():
        raise UsageError(f"{name!r} cannot be the name of a column.", "Choose letters, digits and underscores.")


class Companion:
    """The companion of a data set. Its columns are mapped: opening it reads `index` alone.

    `parts` are its columns, by name. Raises NoInputError if the file is missing, DataError if it is not a companion or
    belongs to another data set, UsageError if the data set has a column of that name.
    """

    def __init__(self, path: str | Path, arrays: MixedArrays) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise NoInputError(f"{self.path}: no such file. Write it with mixup_cli.readers.companion.")
        with open_shard(self.path, f"{self.path}: not a readable companion") as file:
            _check_identity(self.path, file, arrays)
            names = sorted({*file} - {INDEX})
            count = next(iter(plain_numbers(file, INDEX, f"{self.path}: {INDEX}").shape), 0)
            self._index, *columns = (_mapped(self.path, file, name, count) for name in (INDEX, *names))
        if self._index.ndim != 1 or (self._index[1:] <= self._index[:-1]).any():
            raise DataError(f"{self.path}: its index does not ascend. Write it again.")
        for name in names:
            _check_name(arrays, name)
        self.parts = tuple(map(self._part, names, columns))

    def _part(self, name: str, values: NDArray[Any]) -> Part:
        return Part(name, values.dtype, values.shape[1:], lambda rows: values.take(self._places(rows), axis=0))

    def _places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where some rows stand in the file."""
        if missing := self.lacks(rows):
            raise IndexError(f"{self.path}: lacks {missing} of {counted(len(rows), 'row')}.")
        return self._index.searchsorted(rows)

    def check_rows(self, blocks: Iterable[NDArray[np.int64]]) -> None:
        """Raises UsageError if the file lacks rows that a reader shows."""
        shown, missing = np.sum([(0, 0), *((len(rows), self.lacks(rows)) for rows in blocks)], axis=0)
        if missing:
            found = f"{self.path} lacks {missing:,} of the {counted(shown, 'row')} that are shown."
            raise UsageError(found, "Write it again for all, or choose passes that it has.", field="companion")

    def lacks(self, rows: NDArray[np.int64]) -> int:
        """How many of some rows are not in the file."""
        places = np.minimum(self._index.searchsorted(rows), len(self._index) - 1)
        return int((self._index[places] != rows).sum())


def _check_identity(path: Path, file: h5py.File, arrays: MixedArrays) -> None:
    if ATTRIBUTE not in file.attrs:
        raise DataError(f"{path}: is not a companion. Write one with mixup_cli.readers.companion.")
    found, expected = json.loads(str(file.attrs[ATTRIBUTE])), _identity(arrays)
    for name, value in expected.items():
        if (theirs := dict(found).get(name)) != value:
            ids = f"its {name} is {str(theirs)[:12]}, and that of {arrays.folder} is {str(value)[:12]}"
            raise DataError(f"{path}: belongs to another data set: {ids}. Name its own, or write it again.")


def _mapped(path: Path, file: h5py.File, name: str, row_count: int) -> NDArray[Any]:
    where = f"{path}: {name}"
    stored = plain_numbers(file, name, where)
    if stored.shape[:1] != (row_count,):
        raise DataError(f"{where}: has the shape {stored.shape}, expected {counted(row_count, 'row')}. Write it again.")
    if stored.offset is None or stored.dtype.byteorder == ">":
        raise DataError(f"{where}: is not stored as one piece, little-endian. Write it again.")
    column = Column(name, stored.dtype.name, stored.shape[1:])
    if stored.offset + column.row_bytes * row_count > file.id.get_filesize():
        raise DataError(f"{where}: the file ends before it. Write it again.")
    return np.asarray(map_column(path, column, stored.offset, row_count))


class CompanionWriter:
    """Writes a companion of the data set in `folder`, as a context, in any number of blocks.

    `with CompanionWriter("mixed", "teacher.h5") as file: file.write(rows, logits=array)`

    `rows` are those that it is to have, by number (the column `index`); default: all. Memory holds a few bytes for each
    row. At the end of the context, the file moves to `path` and replaces an older one. If the block raises, nothing is
    left. Raises UsageError if rows are missing at the end, and StorageError.
    """

    def __init__(self, folder: str | Path, path: str | Path, rows: Iterable[int] | None = None) -> None:
        self._arrays = MixedArrays(folder)
        self._path = Path(path).absolute()
        self._unfinished = unfinished_path(self._path, self._path.parent)
        count = len(self._arrays)
        self._rows = np.arange(count) if rows is None else np.unique(np.fromiter(rows, np.int64))
        if not len(self._rows) or self._rows[0] < 0 or self._rows[-1] >= count:
            raise UsageError(f"are not rows of {self._arrays.folder}, which has {count}.", field="rows")
        self._is_missing = np.ones(len(self._rows), np.bool_)
        self._columns: tuple[Column, ...] = ()
        self._offsets: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def write(self, rows: Sequence[int] | NDArray[np.int64], **columns: Any) -> None:
        """Write what columns have for some rows, in any order: arrays (m, …), or tensors on the CPU. Numbers may be of
        any integer or float dtype, also NaN. Rows that were written before are replaced.

        The first call decides names, dtypes and shapes. Raises UsageError for others, and for rows that the companion
        is not to have.
        """
        wanted = np.asarray(rows, np.int64)
        places = np.minimum(self._rows.searchsorted(wanted), len(self._rows) - 1)
        if (outside := wanted[self._rows[places] != wanted]).size:
            raise UsageError(f"{self._path} is not to have row {outside[0]}.", "Name it when you open the writer.")
        values = {name: np.asarray(each) for name, each in columns.items()}
        self._check(values, len(wanted))
        with _storage_errors(self._path), self._unfinished.open("rb+") as file:
            order = places.argsort(kind="stable")
            for run in np.split(order, np.flatnonzero(np.diff(places[order]) != 1) + 1):
                for column in self._columns if len(run) else ():
                    file.seek(self._offsets[column.name] + int(places[run[0]]) * column.row_bytes)
                    file.write(bytes_of(values[column.name][run]))
        self._is_missing[places] = False

    def _check(self, values: Mapping[str, NDArray[Any]], row_count: int) -> None:
        found = tuple(Column(name, each.dtype.name, each.shape[1:]) for name, each in values.items())
        for name, each in values.items():
            if each.dtype.kind not in "iuf" or each.shape[:1] != (row_count,):
                has = f"{name} is {each.dtype} {each.shape}"
                raise UsageError(f"{has}, expected numbers for {counted(row_count, 'row')}: ({row_count}, …).")
        if not self._columns:
            self._begin(found)
        elif sorted(found, key=str) != sorted(self._columns, key=str):
            before, now = (", ".join(f"{c.name} {c.dtype} {c.shape}" for c in each) for each in (self._columns, found))
            raise UsageError(f"{self._path} has rows of {before}, and these are {now}.")

    def _begin(self, columns: tuple[Column, ...]) -> None:
        """Create the file, with room for all rows."""
        if not columns:
            raise UsageError("no column is given.", "Pass some by name: write(rows, logits=array).")
        for column in columns:
            _check_name(self._arrays, column.name)
        stored, count = (Column(INDEX, "int64", ()), *columns), len(self._rows)
        with _storage_errors(self._path):
            spans = lay_out(stored, count, {ATTRIBUTE: _identity(self._arrays)}, self._unfinished)
            with self._unfinished.open("xb") as file:
                for span in spans:
                    file.seek(span.offset)
                    file.write(span.literal if span.column is None else b"")
                file.truncate(
                    max(span.offset + (span.column.row_bytes * count if span.column else 0) for span in spans)
                )
        self._columns = columns
        self._offsets = {span.column.name: span.offset for span in spans if span.column}

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._seal()
        finally:
            self._unfinished.unlink(missing_ok=True)

    def _seal(self) -> None:
        if missing := int(self._is_missing.sum()):
            found = f"{self._path}: lacks {missing} of {counted(len(self._rows), 'row')} (first: "
            found += f"{', '.join(map(str, self._rows[self._is_missing][:5]))}), and was not written."
            raise UsageError(found, "Write them too, or name the rows that it is to have.")
        with _storage_errors(self._path):
            with self._unfinished.open("rb+") as file:
                file.seek(self._offsets[INDEX])
                file.write(bytes_of(self._rows))
                file.flush()
                os.fsync(file.fileno())
            self._unfinished.replace(self._path)
            sync_folder(self._path.parent)


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise StorageError(f"{path}: {reason(problem)}.", "Fix that, and write the companion again.") from problem
    except StorageError as problem:  # with advice for shards
        raise StorageError(problem.found, "Fix that, and write the companion again.") from problem
