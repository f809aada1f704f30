"""Arrays inside an `.npz`, without unpickling and without believing its headers.

A member that is stored uncompressed, as np.savez does, is read where it lies. A compressed one is inflated into memory,
up to a limit.
"""

from __future__ import annotations

import io
import lzma
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.sources.arrays.file_rows import FileRows, check_claim
from mixup_cli.sources.reading.bounded_read import check_inflated, read_array

WRITE_AGAIN = "Write it again, with np.save or np.savez."
_LOCAL_HEADER_BYTES = 30
_DIRECTORY_BYTES = 8 << 20
_NPY_HEADER_BYTES = 1 << 14  # NumPy parses 10,000 of them at most, and reads as many as the file says
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
    struct.error,
)
"""What reading a damaged archive raises."""


@dataclass(frozen=True)
class NpyHeader:
    """What stands before the data of a `.npy`: `order` is "C" or "F"; `data_at` is the data's first byte."""

    shape: tuple[int, ...]
    order: str
    dtype: np.dtype[Any]
    data_at: int

    @property
    def data_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def npz_keys(path: Path) -> list[str]:
    """The names of the arrays. Raises DataError for what is no zip archive."""
    with _opened(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def read_npz(path: Path, key: str) -> NDArray[Any] | FileRows:
    """One array of the archive, left in the file if it can be. Raises DataError if it is damaged, or too large to
    inflate."""
    where = f"{path}: {key}"
    with _opened(path) as archive:
        info = archive.getinfo(f"{key}.npy")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # NumPy writes no others
            raise DataError(f"{where}: is compressed in a way that np.savez does not know. {WRITE_AGAIN}")
        with archive.open(info) as stream:
            header = read_npy_header(stream, where)
            if header.data_at + header.data_bytes != info.file_size:
                raise DataError(
                    f"{where}: claims {header.dtype} {header.shape}, {header.data_bytes} bytes, and holds "
                    f"{info.file_size - header.data_at}. {WRITE_AGAIN}"
                )
            if info.compress_type == zipfile.ZIP_STORED and header.data_bytes:
                return _stored(path, header, _data_offset(path, info, where))
            check_inflated(header.data_bytes, info.compress_size, where)
            stream.seek(header.data_at)
            return _inflated(stream, header, where)


def read_npy_header(stream: IO[bytes], where: str) -> NpyHeader:
    """Raises DataError for what is no `.npy`, and for arrays of Python objects or records. Where `stream` then stands
    is not said."""
    try:
        start = io.BytesIO(stream.read(_NPY_HEADER_BYTES))
        version = np.lib.format.read_magic(start)
        if version == (1, 0):
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(start)
        elif version == (2, 0):
            shape, is_fortran, dtype = np.lib.format.read_array_header_2_0(start)
        else:
            raise ValueError(f"version {version}, which only arrays of records need")
    except Exception as error:  # NumPy evaluates the header as a Python literal, and raises what that raises
        raise DataError(f"{where}: has no readable .npy header ({_reason(error)}). {WRITE_AGAIN}") from error
    if dtype.hasobject or dtype.names is not None:
        raise DataError(
            f"{where}: is an array of {dtype}, expected numbers or strings. Make plain numbers of it, and write it "
            "again: nothing is ever unpickled here."
        )
    if shape or not dtype.itemsize:  # a single value is refused where samples are expected, but must have bytes
        check_claim(shape, dtype, where)
    return NpyHeader(tuple(shape), "F" if is_fortran else "C", dtype, start.tell())


def _reason(error: Exception) -> str:
    """What is wrong with a header. What Python says of one that is no dictionary is about Python."""
    if isinstance(error, ValueError | EOFError) and "malformed node" not in str(error):
        return f"{(str(error).splitlines() or ['damaged'])[0]:.200}"
    return "it is no dictionary of descr, fortran_order and shape"


class _Archive(FileIO):
    """A file of which the list of members is not read if there is no end to it."""

    def read(self, size: int | None = -1, /) -> bytes:
        """See `FileIO.read`. Raises BadZipFile where it is asked for more than a list of members takes."""
        if size is not None and size > _DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"its list of members has {size} bytes")
        return super().read(size) or b""


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with _Archive(path) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except _DAMAGED as error:
        found = "it is encrypted" if "is encrypted" in str(error) else error
        raise DataError(f"{path}: is no readable .npz ({found}). {WRITE_AGAIN}") from error
    except OSError as error:
        raise NoInputError(f"{path}: cannot read ({error.strerror or error}). Make it readable.") from error


def _inflated(stream: IO[bytes], header: NpyHeader, where: str) -> NDArray[Any]:
    data = read_array(stream, header.data_bytes)
    if len(data) < header.data_bytes:
        raise DataError(f"{where}: is cut short (found {len(data)} of {header.data_bytes} bytes). {WRITE_AGAIN}")
    return data.view(header.dtype).reshape(header.shape, order=header.order)  # type: ignore[call-overload, no-any-return]


def _data_offset(path: Path, info: zipfile.ZipInfo, where: str) -> int:
    """Where a stored member begins; its local header tells, as the central one may have other extra fields."""
    with path.open("rb") as stream:
        stream.seek(info.header_offset)
        local = stream.read(_LOCAL_HEADER_BYTES)
    if len(local) < _LOCAL_HEADER_BYTES:
        raise DataError(f"{where}: is cut short. {WRITE_AGAIN}")
    name_bytes, extra_bytes = struct.unpack("<HH", local[26:30])
    return int(info.header_offset + _LOCAL_HEADER_BYTES + name_bytes + extra_bytes)


def _stored(path: Path, header: NpyHeader, member_at: int) -> NDArray[Any] | FileRows:
    offset = member_at + header.data_at
    if offset + header.data_bytes > path.stat().st_size:
        raise DataError(f"{path}: is cut short. {WRITE_AGAIN}")
    return rows_in_file(path, header, offset)


def rows_in_file(path: Path, header: NpyHeader, data_at: int) -> NDArray[Any] | FileRows:
    """The array that `header` describes. One in Fortran's order is mapped: its rows are scattered over the file."""
    if header.order == "C" and header.shape:
        return FileRows(path, header.shape, header.dtype, data_at)
    return np.memmap(path, header.dtype, "r", data_at, header.shape, header.order)  # type: ignore[call-overload, no-any-return]
