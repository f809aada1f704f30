"""Shards: written column after column in file order, read by mapping or through h5py."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import Compression
from mixup_cli.errors import DataError, from_extra
from mixup_cli.storage.hdf5.chunks import DEFLATE, ZSTD
from mixup_cli.storage.hdf5.encoded import heap_of, with_end
from mixup_cli.storage.hdf5.image import FileImage
from mixup_cli.storage.hdf5.layout import Column, ShardSize, Span, create_file, lay_out, stored_dtype
from mixup_cli.storage.hdf5.library import open_shard
from mixup_cli.storage.hdf5.plain_hdf5 import PlainDataSet, plain_numbers
from mixup_cli.storage.seal import Sealed, Sealing

Array = NDArray[Any]
Values = Callable[[Column], Iterable[Array]]
"""The rows of a column, block by block, from the first to the last."""

CHUNK_BYTES = 1 << 20
"""Compressed columns are chunked by whole rows up to this size, and at least one row."""

REMEDY = "Run mixup-gen verify."

GZIP_LEVEL = 6
ZSTD_LEVEL = 3

FILTER_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "gzip": {"compression": "gzip", "compression_opts": GZIP_LEVEL},
    "zstd": {"compression": ZSTD, "compression_opts": (ZSTD_LEVEL,)},
}
"""How h5py declares each compression; `compressor` carries it out."""


@dataclass(frozen=True)
class ShardSpec:
    """What is the same for all shards of a data set."""

    columns: tuple[Column, ...]
    attributes: Mapping[str, Any]
    compression: str = "none"

    @property
    def row_bytes(self) -> int:
        return sum(column.row_bytes for column in self.columns)

    @property
    def is_encoded(self) -> bool:
        """Whether rows of some column are encoded by themselves."""
        return any(column.encoding for column in self.columns)

    @cached_property
    def size(self) -> ShardSize:
        """The size of shards without compression."""
        return ShardSize.of(self.columns, self.attributes)


@dataclass(frozen=True)
class Written:
    """A sealed shard: the file, and per column its offset (uncompressed) or the sha256 of its uncompressed bytes."""

    file: Sealed
    columns: dict[str, dict[str, Any]]


class ShardWriter(Protocol):
    """Writes one shard of `row_count` rows."""

    def write(self, final: Path, row_count: int, values: Values) -> Written:
        """Take each column's values once, in the order of the file, and seal the shard."""


class PlainWriter:
    """Uncompressed shards: the layout is computed once per row count, then bytes are streamed to their places."""

    def __init__(self, spec: ShardSpec, work_folder: Path) -> None:
        self._spec = spec
        self._work_folder = work_folder
        self._layouts: dict[int, list[Span]] = {}

    def prepare(self, row_counts: Iterable[int]) -> None:
        """Lay out the lengths that will be needed, before threads ask for them."""
        for count in set(row_counts):
            self._layouts[count] = lay_out(
                self._spec.columns, count, self._spec.attributes, self._work_folder / f"layout-{count}.h5"
            )

    def write(self, final: Path, row_count: int, values: Values) -> Written:
        """See `ShardWriter.write`."""
        with Sealing(final, self._work_folder) as file:
            self._stream(file, self._layouts[row_count], lambda column: checked(values, column, row_count))
        return self._written(file, row_count)

    def _stream(self, file: Sealing, spans: Iterable[Span], blocks: Values) -> None:
        for span in spans:
            if span.column is None:
                file.write(span.literal)
                continue
            for block in blocks(span.column):
                file.write(bytes_of(block))

    def _written(self, file: Sealing, row_count: int) -> Written:
        spans = self._layouts[row_count]
        return Written(file.sealed, {span.column.name: {"offset": span.offset} for span in spans if span.column})


