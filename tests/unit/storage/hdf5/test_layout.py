"""Layouts: HDF5 says where the columns lie, and the spans are the whole file."""

import json
import resource
from pathlib import Path

import h5py
import numpy as np
import pytest

from mixup_cli.errors import StorageError
from mixup_cli.storage.hdf5.layout import ALIGNMENT_BYTES, Column, Span, lay_out

COLUMNS = (Column("images", "uint8", (4, 4, 3)), Column("index", "int64", ()), Column("share", "float32", (2,)))


def end_of(span: Span, row_count: int) -> int:
    return span.offset + (len(span.literal) if span.column is None else span.column.row_bytes * row_count)


def test_row_bytes_count_the_whole_row() -> None:
    assert [column.row_bytes for column in COLUMNS] == [48, 8, 8]


@pytest.mark.parametrize("row_count", [1, 100, 1_000_000])
def test_spans_follow_each_other_without_a_gap(tmp_path: Path, row_count: int) -> None:
    spans = lay_out(COLUMNS, row_count, {}, tmp_path / "draft")
    assert [span.offset for span in spans] == [0, *(end_of(span, row_count) for span in spans[:-1])]
    assert [span.column for span in spans if span.column] == list(COLUMNS)


def test_columns_begin_at_pages(tmp_path: Path) -> None:
    spans = lay_out(COLUMNS, 77, {"class_names": ["x" * 5000]}, tmp_path / "draft")
    assert [span.offset % ALIGNMENT_BYTES for span in spans if span.column] == [0, 0, 0]


def test_a_layout_needs_no_disk_space_for_the_columns(tmp_path: Path) -> None:
    spans = lay_out(COLUMNS, 1_000_000_000, {}, tmp_path / "draft")
    assert end_of(spans[-1], 1_000_000_000) > 64_000_000_000
    assert sum(len(span.literal) for span in spans) < 40_000
    assert list(tmp_path.iterdir()) == []


def test_equal_layouts_have_equal_bytes(tmp_path: Path) -> None:
    first, second = (lay_out(COLUMNS, 10, {"recipe": {"b": 1, "a": 2}}, tmp_path / name) for name in ("a", "b"))
    assert first == second


def test_hundred_thousand_class_names_fit_into_an_attribute(tmp_path: Path) -> None:
    names = [f"class {number}" for number in range(100_000)]
    spans = lay_out(COLUMNS, 1, {"class_names": names}, tmp_path / "draft")
    with (tmp_path / "shard.h5").open("wb") as file:
        for span in spans:
            file.write(span.literal or bytes(end_of(span, 1) - span.offset))
    with h5py.File(tmp_path / "shard.h5") as shard:
        assert json.loads(shard.attrs["class_names"]) == names


def test_a_full_disk_is_told_and_leaves_no_draft(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(StorageError, match=r"draft: File too large\. Raise the limit"):
            lay_out(COLUMNS, 100_000, {}, tmp_path / "draft")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_shards_of_one_length_have_their_columns_at_the_same_places(tmp_path: Path) -> None:
    """Also where one has more rows: a reader tells by its length whether a shard was made anew with other offsets."""
    draw = np.random.default_rng(7)
    same = 0
    for _ in range(40):
        columns = [Column(name, "uint8", (int(draw.integers(1, 200)),)) for name in "abcdefghi"]
        counts = sorted(draw.integers(1, 40, 2).tolist())
        less, more = (lay_out(columns, count, {"x": "y"}, tmp_path / "draft") for count in counts)
        lengths = [end_of(spans[-1], count) for spans, count in zip((less, more), counts, strict=True)]
        assert lengths[0] <= lengths[1]
        if lengths[0] == lengths[1]:
            same += counts[0] < counts[1]
            assert [span.offset for span in less if span.column] == [span.offset for span in more if span.column]
    assert same > 3
