"""Rows of chunked data sets are what HDF5 gives, and no chunk takes more memory than its size."""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.storage.hdf5.plain_hdf5 import plain_data_set, plain_numbers

FILTERS: list[dict[str, Any]] = [
    {},
    {"compression": "gzip"},
    {"compression": "gzip", "shuffle": True},
    {"shuffle": True},
]
CHUNKS = [(7, 5, 4), (1, 9, 6), (40, 9, 6)]
VALUES = np.random.default_rng(5).integers(0, 5, (40, 9, 6))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[h5py.File]:
    with h5py.File(tmp_path / "x.h5", "w") as opened:
        yield opened


@pytest.mark.parametrize("dtype", ["u1", ">i4", "<f8", "f2", "?", "S3"])
@pytest.mark.parametrize(("filters", "chunks"), [*product(FILTERS, CHUNKS)])
def test_rows_are_what_hdf5_gives(
    file: h5py.File, filters: dict[str, Any], chunks: tuple[int, ...], dtype: str
) -> None:
    values = VALUES.astype(dtype)
    file.create_dataset("x", data=values, chunks=chunks, **filters)
    found = plain_data_set(file, "x", "x")
    assert (found.shape, found.dtype) == (values.shape, values.dtype)
    for rows in (slice(None), slice(3, 9), slice(7, 7), slice(38, 99)):
        assert np.array_equal(found[rows], values[rows])
    for some in ([0], [1, 2, 6, 7, 8, 39], []):
        assert np.array_equal(found[np.array(some, np.int64)], values[some])


