"""sources.csv: what stands in it for labels and groups, and what is noticed when they change."""

from __future__ import annotations

import csv
import hashlib
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mixup_cli.errors import DataError
from mixup_cli.fields.labels import Labels
from mixup_cli.scan import table as scanned
from mixup_cli.sources.arrays.source import ArraySource, RowKeys
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.loaded import Loaded, LoadedColumn
from mixup_cli.storage.source_table import SourceTable, first_difference, read_table

CLASSES = Labels(("cat", "dog"), np.array([0, 1], np.int32))
REAL = Labels(("y",), values=np.array([[1.5], [-2]], np.float32), values_kind="real")


def source_of(labels: Labels) -> Source:
    return ArraySource("s", RowKeys(2), labels, np.zeros((2, 3), np.uint8))


def table_of(labels: Labels) -> SourceTable:
    return scanned.table_of(source_of(labels), LoadedColumn.of([Loaded(3, "ab" * 32), Loaded(3, "cd" * 32, "broken")]))


def test_classes_stand_there_by_name() -> None:
    assert table_of(CLASSES).csv.decode().splitlines() == [
        "source_index,key,label,bytes,sha256,status",
        f"0,00000,cat,3,{'ab' * 32},ok",
        f"1,00001,dog,3,{'cd' * 32},broken",
    ]


@pytest.mark.parametrize("kind", ["soft", "multi", "real"])
def test_numbers_stand_there_by_their_hash(kind: Any) -> None:
    expected = [hashlib.sha256(struct.pack("<f", value)).hexdigest()[:16] for value in (1.5, -2)]
    assert list(table_of(replace(REAL, values_kind=kind)).labels) == expected


def test_groups_have_a_column_where_there_are_any() -> None:
    lines = table_of(replace(CLASSES, groups=("a,b", "c"))).csv.decode().splitlines()
    assert lines[0] == "source_index,key,label,group,bytes,sha256,status"
    assert lines[1].startswith('0,00000,cat,"a,b",3,')
    assert table_of(Labels(groups=("x", "y"))).csv.decode().splitlines()[2].startswith("1,00001,,y,3,")


@pytest.mark.parametrize("groups", [None, ("a,b", "c")])
@pytest.mark.parametrize("labels", [CLASSES, REAL, Labels()])
def test_what_is_written_is_read(labels: Labels, groups: tuple[str, ...] | None) -> None:
    table = table_of(replace(labels, groups=groups))
    before = csv.field_size_limit()
    again = read_table(table.csv, "sources.csv")
    assert csv.field_size_limit() == before, "which other readers of the process share"
    assert again.csv == table.csv
    assert first_difference(again, table) is None
    assert (again.groups is None) == (groups is None)


def grouped(*groups: str) -> Labels:
    return replace(CLASSES, groups=groups)


IGNORED = "group_column=none ignores them"


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (CLASSES, replace(CLASSES, classes=np.array([0, 0], np.int32)), "00001 was of class 'dog' and is of 'cat'"),
        (REAL, replace(REAL, values=np.array([[1.5], [2]], np.float32)), "00001 has another label than before"),
        (CLASSES, REAL, "00000 has another label than before"),
        (grouped("a", "b"), grouped("a", "c"), "00001 was of group 'b' and is of 'c'"),
        (CLASSES, grouped("a", "b"), f"its samples had no groups, and now have: {IGNORED}"),
        (grouped("a", "b"), CLASSES, "its samples had groups, and now have none"),
    ],
)
def test_the_first_difference_is_told(before: Labels, now: Labels, told: str) -> None:
    assert first_difference(read_table(table_of(before).csv, "sources.csv"), table_of(now)) == told


@pytest.mark.parametrize(
    "damage", [("label,group", "group,label"), (",ok", ",ok,more"), ("0,00000,", "0,"), ("source_index", "number")]
)
def test_a_damaged_one_is_refused(damage: tuple[str, str]) -> None:
    text = table_of(grouped("a", "b")).csv.decode().replace(*damage, 1)
    with pytest.raises(DataError, match=r"^sources.csv: not a list of sources"):
        read_table(text.encode(), "sources.csv")
