"""Reading columns over all shards: the rows that were asked for, or a clear refusal."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from mixup_cli.errors import DataError
from mixup_cli.storage.hdf5 import reading
from mixup_cli.storage.hdf5.reading import ShardedColumn
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.opened import OpenedDataSet
from mixup_cli.storage.shard_records import StoredColumn
from tests.unit.storage.small_data_set import arrays, write_data_set

ROW_COUNT = 7


@pytest.fixture(params=["none", "gzip"])
def images(tmp_path: Path, request: pytest.FixtureRequest) -> ShardedColumn:
    write_data_set(tmp_path / "out", request.param)
    return ShardedColumn(OpenedDataSet.open(tmp_path / "out"), "images")


def test_negative_rows_count_from_the_end(images: ShardedColumn) -> None:
    rows = np.array([-1, 0, -7, 3, -4])
    np.testing.assert_array_equal(images.take(rows), arrays()["images"][rows])


@pytest.mark.parametrize("large", [0, 1 << 20])
@pytest.mark.parametrize("rows", [[], [6], [2, 2, 0, 6, 3, 2], [5, 4, 3, 2, 1, 0]])
def test_rows_come_in_the_order_asked_for(
    images: ShardedColumn, rows: list[int], large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGE_ROW_BYTES", large)
    np.testing.assert_array_equal(images.take(np.array(rows, np.int64)), arrays()["images"][rows])


@pytest.mark.parametrize("shape", [(3, 5), (700, 3), (2, 2)])
def test_rows_are_gathered_where_their_copies_are_fast(shape: tuple[int, ...]) -> None:
    scratch = reading._Scratch()
    for size in (shape, (1, *shape)):
        room = scratch.room(size, np.dtype(np.float32))
        assert room.shape == size
        assert room.ctypes.data % reading.ALIGNMENT_BYTES == 0


@pytest.mark.parametrize("row", [ROW_COUNT, -ROW_COUNT - 1])
def test_a_row_that_is_not_there_is_told(images: ShardedColumn, row: int) -> None:
    with pytest.raises(IndexError, match=f"row {row} does not exist; the data set has {ROW_COUNT} rows"):
        images.take(np.array([0, row]))


def test_slices_have_step_one(images: ShardedColumn) -> None:
    np.testing.assert_array_equal(images[2:-1:1], arrays()["images"][2:-1])
    with pytest.raises(ValueError, match="step 1, not 2"):
        images[::2]


def test_a_shard_is_mapped_once(tmp_path: Path) -> None:
    write_data_set(tmp_path / "out")
    column = ShardedColumn(OpenedDataSet.open(tmp_path / "out"), "images")
    first = column[0:1]
    (tmp_path / "out/shard-00000.h5").unlink()
    np.testing.assert_array_equal(column[0:1], first)


def without_offsets(manifest: Manifest) -> Manifest:
    shards = [shard.model_copy(update={"columns": {"images": StoredColumn()}}) for shard in manifest.shards]
    return manifest.model_copy(update={"shards": tuple(shards)})


def test_a_missing_offset_is_damage(tmp_path: Path) -> None:
    opened = OpenedDataSet(tmp_path / "out", without_offsets(write_data_set(tmp_path / "out")))
    column = ShardedColumn(opened, "images")
    with pytest.raises(DataError, match=r"shard-00000\.h5: .* where images begins"):
        column[:]


def test_maps_are_not_pickled(images: ShardedColumn) -> None:
    small = len(pickle.dumps(images))
    whole = images[:]
    assert len(pickle.dumps(images)) == small
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(images))[:], whole)


def test_all_columns_together_hold_few_maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes a descriptor, and a process may have few thousand of these."""
    monkeypatch.setattr(reading, "most_maps", lambda: 2)
    write_data_set(tmp_path / "out")
    opened = OpenedDataSet.open(tmp_path / "out")
    columns = {name: ShardedColumn(opened, name) for name in ("images", "share")}
    rows = np.array([6, 0, 3, 1, 5])
    for _ in range(2):
        for name, column in columns.items():
            np.testing.assert_array_equal(column.take(rows), arrays()[name][rows])
            np.testing.assert_array_equal(column[2:7], arrays()[name][2:7])
            assert sum(len(each._maps) for each in columns.values()) <= 2
