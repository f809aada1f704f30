"""Rows from the chunks of an HDF5 data set, each inflated within its size.

HDF5's own filters inflate whatever a chunk holds, without a limit: nine megabytes become two gigabytes. So chunks are
read as they are stored and inflated here, where one that holds more than it should is an error. That is faster, too:
HDF5 inflates one chunk at a time, under a lock. Of the filters, gzip, zstd and shuffle are read; others have no reader
here, and HDF5's cannot be bounded.
"""

from __future__ import annotations

import math
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any, TypeAlias

import h5py
import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.storage.hdf5.global_heap import REFERENCE
from mixup_cli.storage.hdf5.library import HDF5_ERRORS

DEFLATE, SHUFFLE, ZSTD = 1, 2, 32015
"""The numbers of the filters, in HDF5 and in the HDF Group's registry."""

PIPELINES = {(*shuffled, *compressed) for shuffled in ((), (SHUFFLE,)) for compressed in ((), (DEFLATE,), (ZSTD,))}

CHUNK_LIMIT_BYTES = 512 << 20

CACHE_BYTES = 64 << 20
"""Of inflated chunks: a few rows at a time should not inflate the same chunk again and again."""

Offset: TypeAlias = tuple[int, ...]
Rows: TypeAlias = slice | NDArray[np.int64]


