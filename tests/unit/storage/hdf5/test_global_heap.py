"""Texts of any length are what HDF5 gives; damage is told, takes no time, and no memory."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.storage.hdf5.global_heap import REFERENCE
from mixup_cli.storage.hdf5.plain_hdf5 import plain_data_set

TEXTS = ["cat", "", "a dog of more than eight letters", "ä\N{SNOWMAN}", *map(str, range(3000))]
KINDS: list[dict[str, Any]] = [
    {},
    {"chunks": (7,)},
    {"chunks": (100,), "compression": "gzip"},
    {"chunks": (100,), "compression": "gzip", "shuffle": True},
]


def written(path: Path, values: list[str], userblock: int = 0, **options: Any) -> Path:
    with h5py.File(path, "w", userblock_size=userblock) as file:
        file.create_dataset("x", data=values, dtype=h5py.string_dtype(), **options)
    return path


def texts(path: Path, rows: Any = slice(None)) -> list[bytes]:
    with h5py.File(path) as file:
        found: list[bytes] = plain_data_set(file, "x", "x")[rows].tolist()
        return found


@pytest.mark.parametrize("userblock", [0, 512])
@pytest.mark.parametrize("options", KINDS)
def test_texts_are_what_hdf5_gives(options: dict[str, Any], userblock: int, tmp_path: Path) -> None:
    path = written(tmp_path / "x.h5", TEXTS, userblock, **options)
    with h5py.File(path) as file:
        expected = file["x"][:].tolist()
    assert texts(path) == expected == [text.encode() for text in TEXTS]
    assert texts(path, np.array([0, 2, 99, 2999])) == [expected[row] for row in (0, 2, 99, 2999)]


def test_texts_that_were_never_written_are_empty(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", (9,), h5py.string_dtype(), chunks=(3,))[4] = "x"
    assert texts(tmp_path / "x.h5") == [b"", b"", b"", b"", b"x", b"", b"", b"", b""]


def test_one_text_for_many_rows_is_there_once(tmp_path: Path) -> None:
    """HDF5 makes a copy for each: four gigabytes."""
    path = written(tmp_path / "x.h5", ["x" * (1 << 20), *["y"] * 4095])
    change(path, lambda references: np.full_like(references, references[0]))
    with h5py.File(path) as file:
        found = plain_data_set(file, "x", "x")
        tracemalloc.start()
        try:
            assert len(found[:]) == 4096
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()


def change(path: Path, edit: Any) -> None:
    """Edit what the data set of a file holds, references."""
    with h5py.File(path) as file:
        offset, shape = file["x"].id.get_offset(), file["x"].shape
    stored: NDArray[Any] = np.memmap(path, REFERENCE, "r+", offset, shape)
    stored[...] = edit(stored.copy())


def elsewhere(field: str, value: int) -> Any:
    def edit(references: NDArray[Any]) -> NDArray[Any]:
        references[field][1] = value
        return references

    return edit


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("address", 1 << 63, "no collection at"),
        ("address", 96, "no collection at 96"),
        ("number", 77777, "no text of 2 bytes"),
        ("length", 3, "no text of 3 bytes"),
        ("length", (1 << 32) - 1, "no text of 4294967295 bytes"),
    ],
)
def test_references_that_lead_nowhere(field: str, value: int, told: str, tmp_path: Path) -> None:
    path = written(tmp_path / "x.h5", ["aa", "bb", "cc"])
    change(path, elsewhere(field, value))
    with pytest.raises(OSError, match=told):
        texts(path)


def test_any_byte_of_a_heap_may_be_wrong(tmp_path: Path) -> None:
    """HDF5 itself never comes back from some of these."""
    path = written(tmp_path / "x.h5", ["aa", "bb", "cc"])
    whole = path.read_bytes()
    begin = whole.index(b"GCOL")
    damaged = 0
    for at in range(begin, begin + 120):
        for value in (0, 0xFF, whole[at] ^ 1):
            path.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            try:
                texts(path)
            except OSError as problem:
                damaged += 1
                assert "its heap has" in str(problem)  # noqa: PT017
    assert damaged > 50


def test_collections_lie_beside_each_other(tmp_path: Path) -> None:
    """In a small file, collections that overlap could come to any size."""
    path = written(tmp_path / "x.h5", [str(number) for number in range(3)])
    end = path.stat().st_size
    claimed = struct.pack("<4sBxxxQ", b"GCOL", 1, end // 2) + struct.pack("<HHxxxxQ1s", 1, 1, 1, b"x")
    with path.open("ab") as file:
        for _ in range(3):
            file.write(claimed.ljust(64, b"\0"))
    change(path, lambda _: np.array([(1, end + 64 * number, 1) for number in range(3)], REFERENCE))
    with pytest.raises(OSError, match="overlaps with others"):
        texts(path)


def test_texts_in_the_header_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.COMPACT)
        kind, space = h5py.h5t.py_create(h5py.string_dtype(), logical=True), h5py.h5s.create_simple((3,))
        h5py.Dataset(h5py.h5d.create(file.id, b"x", kind, space, properties))[:] = ["a", "b", "c"]
    with pytest.raises(DataError, match="x: its texts are not in the file, or in its header"):
        texts(tmp_path / "x.h5")
