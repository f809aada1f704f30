"""Where each column lies in a shard: HDF5 lays it out, and plain I/O writes it.

h5py creates a file whose data sets are contiguous, allocated early and never filled, which takes no disk space. Between
the columns is HDF5's metadata: a few kilobytes, the same for all shards of one length. With plain writes in file order,
a full disk is an ordinary exception, and the file is hashed on its way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np

from mixup_cli.fields.encoding import PictureCodec
from mixup_cli.image_format import ImageFormat
from mixup_cli.storage.hdf5.global_heap import REFERENCE
from mixup_cli.storage.hdf5.library import system_errors
from mixup_cli.storage.manifest_records import ColumnRecord
from mixup_cli.storage.seal import storage_errors

ALIGNMENT_BYTES = 4096
"""Columns begin at multiples of a page, so that any language can map them."""


@dataclass(frozen=True)
class Column:
    """One data set of a shard: its name, dtype ("uint8", "float32" …) and the shape of one row of it. With `encoding`,
    rows are pictures of this dtype and shape, each encoded by itself, and the data set holds references to their
    bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    encoding: ImageFormat | None = None

    @classmethod
    def of(cls, record: ColumnRecord) -> Self:
        """As the manifest describes it."""
        encoding = None if record.encoding is None else ImageFormat.parse(record.encoding)
        return cls(record.name, record.dtype, record.shape, encoding)

    @property
    def row_bytes(self) -> int:
        """The size of a row's value."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize

    @property
    def placed_bytes(self) -> int:
        """What a row takes in the data set itself."""
        return REFERENCE.itemsize if self.encoding else self.row_bytes

    @property
    def codec(self) -> PictureCodec | None:
        """What encodes and decodes its values; None if they are stored as they are."""
        return None if self.encoding is None else PictureCodec(self.encoding, self.shape)


@dataclass(frozen=True)
class Span:
    """A part of a shard file, in bytes: a column's data, or (column None) the metadata `literal`."""

    offset: int
    column: Column | None = None
    literal: bytes = b""


def create_file(path: Path | Any, attributes: Mapping[str, Any], **options: Any) -> h5py.File:
    """An HDF5 file whose bytes depend only on its content: without times, in the oldest format that suffices."""
    file = h5py.File(
        path,
        "w",
        libver=("earliest", "v108"),
        alignment_threshold=1,
        alignment_interval=ALIGNMENT_BYTES,
        locking=False,
        **options,
    )
    for name, value in attributes.items():
        file.attrs.create(name, attribute_text(value), dtype=h5py.string_dtype("utf-8"))
    return file


def attribute_text(value: Any) -> str:
    """How an attribute of a shard is written."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def add_contiguous(file: h5py.File, column: Column, row_count: int) -> None:
    """Allocate a column as one piece, unfilled."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.CONTIGUOUS)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    never = h5py.h5d.FILL_TIME_NEVER  # HDF5 refuses it for references
    properties.set_fill_time(h5py.h5d.FILL_TIME_ALLOC if column.encoding else never)
    properties.set_obj_track_times(False)
    kind = h5py.vlen_dtype(np.dtype(np.uint8)) if column.encoding else stored_dtype(column)
    space = h5py.h5s.create_simple((row_count, *(() if column.encoding else column.shape)))
    h5py.h5d.create(file.id, column.name.encode(), h5py.h5t.py_create(kind, logical=True), space, properties)


def stored_dtype(column: Column) -> np.dtype[Any]:
    """Little-endian on every machine."""
    return np.dtype(column.dtype).newbyteorder("<")


@dataclass(frozen=True)
class ShardSize:
    """The size of uncompressed shards of any length, without laying them out.

    HDF5 aligns each piece of its metadata and each column to `ALIGNMENT_BYTES`. `fixed_bytes` is the size of the
    metadata, for any length; `last` is the column at the end of the file, if no metadata follows. Encoded pictures
    count with what they take when they are not.
    """

    columns: tuple[Column, ...]
    fixed_bytes: int
    last: Column | None

    @classmethod
    def of(cls, columns: Sequence[Column], attributes: Mapping[str, Any]) -> Self:
        """From a shard with one value in each column, laid out in memory."""
        with create_file(BytesIO(), attributes) as file:
            for column in columns:
                add_contiguous(file, replace(column, shape=(1,) * len(column.shape)), 1)
            file.flush()
            size = int(file.id.get_filesize())
            start, number = max((file[column.name].id.get_offset(), number) for number, column in enumerate(columns))
            item_bytes = file[columns[number].name].id.get_type().get_size()
        last = columns[number] if start + item_bytes == size else None
        whole = size if last is None else _aligned(size)
        return cls(tuple(columns), whole - len(columns) * ALIGNMENT_BYTES, last)

    def of_rows(self, row_count: int) -> int:
        """The size of a shard of `row_count` rows, in bytes."""
        taken = {column: column.placed_bytes * row_count for column in self.columns}
        padding = 0 if self.last is None else _aligned(taken[self.last]) - taken[self.last]
        beside = sum(column.row_bytes * row_count for column in self.columns if column.encoding)
        return self.fixed_bytes + sum(map(_aligned, taken.values())) - padding + beside


def _aligned(size: int) -> int:
    """The next multiple of `ALIGNMENT_BYTES`."""
    return -(-size // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def lay_out(columns: Sequence[Column], row_count: int, attributes: Mapping[str, Any], draft: Path) -> list[Span]:
    """The spans of a shard of `row_count` rows, in file order and without a gap. `draft` is a path to lay out in.

    Raises StorageError, and leaves no draft behind.
    """
    try:
        with storage_errors(draft):
            return _spans(columns, row_count, attributes, draft)
    finally:
        draft.unlink(missing_ok=True)


def _spans(columns: Sequence[Column], row_count: int, attributes: Mapping[str, Any], draft: Path) -> list[Span]:
    with system_errors(), create_file(draft, attributes) as file:
        for column in columns:
            add_contiguous(file, column, row_count)
        places = sorted((file[column.name].id.get_offset(), column) for column in columns)
    spans: list[Span] = []
    position = 0
    with draft.open("rb") as image:
        for offset, column in places:
            image.seek(position)
            spans += [Span(position, literal=image.read(offset - position)), Span(offset, column)]
            position = offset + column.placed_bytes * row_count
        image.seek(position)
        spans.append(Span(position, literal=image.read()))
    return spans