class ChunkedRows:
    """The rows of a chunked data set. Threads may share it.

    Raises DataError, which begins with `where`, for other filters and for chunks that are too large; and, while rows
    are read, OSError for a chunk that does not hold what it should.
    """

    def __init__(self, data_set: h5py.Dataset, where: str) -> None:
        self._data_set, self._where = data_set, where
        self._shape, self._chunk_shape = data_set.shape, data_set.chunks
        self._dtype = stored_dtype(data_set)
        self._type = data_set.id.get_type()
        item_bytes = REFERENCE.itemsize if self._dtype is REFERENCE else self._type.get_size()
        self._values = math.prod(self._chunk_shape)
        self._chunk_bytes = self._values * item_bytes
        self._filters = filters_of(data_set)
        self._check_filters()
        self._stored = self._check_chunks()
        self._lock = threading.Lock()
        self._cache: OrderedDict[Offset, NDArray[Any]] = OrderedDict()

    @property
    def has_gaps(self) -> bool:
        """Whether some chunks were never written, and read as the fill value."""
        return self._stored is not None

    def _check_filters(self) -> None:
        if self._filters not in PIPELINES:
            found = f"has the HDF5 filters {', '.join(map(str, self._filters))}, which mixup-gen does not read"
            raise DataError(f"{self._where}: {found}.", "Write it again with gzip (h5repack -f GZIP=4).")
        if self._chunk_bytes > CHUNK_LIMIT_BYTES:
            found = f"has chunks of {self._chunk_bytes} bytes, and each row needs one; expected at most"
            remedy = "Write it again with smaller ones (h5repack)."
            raise DataError(f"{self._where}: {found} {CHUNK_LIMIT_BYTES}.", remedy)

    def _check_chunks(self) -> dict[int, list[Offset]] | None:
        """The offsets of the stored chunks, by their first row, or None if all chunks are stored: a few bytes can claim
        any number of chunks. Raises DataError for a chunk that is larger than compression can make it."""
        grid = math.prod(-(-extent // chunk) for extent, chunk in zip(self._shape, self._chunk_shape, strict=True))
        found: dict[int, list[Offset]] | None = None if self._data_set.id.get_num_chunks() == grid else {}
        largest = 0

        def note(chunk: Any) -> None:
            nonlocal largest
            largest = max(largest, chunk.size)
            if found is not None:
                found.setdefault(chunk.chunk_offset[0], []).append(chunk.chunk_offset)

        self._data_set.id.chunk_iter(note)
        if largest > self._chunk_bytes + self._chunk_bytes // 8 + 4096:
            raise DataError(
                f"{self._where}: has a chunk that is stored in {largest} bytes and holds {self._chunk_bytes}.",
                "Write it again (h5repack).",
            )
        return found

    def __getitem__(self, rows: Rows) -> NDArray[Any]:
        """Consecutive rows, or some in ascending order, none of them twice: (rows, *row shape)."""
        count = len(range(*rows.indices(self._shape[0]))) if isinstance(rows, slice) else len(rows)
        out = np.empty((count, *self._shape[1:]), self._dtype)
        if self.has_gaps:
            out[...] = np.zeros((), REFERENCE) if self._dtype is REFERENCE else self._data_set.fillvalue
        for first, inside, place in self._parts(rows):
            for offset, region, trimmed in self._across(first):
                out[(place, *region)] = self._chunk(offset)[(inside, *trimmed)]
        return out

    def _parts(self, rows: Rows) -> Iterator[tuple[int, Rows, slice]]:
        """For each line of chunks with wanted rows: its first row, which of its rows are wanted, and their place in the
        result."""
        length = self._chunk_shape[0]
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(self._shape[0])
            for first in range(start - start % length, stop, length):
                begin, end = max(start, first), min(stop, first + length)
                yield first, slice(begin - first, end - first), slice(begin - start, end - start)
            return
        cuts = np.flatnonzero(np.diff(rows // length)) + 1
        for begin, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
            if end > begin:
                first = int(rows[begin]) // length * length
                yield first, rows[begin:end] - first, slice(begin, end)

    def _across(self, first: int) -> Iterator[tuple[Offset, list[slice], list[slice]]]:
        """The stored chunks of a line: the offset of each, its place in the rows, and the part of it that is used."""
        shape, chunk = self._shape[1:], self._chunk_shape[1:]
        steps = (range(0, extent, step) for extent, step in zip(shape, chunk, strict=True))
        offsets: Iterable[Offset] = product([first], *steps) if self._stored is None else self._stored.get(first, ())
        for offset in offsets:
            corner = offset[1:]
            ends = [min(begin + step, extent) for begin, step, extent in zip(corner, chunk, shape, strict=True)]
            region = [slice(begin, end) for begin, end in zip(corner, ends, strict=True)]
            yield offset, region, [slice(0, end - begin) for begin, end in zip(corner, ends, strict=True)]

    def _chunk(self, offset: Offset) -> NDArray[Any]:
        with self._lock:
            if (held := self._cache.get(offset)) is not None:
                return held
        chunk = self._converted(self._inflated(offset)).reshape(self._chunk_shape)
        with self._lock:
            self._cache[offset] = chunk
            while len(self._cache) > max(1, CACHE_BYTES // self._chunk_bytes):
                self._cache.popitem(last=False)
        return chunk

    def _converted(self, data: bytes) -> NDArray[Any]:
        """The values of a chunk, converted by HDF5 if NumPy stores their type otherwise."""
        if self._dtype is REFERENCE:  # HDF5 would look up the texts, too
            return np.frombuffer(data, REFERENCE)
        wanted = h5py.h5t.py_create(self._dtype, logical=True)
        if wanted == self._type:
            return np.frombuffer(data, self._dtype)
        room = np.zeros(self._values * max(wanted.get_size(), self._type.get_size()), np.uint8)
        room[: len(data)] = np.frombuffer(data, np.uint8)
        try:
            h5py.h5t.convert(self._type, wanted, self._values, room)
        except HDF5_ERRORS as problem:
            raise OSError(f"values of its type cannot be converted ({problem})") from None
        return room[: self._values * self._dtype.itemsize].view(self._dtype)

    def _inflated(self, offset: Offset) -> bytes:
        """The bytes of a chunk. Raises OSError if they are damaged, or not as many as they should be."""
        try:
            with self._lock:
                skipped, stored = self._data_set.id.read_direct_chunk(offset)
        except HDF5_ERRORS as problem:  # a damaged index of chunks
            raise OSError(f"the chunk at {offset} cannot be read ({problem})") from None
        data: bytes = stored
        try:
            for place, number in reversed([*enumerate(self._filters)]):
                if not skipped >> place & 1:
                    data = UNDO[number](data, self._chunk_bytes, self._chunk_bytes // self._values)
        except Oversized:
            raise OSError(f"the chunk at {offset} holds more than its {self._chunk_bytes} bytes") from None
        except (ValueError, zlib.error) as problem:
            raise OSError(f"the chunk at {offset} cannot be inflated ({problem})") from None
        if len(data) != self._chunk_bytes:
            raise OSError(f"the chunk at {offset} holds {len(data)} bytes, expected {self._chunk_bytes}")
        return data


class Oversized(Exception):
    """Compressed data hold more than they may."""


def stored_dtype(data_set: h5py.Dataset) -> np.dtype[Any]:
    """The dtype of the values; of texts of any length, that of the references to them."""
    dtype: np.dtype[Any] = data_set.dtype
    return REFERENCE if holds_texts(data_set) else dtype


def holds_texts(data_set: h5py.Dataset) -> bool:
    """Whether its values are texts of any length."""
    return data_set.dtype.kind == "O" and h5py.check_string_dtype(data_set.dtype) is not None


def filters_of(data_set: h5py.Dataset) -> tuple[int, ...]:
    """The numbers of a data set's filters, in the order in which they were applied."""
    properties = data_set.id.get_create_plist()
    return tuple(properties.get_filter(place)[0] for place in range(properties.get_nfilters()))


def _inflate(data: bytes, limit: int, _item_bytes: int) -> bytes:
    """What deflate holds, with its checksum checked. Raises ValueError if it is cut short."""
    engine = zlib.decompressobj()
    inflated = engine.decompress(data, limit)
    if engine.decompress(engine.unconsumed_tail, 1):
        raise Oversized
    if not engine.eof:
        raise ValueError("it is cut short")
    return inflated


def _unzstd(data: bytes, limit: int, _item_bytes: int) -> bytes:
    import zstandard  # only in the `zstd` extra, which `require_filter` has asked for

    try:
        claimed = zstandard.get_frame_parameters(data).content_size
        if claimed not in (zstandard.CONTENTSIZE_UNKNOWN, zstandard.CONTENTSIZE_ERROR) and claimed > limit:
            raise Oversized
        inflated: bytes = zstandard.ZstdDecompressor().decompress(data, max_output_size=limit)
    except zstandard.ZstdError as problem:
        raise ValueError(problem) from None
    return inflated


def _unshuffle(data: bytes, _limit: int, item_bytes: int) -> bytes:
    """The bytes of each value side by side again: they were stored with all first bytes first, then all second ones."""
    return np.frombuffer(data, np.uint8).reshape(item_bytes, -1).T.tobytes()


UNDO: dict[int, Callable[[bytes, int, int], bytes]] = {DEFLATE: _inflate, ZSTD: _unzstd, SHUFFLE: _unshuffle}