class EncodedWriter(PlainWriter):
    """The same, with the rows of one column encoded by themselves, in a heap at the end of the file.

    They wait in memory until the shard is written, since the references to them stand in front of other columns.
    """

    def write(self, final: Path, row_count: int, values: Values) -> Written:
        """See `ShardWriter.write`."""
        column, codec = next((column, column.codec) for column in self._spec.columns if column.codec)
        spans, blocks = self._layouts[row_count], checked(values, column, row_count)
        rows = [row for block in blocks for row in codec.encode(block)]
        end = spans[-1].offset + len(spans[-1].literal)
        start = -(-end // 8) * 8
        references, size, heap = heap_of(rows, start)

        def others(each: Column) -> Iterable[Array]:
            return [references] if each is column else checked(values, each, row_count)

        with Sealing(final, self._work_folder) as file:
            file.write(with_end(spans[0].literal, start + size))
            self._stream(file, spans[1:], others)
            file.write(bytes(start - end))
            for collection in heap:
                file.write(collection)
        return self._written(file, row_count)


class CompressedWriter:
    """Chunked, compressed shards. Chunks are compressed here, without the GIL; HDF5 only files them."""

    def __init__(self, spec: ShardSpec, work_folder: Path) -> None:
        self._spec = spec
        self._work_folder = work_folder
        self._compress = compressor(spec.compression)

    def __reduce__(self) -> tuple[type[Self], tuple[ShardSpec, Path]]:
        return type(self), (self._spec, self._work_folder)  # a new one, which finds the libraries in its process

    def prepare(self, row_counts: Iterable[int]) -> None:
        """Nothing is laid out ahead."""

    def write(self, final: Path, row_count: int, values: Values) -> Written:
        """See `ShardWriter.write`. The shard is put together in memory, since HDF5 hides a full disk."""
        image = FileImage()
        hashes = {}
        with create_file(image, self._spec.attributes) as file:
            for column in self._spec.columns:
                data_set = self._create(file, column, row_count)
                hashes[column.name] = {"content_sha256": self._fill(image, data_set, column, values)}
        with Sealing(final, self._work_folder) as sealing:
            for piece in image.pieces():  # the disk writes one while the next is hashed
                sealing.write(piece)
        return Written(sealing.sealed, hashes)

    def _create(self, file: h5py.File, column: Column, row_count: int) -> h5py.Dataset:
        chunk_rows = max(1, min(row_count, CHUNK_BYTES // max(1, column.row_bytes)))
        return file.create_dataset(
            column.name,
            (row_count, *column.shape),
            stored_dtype(column),
            chunks=(chunk_rows, *column.shape),
            track_times=False,
            **FILTER_OPTIONS[self._spec.compression],
        )

    def _fill(self, image: FileImage, data_set: h5py.Dataset, column: Column, values: Values) -> str:
        """Cut the blocks into chunks, compress and file them. Returns the sha256 of the uncompressed bytes."""
        digest = hashlib.sha256()
        chunk_rows = data_set.chunks[0]
        chunk = np.zeros(data_set.chunks, data_set.dtype)
        start = filled = 0
        for block in checked(values, column, data_set.shape[0]):
            digest.update(bytes_of(block))
            while len(block):
                taken = min(chunk_rows - filled, len(block))
                chunk[filled : filled + taken] = block[:taken]
                block, filled = block[taken:], filled + taken
                if filled == chunk_rows or start + filled == data_set.shape[0]:
                    chunk[filled:] = 0  # HDF5 stores whole chunks: what is behind the last row is zero
                    image.put_chunk(data_set, start, self._compress(bytes_of(chunk)))
                    start, filled = start + filled, 0
        return digest.hexdigest()


def compressor(compression: str) -> Callable[[memoryview], bytes]:
    """The function that compresses one chunk. Raises UsageError where zstd's libraries are not installed."""
    match compression:
        case "gzip":
            return lambda data: zlib.compress(data, GZIP_LEVEL)
        case "zstd":
            require_filter("zstd")
            import zstandard  # only in the `zstd` extra

            return lambda data: zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(data)
    raise ValueError(f"no compressor for {compression!r}")


def compression_of(column: PlainDataSet) -> Compression:
    """The compression of a column. Raises DataError if mixup-gen does not store columns like that."""
    known: dict[tuple[int, ...], Compression] = {(): "none", (DEFLATE,): "gzip", (ZSTD,): "zstd"}
    if (found := known.get(column.filters)) is None or (column.chunk_shape is None) != (found == "none"):
        raise DataError(f"{column.where}: has filters {[*column.filters]}, which no shard has")
    return found


def require_filter(compression: str) -> None:
    """Enable h5py to read a compression. Raises UsageError if the `zstd` extra is needed and not installed."""
    if compression != "zstd":
        return
    with from_extra("zstd", "zstd"):
        import hdf5plugin  # noqa: F401  # registers its filters with HDF5 when imported
        import zstandard  # noqa: F401


def checked(values: Values, column: Column, row_count: int) -> Iterator[Array]:
    """The blocks of a column, after a check of their dtype and shape: a wrong shard would be sealed for good."""
    left = row_count
    for block in values(column):
        left -= len(block)
        if (block.dtype.newbyteorder("<"), block.shape[1:]) != (stored_dtype(column), column.shape) or left < 0:
            raise ValueError(f"{column} got a block of {block.dtype} {block.shape}, {left} rows before its end")
        yield block
    if left:
        raise ValueError(f"{column} got {row_count - left} rows of {row_count}")


def bytes_of(block: Array) -> memoryview:
    """The bytes of an array in C order, little-endian; a copy only if it has another order."""
    stored = np.ascontiguousarray(block, block.dtype.newbyteorder("<"))
    return stored.reshape(-1).view(np.uint8).data


def writer_for(spec: ShardSpec, work_folder: Path) -> PlainWriter | CompressedWriter:
    """The writer for a spec's compression, or for pictures that are encoded instead."""
    if spec.is_encoded:
        return EncodedWriter(spec, work_folder)
    return (PlainWriter if spec.compression == "none" else CompressedWriter)(spec, work_folder)


def read_column(
    path: Path, column: Column, row_count: Callable[[int, int], int], rows: slice | NDArray[np.int64] = slice(None)
) -> Array:
    """Some rows of a column of a shard, through h5py. `row_count` returns how many rows it must have, from the size of
    the open file and the rows that it has. Raises DataError if the file cannot be read, or holds something else."""
    where = f"{path}: {column.name}"
    try:
        with open_shard(path, f"{path}: not a readable shard") as file:
            stored = plain_numbers(file, column.name, where)
            count = row_count(file.id.get_filesize(), *stored.shape[:1] or (0,))
            expected = (stored_dtype(column), (count, *column.shape))
            if (stored.dtype, stored.shape) != expected:
                found = f"{where}: is {stored.dtype} {stored.shape}, expected {expected[0]} {expected[1]}."
                raise DataError(found)
            return stored[rows]
    except DataError as problem:
        raise problem.or_else(REMEDY) from problem


def map_column(file: Path | BinaryIO, column: Column, offset: int, row_count: int) -> Array:
    """A column of an uncompressed shard, mapped read-only: (row_count, *column.shape)."""
    return np.memmap(file, stored_dtype(column), "r", offset, (row_count, *column.shape))
