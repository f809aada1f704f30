"""What every shard writer must do. A test class inherits `WriterContract` and says which compression it is for."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
import pytest

from mixup_cli.storage.hdf5.layout import Column
from mixup_cli.storage.hdf5.shard import Array, ShardSpec, Values, Written, require_filter, writer_for

IMAGES = Column("images", "uint8", (5, 7, 3))
COLUMNS = (IMAGES, Column("share", "float32", (2,)), Column("index", "int64", ()), Column("wide", "uint16", (300_001,)))
"""One row of the last column is larger than half a chunk."""

ATTRIBUTES = {"format_version": 1, "recipe": {"seed": 3}, "class_names": ["Äpfel", 'a "b" \\ c']}


def contents(row_count: int) -> dict[str, Array]:
    """Values for every column, the same for the same row count."""
    rng = np.random.default_rng(row_count)
    return {column.name: (rng.random((row_count, *column.shape)) * 200).astype(column.dtype) for column in COLUMNS}


def in_blocks(arrays: dict[str, Array], block_rows: int) -> Values:
    """The columns' values, some rows at a time."""

    def values(column: Column) -> Iterator[Array]:
        array = arrays[column.name]
        for start in range(0, len(array), block_rows):
            yield array[start : start + block_rows]

    return values


class WriterContract:
    """Inherit it, and set `compression`."""

    compression: ClassVar[str]

    def write(self, folder: Path, values: Values, row_count: int) -> Written:
        work = folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        require_filter(self.compression)
        writer = writer_for(ShardSpec(COLUMNS, ATTRIBUTES, self.compression), work)
        writer.prepare([row_count])
        return writer.write(folder / "shard.h5", row_count, values)

    @pytest.mark.parametrize("row_count", [1, 2, 6])
    def test_h5py_reads_what_was_written(self, tmp_path: Path, row_count: int) -> None:
        arrays = contents(row_count)
        self.write(tmp_path, in_blocks(arrays, 2), row_count)
        with h5py.File(tmp_path / "shard.h5") as file:
            assert sorted(file) == sorted(arrays)
            for name, array in arrays.items():
                assert file[name].dtype == array.dtype
                np.testing.assert_array_equal(file[name][()], array)

    @pytest.mark.parametrize("block_rows", [1, 3, 4])
    def test_blocks_may_end_anywhere(self, tmp_path: Path, block_rows: int) -> None:
        arrays = contents(5)
        whole = self.write(tmp_path / "whole", in_blocks(arrays, 5), 5)
        assert self.write(tmp_path / "blocks", in_blocks(arrays, block_rows), 5) == whole

    def test_blocks_may_be_views_of_any_order_and_endianness(self, tmp_path: Path) -> None:
        arrays = contents(4)
        foreign: dict[str, Array] = {
            name: np.asfortranarray(array).astype(array.dtype.newbyteorder(">")) for name, array in arrays.items()
        }
        assert self.write(tmp_path / "b", in_blocks(foreign, 3), 4) == self.write(
            tmp_path / "a", in_blocks(arrays, 3), 4
        )

    def test_a_buffer_may_be_used_again_for_the_next_block(self, tmp_path: Path) -> None:
        arrays = contents(5)

        def values(column: Column) -> Iterator[Array]:
            buffer = np.empty((1, *column.shape), column.dtype)
            for row in arrays[column.name]:
                buffer[0] = row
                yield buffer

        assert self.write(tmp_path / "b", values, 5) == self.write(tmp_path / "a", in_blocks(arrays, 5), 5)

    def test_equal_content_gives_equal_bytes(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            self.write(tmp_path / name, in_blocks(contents(6), 4), 6)
        assert (tmp_path / "a" / "shard.h5").read_bytes() == (tmp_path / "b" / "shard.h5").read_bytes()

    def test_size_and_hash_are_those_of_the_file(self, tmp_path: Path) -> None:
        written = self.write(tmp_path, in_blocks(contents(3), 2), 3)
        data = (tmp_path / "shard.h5").read_bytes()
        assert (written.file.file_bytes, written.file.sha256) == (len(data), hashlib.sha256(data).hexdigest())

    def test_every_column_is_reported(self, tmp_path: Path) -> None:
        assert set(self.write(tmp_path, in_blocks(contents(3), 2), 3).columns) == {c.name for c in COLUMNS}

    def test_attributes_are_utf8_json_and_name_no_column(self, tmp_path: Path) -> None:
        self.write(tmp_path, in_blocks(contents(1), 1), 1)
        with h5py.File(tmp_path / "shard.h5") as file:
            assert {name: json.loads(text) for name, text in file.attrs.items()} == ATTRIBUTES
            kinds = [h5py.check_string_dtype(file.attrs.get_id(name).dtype) for name in file.attrs]
        assert [(kind.encoding, kind.length) for kind in kinds] == [("utf-8", None)] * 3

    def test_numbers_are_little_endian(self, tmp_path: Path) -> None:
        self.write(tmp_path, in_blocks(contents(1), 1), 1)
        with h5py.File(tmp_path / "shard.h5") as file:
            stored = {name: file[name].id.get_type().get_order() for name in ("share", "index", "wide")}
        assert set(stored.values()) == {h5py.h5t.ORDER_LE}

    def test_each_column_is_asked_for_once(self, tmp_path: Path) -> None:
        asked: list[str] = []
        values = in_blocks(contents(2), 1)
        self.write(tmp_path, noting(asked, values), 2)
        assert sorted(asked) == sorted(column.name for column in COLUMNS)

    def test_a_failure_leaves_no_file(self, tmp_path: Path) -> None:
        def values(column: Column) -> Iterator[Array]:
            yield contents(2)[column.name][:1]
            raise RuntimeError("the kernel broke")

        with pytest.raises(RuntimeError, match="broke"):
            self.write(tmp_path, values, 2)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def noting(asked: list[str], values: Values) -> Callable[[Column], Any]:
    """The same values; the columns' names are noted as they are asked for."""

    def noted(column: Column) -> Any:
        asked.append(column.name)
        return values(column)

    return noted
