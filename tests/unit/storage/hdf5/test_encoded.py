"""Encoded rows in a shard: HDF5 reads what we lay out by hand, and damage is one error with the file and the row."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mixup_cli.errors import DataError
from mixup_cli.fields.encoding import MODES, PictureCodec, Unreadable, problem_of
from mixup_cli.image_format import ImageFormat
from mixup_cli.storage.hdf5.encoded import COLLECTION_BYTES, EncodedRows, encoded_rows, heap_of, with_end
from mixup_cli.storage.hdf5.global_heap import REFERENCE
from mixup_cli.storage.hdf5.layout import Column
from mixup_cli.storage.hdf5.shard import ShardSpec, Values, writer_for
from mixup_cli.storage.manifest_records import REFERENCE_BYTES

PNG = Column("images", "uint8", (6, 5, 3), ImageFormat("png"))
INDEX = Column("index", "int64", ())
ROWS = 9


def noise(column: Column, count: int = ROWS) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(3).integers(0, 256, (count, *column.shape), np.uint8)


def write(folder: Path, column: Column = PNG, count: int = ROWS, block_rows: int = 4) -> tuple[Path, int]:
    """A shard of noise, and where its references begin."""
    images = noise(column, count)

    def values(asked: Column) -> Any:
        array = np.arange(count) if asked == INDEX else images
        return (array[start : start + block_rows] for start in range(0, count, block_rows))

    given: Values = values
    writer = writer_for(ShardSpec((column, INDEX), {"format_version": 1}), folder)
    writer.prepare([count])
    written = writer.write(folder / "shard.h5", count, given)
    return folder / "shard.h5", written.columns["images"]["offset"]


@pytest.mark.parametrize("shape", [(6, 5, 3), (6, 5, 4), (6, 5, 1), (6, 5), (150, 140, 3)])
@pytest.mark.parametrize("count", [1, 40])
def test_h5py_reads_the_encoded_bytes(tmp_path: Path, shape: tuple[int, ...], count: int) -> None:
    """Of small images, which share a collection, and of some that are larger than one."""
    column = Column("images", "uint8", shape, ImageFormat("png"))
    path, offset = write(tmp_path, column, count)
    with h5py.File(path) as file, path.open("rb") as opened:
        assert (file["images"].shape, h5py.check_vlen_dtype(file["images"].dtype)) == ((count,), np.uint8)
        assert file["images"].id.get_offset() == offset
        assert file["index"][:].tolist() == [*range(count)]
        rows = encoded_rows(opened, column, offset, count, "images")
        for row, image in enumerate(noise(column, count)):
            data = file["images"][row].tobytes()
            assert rows.encoded(row) == data
            np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(data))).reshape(shape), image)
            np.testing.assert_array_equal(rows[row], image)


def test_equal_rows_give_equal_bytes_however_they_come(tmp_path: Path) -> None:
    made = []
    for block_rows in (1, 4, ROWS):
        (tmp_path / str(block_rows)).mkdir()
        made.append(write(tmp_path / str(block_rows), block_rows=block_rows)[0].read_bytes())
    assert made[1:] == made[:1] * 2


@given(st.lists(st.integers(1, 3 * COLLECTION_BYTES // 2), min_size=1, max_size=40), st.integers(0, 99))
def test_references_alone_say_where_rows_lie(lengths: list[int], eighths: int) -> None:
    start = 8 * eighths
    rows = [bytes([1 + number % 255]) * length for number, length in enumerate(lengths)]
    references, size, pieces = heap_of(rows, start)
    file = bytes(start) + b"".join(pieces) + references.tobytes()
    assert len(file) == start + size + references.nbytes
    found = EncodedRows(
        lambda at, count: file[at : at + count], start + size, len(rows), PictureCodec(ImageFormat(), (1, 1)), "x"
    )
    assert [found.encoded(row) for row in range(len(rows))] == rows


def test_the_manifest_knows_the_size_of_a_reference() -> None:
    assert REFERENCE.itemsize == REFERENCE_BYTES


def test_another_superblock_is_a_bug() -> None:
    with pytest.raises(ValueError, match="version 2"):
        with_end(b"\x89HDF\r\n\x1a\n\2" + bytes(99), 1)


def change_reference(name: str, value: int) -> Callable[[Path, int], None]:
    def change(path: Path, offset: int) -> None:
        references = np.memmap(path, REFERENCE, "r+", offset, (ROWS,))
        references[name][4] = value

    return change


def change_image(data: Callable[[bytes], bytes]) -> Callable[[Path, int], None]:
    """Puts other bytes in the place of row 4, and as many."""

    def change(path: Path, offset: int) -> None:
        with path.open("rb") as opened:
            rows = encoded_rows(opened, PNG, offset, ROWS, "images")
            before, place = rows.encoded(4), int(rows._offsets[4]) + 16
        with path.open("r+b") as opened:
            opened.seek(place)
            opened.write(data(before)[: len(before)].ljust(len(before), b"\0"))

    return change


def file_of(shape: tuple[int, ...], encoding: str) -> Callable[[bytes], bytes]:
    def made(_: bytes) -> bytes:
        written = io.BytesIO()
        Image.fromarray(np.zeros(shape, np.uint8)).save(written, encoding)
        return written.getvalue()

    return made


def larger_than_it_is(data: bytes) -> bytes:
    """A PNG whose head says 60,000 × 60,000 pixels."""
    head = b"IHDR" + struct.pack(">II", 60_000, 60_000) + data[24:29]
    return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]


DAMAGE: dict[str, Callable[[Path, int], None]] = {
    "a length beyond the file": change_reference("length", 2**32 - 1),
    "another length": change_reference("length", 3),
    "an address beyond the file": change_reference("address", 2**63),
    "an address of 2**64 - 1": change_reference("address", 2**64 - 1),
    "another number": change_reference("number", 70_000),
    "zeros": change_image(lambda _: b""),
    "the middle is zeros": change_image(lambda data: data[:70]),
    "another format": change_image(file_of((1, 1), "gif")),
    "another size": change_image(larger_than_it_is),
    "other channels": change_image(file_of((6, 5), "png")),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_one_error_that_names_the_row(tmp_path: Path, name: str) -> None:
    path, offset = write(tmp_path)
    DAMAGE[name](path, offset)
    with path.open("rb") as opened:
        rows = encoded_rows(opened, PNG, offset, ROWS, f"{path}: images")
        with pytest.raises(DataError, match=r"shard\.h5: images: row 4 of the shard .* Run mixup-gen verify\."):
            rows[4]
        np.testing.assert_array_equal(rows[3], noise(PNG)[3])


def test_a_file_that_ends_before_its_references(tmp_path: Path) -> None:
    path, offset = write(tmp_path)
    with path.open("rb") as opened, pytest.raises(DataError, match="ends before its 1152921504606846976 references"):
        encoded_rows(opened, PNG, offset, 1 << 60, "images")


def test_a_progressive_jpeg_is_refused() -> None:
    """It can hold any number of scans, each of which takes as long as the image."""
    written = io.BytesIO()
    Image.fromarray(noise(PNG)[0]).save(written, "jpeg", progressive=True)
    with pytest.raises(Unreadable, match="progressive"):
        PictureCodec(ImageFormat("jpeg", 90), (6, 5, 3)).check(written.getvalue())


@pytest.mark.parametrize("text", ["png", "jpeg:90", "webp:80"])
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=9), st.integers(0, 10_000))
def test_whatever_the_bytes_are_an_image_or_one_error(text: str, changes: list[tuple[int, int]], kept: int) -> None:
    codec, out = PictureCodec(ImageFormat.parse(text), (24, 31, 3)), np.empty((24, 31, 3), np.uint8)
    ramp = np.linspace(0, 255, 24 * 31 * 3).astype(np.uint8).reshape(1, 24, 31, 3)
    data = bytearray(codec.encode(ramp)[0])
    for place, value in changes:
        data[place % len(data)] = value
    with suppress(Unreadable):
        codec.decode(bytes(data[: max(1, kept % (2 * len(data)))]), out)


@pytest.mark.parametrize("text", ["png", "jpeg:1", "jpeg:90", "jpeg:100", "webp:1", "webp:80", "webp:100"])
@pytest.mark.parametrize("channels", MODES)
def test_what_an_encoding_holds_comes_back(text: str, channels: int) -> None:
    codec = PictureCodec(ImageFormat.parse(text), (24, 31, channels))
    if problem_of(codec.shape, codec.image_format):
        pytest.skip("not held")
    ramp = np.linspace(0, 255, 24 * 31 * channels).astype(np.uint8).reshape(1, *codec.shape)
    out = np.empty(codec.shape, np.uint8)
    (data,) = codec.encode(ramp)
    codec.check(data)
    codec.decode(data, out)
    off = np.abs(out.astype(int) - ramp[0]).mean()
    assert off == 0 if text == "png" else off < (3 if int(text.partition(":")[2]) >= 80 else 40)
