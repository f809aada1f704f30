"""Where each column lies in a shard: laid out by HDF5 itself, then written with plain I/O.

h5py creates the file with every data set contiguous, allocated early and never filled, which costs no disk space. What
is left between the columns is HDF5's own metadata: a few kilobytes that are the same for all shards of one length.
Writing plain bytes in file order lets a full disk be an ordinary exception, and the file be hashed on its way.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np

from mixup_cli.storage.seal import storage_errors

ALIGNMENT_BYTES = 4096
"""Columns begin at multiples of a page, so that any language can map them."""

_ERRNO = re.compile(r"errno = (\d+)")


@dataclass(frozen=True)
class Column:
    """One data set of a shard: its name, dtype ("uint8", "float32" …) and the shape of one row of it."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Span:
    """A part of a shard file, in bytes: a column's data, or (column None) the metadata `literal`."""

    offset: int
    column: Column | None = None
    literal: bytes = b""


def create_file(path: Path | Any, attributes: Mapping[str, Any], **options: Any) -> h5py.File:
    """An HDF5 file whose bytes depend on its content alone: no times, and the oldest format that does the job."""
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
        text = json.dumps(value, sort_keys=True, ensure_ascii=False)
        file.attrs.create(name, text, dtype=h5py.string_dtype("utf-8"))
    return file


def add_contiguous(file: h5py.File, column: Column, row_count: int) -> None:
    """Allocate a column as one piece, unfilled."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.CONTIGUOUS)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    properties.set_obj_track_times(False)
    space = h5py.h5s.create_simple((row_count, *column.shape))
    h5py.h5d.create(file.id, column.name.encode(), h5py.h5t.py_create(stored_dtype(column)), space, properties)


def stored_dtype(column: Column) -> np.dtype[Any]:
    """Little-endian on every machine."""
    return np.dtype(column.dtype).newbyteorder("<")


@dataclass(frozen=True)
class ShardSize:
    """How large uncompressed shards are, of any length, without laying them out.

    HDF5 begins each piece of its metadata and each column at a multiple of `ALIGNMENT_BYTES`. `fixed_bytes` is what the
    metadata takes, whatever the length; `last` is the column after which the file ends, if no metadata follows.
    """

    columns: tuple[Column, ...]
    fixed_bytes: int
    last: Column | None

    @classmethod
    def of(cls, columns: Sequence[Column], attributes: Mapping[str, Any]) -> Self:
        """Found out from a shard of one value a column, laid out in memory."""
        with create_file(BytesIO(), attributes) as file:
            for column in columns:
                add_contiguous(file, replace(column, shape=(1,) * len(column.shape)), 1)
            file.flush()
            size = int(file.id.get_filesize())
            start, number = max((file[column.name].id.get_offset(), number) for number, column in enumerate(columns))
        last = columns[number] if start + np.dtype(columns[number].dtype).itemsize == size else None
        whole = size if last is None else _aligned(size)
        return cls(tuple(columns), whole - len(columns) * ALIGNMENT_BYTES, last)

    def of_rows(self, row_count: int) -> int:
        """The size of a shard of so many rows, in bytes."""
        taken = {column: column.row_bytes * row_count for column in self.columns}
        padding = 0 if self.last is None else _aligned(taken[self.last]) - taken[self.last]
        return self.fixed_bytes + sum(map(_aligned, taken.values())) - padding


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


@contextmanager
def _system_errors() -> Iterator[None]:
    """Raises as an OSError what h5py raises as a RuntimeError, where a write fails that HDF5 had put off. The system's
    error is told in the text alone."""
    try:
        yield
    except RuntimeError as problem:
        found = _ERRNO.search(str(problem))
        if found is None:
            raise
        raise OSError(int(found[1]), os.strerror(int(found[1]))) from problem


def _spans(columns: Sequence[Column], row_count: int, attributes: Mapping[str, Any], draft: Path) -> list[Span]:
    with _system_errors(), create_file(draft, attributes) as file:
        for column in columns:
            add_contiguous(file, column, row_count)
        places = sorted((file[column.name].id.get_offset(), column) for column in columns)
    spans: list[Span] = []
    position = 0
    with draft.open("rb") as image:
        for offset, column in places:
            image.seek(position)
            spans += [Span(position, literal=image.read(offset - position)), Span(offset, column)]
            position = offset + column.row_bytes * row_count
        image.seek(position)
        spans.append(Span(position, literal=image.read()))
    return spans
