"""Which class reads a column of a data set, and the one that decodes pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mixup_cli.storage.hdf5.encoded import EncodedRows, encoded_rows
from mixup_cli.storage.hdf5.reading import ShardedColumn, existing, undisturbed
from mixup_cli.storage.opened import OpenedDataSet


def column_of(opened: OpenedDataSet, name: str, *, mapped: bool = True) -> ShardedColumn:
    """What reads the column `name`: see `ShardedColumn`, whatever its rows are made of."""
    is_encoded = any(column.encoding for column in opened.manifest.columns if column.name == name)
    return (EncodedColumn if is_encoded else ShardedColumn)(opened, name, mapped=mapped)


class EncodedColumn(ShardedColumn):
    """A column whose rows are encoded pictures. They are decoded when they are read; `shape` and `dtype` are those of
    decoded rows."""

    def __init__(self, opened: OpenedDataSet, name: str, *, mapped: bool = True) -> None:
        super().__init__(opened, name, mapped=mapped)
        self._row_by_row = self.is_mapped
        if (codec := self._column.codec) is None:
            raise ValueError(f"{name} is not encoded")
        self._codec = codec
        self.encoding = codec.image_format

    def encoded(self, rows: Sequence[int] | NDArray[np.int64]) -> list[bytes]:
        """The stored bytes of some rows: a file of the format `encoding` each. Raises IndexError as `take` does."""
        places = self._places(existing(rows, len(self), self._column.name))
        return [self._map(number).encoded(place) for number, place in places]

    def _read(self, number: int, rows: slice | NDArray[np.int64]) -> NDArray[Any]:
        path = self._opened.path(number)

        def read(file: BinaryIO, offset: int) -> NDArray[Any]:
            return encoded_rows(file, self._column, offset, self._rows_in(number), self._where(path))[rows]

        return undisturbed(lambda: self._in_shard(number, path, read))

    def _mapped(self, number: int) -> EncodedRows:
        path = self._opened.path(number)

        def map_(file: BinaryIO, offset: int) -> EncodedRows:
            mapped = np.asarray(np.memmap(file, np.uint8, "r"))

            def stored(begin: int, count: int) -> bytes:
                return mapped[begin : begin + count].tobytes()

            return EncodedRows(stored, offset, self._rows_in(number), self._codec, self._where(path))

        return self._in_shard(number, path, map_)

    def _where(self, path: Path) -> str:
        return f"{path}: {self._column.name}"