def of_type(file: h5py.File, kind: h5py.h5t.TypeID, values: NDArray[Any]) -> h5py.Dataset:
    """A compressed data set of a type that h5py itself would not choose."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((4,))
    properties.set_deflate(4)
    stored = h5py.Dataset(h5py.h5d.create(file.id, b"x", kind, h5py.h5s.create_simple((len(values),)), properties))
    stored[...] = values
    return stored


def test_types_that_numpy_stores_otherwise_are_converted(file: h5py.File) -> None:
    short = h5py.h5t.STD_I32LE.copy()
    short.set_precision(24)
    numbers = of_type(file, short, np.arange(-5, 5) * 70_000)
    assert np.array_equal(plain_data_set(file, "x", "x")[:], numbers[:])
    del file["x"]
    padded = h5py.h5t.C_S1.copy()
    padded.set_size(5)
    padded.set_strpad(h5py.h5t.STR_SPACEPAD)
    texts = of_type(file, padded, np.array([b"ab", b"c", b"defgh"] * 3))
    assert plain_data_set(file, "x", "x")[:].tolist() == texts[:].tolist() == [b"ab", b"c", b"defgh"] * 3


def test_what_was_never_written_is_the_fill_value(file: h5py.File) -> None:
    stored = file.create_dataset("x", (40, 6), "i4", chunks=(10, 3), compression="gzip", fillvalue=7)
    stored[15:20] = 3
    assert np.array_equal(plain_data_set(file, "x", "x")[:], stored[:])
    with pytest.raises(DataError, match="x: has chunks that were never written"):
        plain_numbers(file, "x", "x")


def test_a_row_of_millions_of_chunks_that_are_not_there(file: h5py.File) -> None:
    """Those are not gone over: a few bytes claim any number of them."""
    stored = file.create_dataset("x", (3, 1 << 40), "u1", chunks=(1, 1), compression="gzip")
    stored[1, 5] = 3
    assert [*plain_data_set(file, "x", "x")._rows._across(1)] == [((1, 5), [slice(5, 6)], [slice(0, 1)])]


def test_a_chunk_that_no_filter_was_applied_to(tmp_path: Path) -> None:
    """HDF5 leaves a filter out where it does not help, and says so beside the chunk."""
    with h5py.File(tmp_path / "x.h5", "w") as file:
        stored = file.create_dataset("x", (4,), "u1", chunks=(4,), compression="gzip")
        stored.id.write_direct_chunk((0,), b"\1\2\3\4", filter_mask=1)
    with h5py.File(tmp_path / "x.h5") as file:
        assert plain_data_set(file, "x", "x")[:].tolist() == [1, 2, 3, 4]


def deflated(zeros: int) -> bytes:
    engine = zlib.compressobj()
    return (
        b"".join(engine.compress(bytes(min(1 << 20, zeros - start))) for start in range(0, zeros, 1 << 20))
        + engine.flush()
    )


@pytest.mark.parametrize("filters", FILTERS[1:3])
def test_a_chunk_that_holds_more_than_its_size(file: h5py.File, filters: dict[str, Any]) -> None:
    """HDF5 itself would take 4 MiB for these sixteen bytes."""
    stored = file.create_dataset("x", (16,), "u1", chunks=(16,), **filters)
    bomb = deflated(8 << 20)[:4000]  # cut, so that it is not longer than a chunk may be
    stored.id.write_direct_chunk((0,), bomb)
    found = plain_data_set(file, "x", "x")
    tracemalloc.start()
    try:
        with pytest.raises(OSError, match=r"the chunk at \(0,\) holds more than its 16 bytes"):
            found[:]
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (deflated(15), "holds 15 bytes, expected 16"),
        (deflated(16)[:-5], "cannot be inflated (it is cut short)"),
        (b"nonsense", "cannot be inflated (Error -3"),
        (deflated(16)[:-1] + b"\0", "cannot be inflated (Error -3 while decompressing data: incorrect data check)"),
    ],
)
def test_a_damaged_chunk(file: h5py.File, content: bytes, told: str) -> None:
    stored = file.create_dataset("x", (16,), "u1", chunks=(16,), compression="gzip")
    stored.id.write_direct_chunk((0,), content)
    with pytest.raises(OSError, match="the chunk at") as caught:
        plain_data_set(file, "x", "x")[:]
    assert told in str(caught.value)


def test_zstd_frames_are_bounded_by_what_they_tell_and_by_what_they_hold(file: h5py.File) -> None:
    pytest.importorskip("hdf5plugin")
    import zstandard

    whole = zstandard.ZstdCompressor(write_content_size=True)
    untold = zstandard.ZstdCompressor(write_content_size=False)
    for name, frame in (("told", whole.compress(bytes(64 << 20))), ("untold", untold.compress(bytes(64 << 20)))):
        stored = file.create_dataset(name, (16,), "u1", chunks=(16,), compression=32015)
        stored.id.write_direct_chunk((0,), frame)
        with pytest.raises(OSError, match="the chunk at"):
            plain_data_set(file, name, name)[:]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"scaleoffset": True}, "x: has the HDF5 filters 6, which mixup-gen does not read"),
        ({"compression": "lzf"}, "x: has the HDF5 filters 32000, which"),
        ({"compression": "gzip", "fletcher32": True}, "x: has the HDF5 filters 1, 3, which"),
        ({"chunks": (1 << 30,), "compression": "gzip"}, "x: has chunks of 1073741824 bytes"),
    ],
)
def test_what_cannot_be_bounded_is_refused(file: h5py.File, options: dict[str, Any], told: str) -> None:
    file.create_dataset("x", (1 << 30,), "u1", **{"chunks": True, **options})
    with pytest.raises(DataError) as caught:
        plain_data_set(file, "x", "x")
    assert str(caught.value).startswith(told)
    assert "h5repack" in str(caught.value)


def test_a_chunk_that_is_stored_in_far_more_bytes_than_it_holds(file: h5py.File) -> None:
    stored = file.create_dataset("x", (16,), "u1", chunks=(16,), compression="gzip")
    stored.id.write_direct_chunk((0,), bytes(5000))
    with pytest.raises(DataError, match="x: has a chunk that is stored in 5000 bytes and holds 16"):
        plain_data_set(file, "x", "x")
