"""Rows out of the chunks of an HDF5 data set, each inflated within its size.

HDF5's own filters inflate whatever a chunk holds, without a limit: nine megabytes become two gigabytes. So chunks are
read as they are stored and inflated here, where one that holds more than it should is an error. It is quicker, too:
HDF5 inflates one chunk at a time, under a lock of its own.
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

DEFLATE, SHUFFLE, FLETCHER32, LZF, ZSTD = 1, 2, 3, 32000, 32015
"""The filters' numbers, with HDF5 and in the HDF Group's registry."""

PIPELINES = {
    (*shuffled, *compressed, *checked)
    for shuffled in ((), (SHUFFLE,))
    for compressed in ((), (DEFLATE,), (LZF,), (ZSTD,))
    for checked in ((), (FLETCHER32,))
}
"""What is read: filters of which it is known how much they give back, in the order that everybody uses."""

CHUNK_LIMIT_BYTES = 512 << 20
LZF_LIMIT_BYTES = 8 << 20
"""HDF5 inflates these chunks itself, to 88 times what is stored at most."""

CACHE_BYTES = 64 << 20
"""Of inflated chunks: who reads a few rows at a time should not inflate them again and again."""

Offset: TypeAlias = tuple[int, ...]
Rows: TypeAlias = slice | NDArray[np.int64]


class ChunkedRows:
    """The rows of a chunked data set. Threads may share it.

    Raises DataError, which begins with `where`, for filters of which nobody can say what they will inflate to, and for
    chunks that are too large; and, while rows are read, OSError for a chunk that does not hold what it should.
    """

    def __init__(self, data_set: h5py.Dataset, where: str) -> None:
        self._data_set, self._where = data_set, where
        self._dtype = stored_dtype(data_set)
        self._chunk_shape: tuple[int, ...] = data_set.chunks
        self._chunk_bytes = math.prod(self._chunk_shape) * self._dtype.itemsize
        self._filters = filters_of(data_set)
        self._check_filters()
        self._stored = self._check_chunks()
        self._inflates_here = self._can_inflate()
        self._lock = threading.Lock()
        self._cache: OrderedDict[Offset, NDArray[Any]] = OrderedDict()

    @property
    def has_gaps(self) -> bool:
        """Whether some chunks were never written, and read as the fill value."""
        return self._stored is not None

    def _check_filters(self) -> None:
        if self._filters not in PIPELINES:
            raise DataError(
                f"{self._where}: is stored with the HDF5 filters {', '.join(map(str, self._filters))}, which mixup-gen "
                "does not read.",
                "Write it again with gzip (h5repack -f GZIP=4).",
            )
        limit = LZF_LIMIT_BYTES if LZF in self._filters else CHUNK_LIMIT_BYTES
        if self._chunk_bytes > limit:
            raise DataError(
                f"{self._where}: has chunks of {self._chunk_bytes} bytes, of which one is inflated for each row that "
                f"is read; expected at most {limit}.",
                "Write it again with smaller ones (h5repack).",
            )

    def _check_chunks(self) -> dict[int, list[Offset]] | None:
        """The offsets of the chunks that are stored, by their first row, or None where all are: of others there may be
        any number, in a few bytes. Compressing adds little at worst."""
        extents = zip(self._data_set.shape, self._chunk_shape, strict=True)
        grid = math.prod(-(-extent // chunk) for extent, chunk in extents)
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

    def _can_inflate(self) -> bool:
        """Whether the bytes of a chunk are its values. Else HDF5 converts them, once they are known to be bounded."""
        if self._dtype is REFERENCE:  # HDF5 would look for the texts, too
            return True
        is_plain = self._data_set.dtype.kind != "O" and (
            h5py.h5t.py_create(self._data_set.dtype, logical=True) == self._data_set.id.get_type()
        )
        return is_plain and bool(self._filters) and not {FLETCHER32, LZF} & {*self._filters}

    def __getitem__(self, rows: Rows) -> NDArray[Any]:
        """Consecutive rows, or some in ascending order, none of them twice: (rows, *row shape)."""
        if not self._inflates_here:
            self._check_bounded(rows)
            with self._lock:
                taken: NDArray[Any] = self._data_set[rows]
            return taken
        count = len(range(*rows.indices(self._data_set.shape[0]))) if isinstance(rows, slice) else len(rows)
        out = np.empty((count, *self._data_set.shape[1:]), self._dtype)
        if self.has_gaps:
            out[...] = np.zeros((), REFERENCE) if self._dtype is REFERENCE else self._data_set.fillvalue
        for first, inside, place in self._parts(rows):
            for offset, region, trimmed in self._across(first):
                out[(place, *region)] = self._chunk(offset)[(inside, *trimmed)]
        return out

    def _parts(self, rows: Rows) -> Iterator[tuple[int, Rows, slice]]:
        """For each line of chunks that holds some of the rows: its first row, which of its rows are wanted, and where
        they go."""
        length = self._chunk_shape[0]
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(self._data_set.shape[0])
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
        """The stored chunks beside each other in a line: where each begins, its place in the rows, and what of it is
        used."""
        shape, chunk = self._data_set.shape[1:], self._chunk_shape[1:]
        for offset in self._offsets(first):
            corner = offset[1:]
            ends = [min(begin + step, extent) for begin, step, extent in zip(corner, chunk, shape, strict=True)]
            region = [slice(begin, end) for begin, end in zip(corner, ends, strict=True)]
            yield offset, region, [slice(0, end - begin) for begin, end in zip(corner, ends, strict=True)]

    def _offsets(self, first: int) -> Iterable[Offset]:
        if self._stored is not None:
            return self._stored.get(first, ())
        shape, chunk = self._data_set.shape[1:], self._chunk_shape[1:]
        return product([first], *(range(0, extent, step) for extent, step in zip(shape, chunk, strict=True)))

    def _chunk(self, offset: Offset) -> NDArray[Any]:
        with self._lock:
            if (held := self._cache.get(offset)) is not None:
                return held
        chunk = np.frombuffer(self._inflated(offset), self._dtype).reshape(self._chunk_shape)
        with self._lock:
            self._cache[offset] = chunk
            while len(self._cache) > max(1, CACHE_BYTES // self._chunk_bytes):
                self._cache.popitem(last=False)
        return chunk

    def _check_bounded(self, rows: Rows) -> None:
        """Inflate chunks that HDF5 is to inflate, for their size alone."""
        if not {DEFLATE, ZSTD} & {*self._filters}:
            return
        for first, _, _ in self._parts(rows):
            for offset in self._offsets(first):
                self._inflated(offset)

    def _inflated(self, offset: Offset) -> bytes:
        """The bytes of a chunk. Raises OSError where they are not as many as it should hold."""
        try:
            with self._lock:
                skipped, stored = self._data_set.id.read_direct_chunk(offset)
        except (RuntimeError, ValueError) as problem:  # a damaged index of chunks
            raise OSError(f"the chunk at {offset} cannot be read ({problem})") from None
        data: bytes = stored
        try:
            for place, number in reversed([*enumerate(self._filters)]):
                if not skipped >> place & 1:
                    data = UNDO[number](data, self._chunk_bytes, self._dtype.itemsize)
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
    """What a data set itself holds: of texts of any length, references."""
    dtype: np.dtype[Any] = data_set.dtype
    return REFERENCE if holds_texts(data_set) else dtype


def holds_texts(data_set: h5py.Dataset) -> bool:
    """Whether its values are texts of any length, and not of one."""
    return data_set.dtype.kind == "O" and h5py.check_string_dtype(data_set.dtype) is not None


def filters_of(data_set: h5py.Dataset) -> tuple[int, ...]:
    """The numbers of a data set's filters, in the order in which they were applied."""
    properties = data_set.id.get_create_plist()
    return tuple(properties.get_filter(place)[0] for place in range(properties.get_nfilters()))


def _inflate(data: bytes, limit: int, _item_bytes: int) -> bytes:
    """What deflate holds, or ValueError where it is cut short. Its checksum is looked at."""
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
        told = zstandard.get_frame_parameters(data).content_size
        if told not in (zstandard.CONTENTSIZE_UNKNOWN, zstandard.CONTENTSIZE_ERROR) and told > limit:
            raise Oversized
        inflated: bytes = zstandard.ZstdDecompressor().decompress(data, max_output_size=limit)
    except zstandard.ZstdError as problem:
        raise ValueError(problem) from None
    return inflated


def _unshuffle(data: bytes, _limit: int, item_bytes: int) -> bytes:
    """Each value's bytes side by side again: they were stored with all first bytes first, then all second ones."""
    return np.frombuffer(data, np.uint8).reshape(item_bytes, -1).T.tobytes()


def _without_checksum(data: bytes, _limit: int, _item_bytes: int) -> bytes:
    return data[:-4]


UNDO: dict[int, Callable[[bytes, int, int], bytes]] = {
    DEFLATE: _inflate,
    ZSTD: _unzstd,
    SHUFFLE: _unshuffle,
    FLETCHER32: _without_checksum,
}
