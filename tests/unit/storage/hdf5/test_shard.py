"""Shards: what other programs find in them, with and without compression."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from mixup_cli.errors import DataError
from mixup_cli.storage.hdf5.layout import Column
from mixup_cli.storage.hdf5.shard import (
    CHUNK_BYTES,
    Array,
    ShardSpec,
    Written,
    map_column,
    read_column,
    writer_for,
)
from tests.contracts.writer_contract import in_blocks
from tests.tools import require

COLUMNS = (Column("images", "uint8", (3, 4)), Column("share", "float32", (2,)), Column("index", "int64", ()))
ARRAYS: dict[str, Array] = {
    "images": np.arange(84, dtype=np.uint8).reshape(7, 3, 4),
    "share": np.linspace(0, 1, 14, dtype=np.float32).reshape(7, 2),
    "index": np.arange(7) + 2**40,
}


def seven(_size: int, _found: int) -> int:
    """How many rows there are, whatever the file is like."""
    return 7


def write(path: Path, compression: str, columns: tuple[Column, ...] = COLUMNS, **arrays: Array) -> Written:
    arrays = arrays or ARRAYS
    row_count = len(next(iter(arrays.values())))
    writer = writer_for(ShardSpec(columns, {"format_version": 1}, compression), path.parent)
    writer.prepare([row_count])
    return writer.write(path, row_count, in_blocks(arrays, 3))


@pytest.fixture
def plain(tmp_path: Path) -> tuple[Path, Written]:
    return tmp_path / "plain.h5", write(tmp_path / "plain.h5", "none")


def test_numpy_maps_columns_at_the_reported_offsets(plain: tuple[Path, Written]) -> None:
    path, written = plain
    for column in COLUMNS:
        offset = written.columns[column.name]["offset"]
        shape = (7, *column.shape)
        raw = np.memmap(path, np.dtype(column.dtype).newbyteorder("<"), "r", offset, shape)
        np.testing.assert_array_equal(raw, ARRAYS[column.name])
        np.testing.assert_array_equal(map_column(path, column, offset, 7), ARRAYS[column.name])


def test_reported_offsets_are_hdf5s_own(plain: tuple[Path, Written]) -> None:
    path, written = plain
    with h5py.File(path) as file:
        assert {name: file[name].id.get_offset() for name in file} == {
            name: stored["offset"] for name, stored in written.columns.items()
        }


def test_plain_columns_are_contiguous_and_unfiltered(plain: tuple[Path, Written]) -> None:
    with h5py.File(plain[0]) as file:
        assert [(file[name].chunks, file[name].compression) for name in file] == [(None, None)] * 3


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_h5dump_reads_the_same_numbers(tmp_path: Path, compression: str) -> None:
    require("h5dump", package="hdf5-tools")
    write(tmp_path / "x.h5", compression)
    dumped = subprocess.run(
        ["h5dump", "-d", "/index", "-y", "-w", "0", tmp_path / "x.h5"], capture_output=True, text=True, check=True
    )
    numbers = dumped.stdout.split("DATA {")[1].split("}")[0]
    assert [int(word) for word in numbers.split(",")] == ARRAYS["index"].tolist()


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_content_hash_is_that_of_the_uncompressed_column(tmp_path: Path, compression: str) -> None:
    written = write(tmp_path / "x.h5", compression)
    for name, array in ARRAYS.items():
        assert written.columns[name] == {"content_sha256": hashlib.sha256(array.tobytes()).hexdigest()}


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_read_columns_reads_ranges(tmp_path: Path, compression: str) -> None:
    write(tmp_path / "x.h5", compression)
    for column in COLUMNS:
        found = read_column(tmp_path / "x.h5", column, seven, slice(2, 5))
        np.testing.assert_array_equal(found, ARRAYS[column.name][2:5])


@pytest.mark.parametrize(
    ("row_bytes", "chunk_rows"),
    [(CHUNK_BYTES // 2, 2), (CHUNK_BYTES // 2 + 1, 1), (CHUNK_BYTES + 1, 1), (CHUNK_BYTES // 4, 4), (1, 5)],
)
def test_chunks_are_whole_rows_up_to_a_mebibyte(tmp_path: Path, row_bytes: int, chunk_rows: int) -> None:
    column = Column("images", "uint8", (row_bytes,))
    pixels = np.random.default_rng(0).integers(0, 256, (5, row_bytes), np.uint8)
    write(tmp_path / "x.h5", "gzip", (column,), images=pixels)
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["images"].chunks == (chunk_rows, row_bytes)
        np.testing.assert_array_equal(file["images"][()], pixels)


def test_filters_and_levels_are_those_of_the_format(tmp_path: Path) -> None:
    filters = {}
    for compression in ("gzip", "zstd"):
        write(tmp_path / f"{compression}.h5", compression)
        with h5py.File(tmp_path / f"{compression}.h5") as file:
            properties = file["images"].id.get_create_plist()
            filters[compression] = [properties.get_filter(n)[::2] for n in range(properties.get_nfilters())]
    assert filters == {"gzip": [(h5py.h5z.FILTER_DEFLATE, (6,))], "zstd": [(32015, (3,))]}


def test_no_times_are_stored(plain: tuple[Path, Written]) -> None:
    with h5py.File(plain[0]) as file:
        assert [h5py.h5o.get_info(file[name].id).mtime for name in file] == [0, 0, 0]


def test_attributes_are_scalar(plain: tuple[Path, Written]) -> None:
    with h5py.File(plain[0]) as file:
        assert file.attrs.get_id("format_version").shape == ()
        assert json.loads(file.attrs["format_version"]) == 1


def test_a_file_that_is_no_shard_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_bytes(b"no HDF5")
    with pytest.raises(DataError, match=r"x\.h5: not a readable shard"):
        read_column(tmp_path / "x.h5", COLUMNS[0], seven)


def test_a_missing_column_is_told(plain: tuple[Path, Written]) -> None:
    with pytest.raises(DataError, match="labels"):
        read_column(plain[0], Column("labels", "float32", (3,)), seven)


LEADING_OUT: dict[str, Callable[[h5py.File], object]] = {
    "ExternalLink": lambda file: file.__setitem__("images", h5py.ExternalLink("secret.h5", "/images")),
    "SoftLink": lambda file: file.__setitem__("images", h5py.SoftLink("/share")),
    "stored in other files": lambda file: file.create_dataset(
        "images", (7, 3, 4), "uint8", external=[("secret.h5", 0, 84)]
    ),
    "a virtual data set": lambda file: file.create_virtual_dataset("images", secret_layout()),
    "a group": lambda file: file.create_group("images"),
}


def secret_layout() -> h5py.VirtualLayout:
    layout = h5py.VirtualLayout((7, 3, 4), "uint8")
    layout[:] = h5py.VirtualSource("secret.h5", "images", (7, 3, 4))
    return layout


@pytest.mark.parametrize("kind", LEADING_OUT)
def test_nothing_outside_the_shard_is_read(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "secret.h5", "none")
    write(tmp_path / "x.h5", "none")
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        del file["images"]
        LEADING_OUT[kind](file)
    with pytest.raises(DataError, match=rf"x\.h5: images: is .*{kind}"):
        read_column(tmp_path / "x.h5", Column("images", "uint8", (3, 4)), seven)
