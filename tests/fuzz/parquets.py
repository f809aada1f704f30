"""Parquet: columns of other types, with other cells, written in other ways."""

from __future__ import annotations

import io
from contextlib import suppress
from random import Random
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tests.fuzz.layers import exchanged
from tests.fuzz.mutating import FEW, in_place, near_or_far
from tests.fuzz.trees import ODD

TYPES = [
    *[pa.int8(), pa.uint64(), pa.float16(), pa.float64(), pa.bool_(), pa.null(), pa.decimal128(30, 2)],
    *[pa.string(), pa.large_binary(), pa.dictionary(pa.int8(), pa.string()), pa.timestamp("ns"), pa.duration("s")],
    *[pa.list_(pa.int64()), pa.struct([("a", pa.string())]), pa.date32(), pa.time32("s")],
]


def in_parquet(draw: Random, data: bytes) -> bytes:
    if draw.random() < 0.5:
        return in_place(draw, data)
    table = parquet.read_table(io.BytesIO(data))
    columns = [(name, table.column(name)) for name in table.column_names]
    for _ in range(draw.choice(FEW)):
        number = draw.randrange(len(columns))
        name, column = columns[number]
        columns[number] = name, draw.choice([_other_type, _other_cell])(draw, column)
    if draw.random() < 0.1:
        columns = exchanged(draw, columns)
    changed = pa.table([column for _, column in columns], names=[name for name, _ in columns])
    out = io.BytesIO()
    parquet.write_table(
        changed,
        out,
        row_group_size=draw.choice([1, 3, 100]),
        compression=draw.choice(["none", "snappy", "gzip", "zstd"]),
        use_dictionary=draw.random() < 0.5,
    )
    return out.getvalue()


def _other_type(draw: Random, column: Any) -> Any:
    """The same values, where the type can hold them; else nothing but nulls."""
    kind = draw.choice(TYPES)
    with suppress(pa.ArrowException, OverflowError, TypeError):
        return column.cast(kind, safe=False)
    return pa.nulls(len(column), kind)


def _other_cell(draw: Random, column: Any) -> Any:
    """One cell exchanged, if the column's type can hold the new one."""
    cells = column.to_pylist()
    at = draw.randrange(len(cells))
    is_whole = isinstance(cells[at], int)
    cells[at] = near_or_far(draw, cells[at]) if is_whole and draw.random() < 0.7 else draw.choice([None, *ODD])
    with suppress(pa.ArrowException, OverflowError, TypeError, UnicodeError):
        return pa.array(cells, column.type)
    return column
