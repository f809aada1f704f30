"""`.npz`: a zip archive of `.npy` members, read without unpickling and without believing its headers.

A member that is stored uncompressed, as np.savez does, is read where it lies. A compressed one is inflated into memory,
up to a limit.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import FileIO
from pathlib import Path

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.sources.arrays.array_file import ArrayFile
from mixup_cli.sources.arrays.npy import WRITE_AGAIN, read_npy_header
from mixup_cli.sources.arrays.stored import Layout, StoredArray

_LOCAL_HEADER_BYTES = 30
_DIRECTORY_BYTES = 8 << 20
_ENCRYPTED = 1
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
    struct.error,
)
"""What reading a damaged archive raises."""


class NpzFile(ArrayFile):
    """The arrays in a `.npz`."""

    def __init__(self, path: Path) -> None:
        with _opened(path) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        super().__init__(path, names)

    def read(self, key: str) -> StoredArray:
        """See `ArrayFile.read`. Raises DataError also for what is too large to inflate."""
        where = f"{self.path}: {key}"
        with _opened(self.path) as archive:
            info = archive.getinfo(f"{key}.npy")
            if info.flag_bits & _ENCRYPTED:
                raise DataError(f"{self.path}: is not a readable .npz (it is encrypted).", WRITE_AGAIN)
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # NumPy writes no others
                raise DataError(f"{where}: is compressed in a way that np.savez does not know.", WRITE_AGAIN)
            with archive.open(info) as stream:
                layout = read_npy_header(stream, where)
                layout.check_length(info.file_size - layout.data_at)
                if info.compress_type == zipfile.ZIP_STORED and layout.data_bytes:
                    return self._stored(layout, info)
                stream.seek(layout.data_at)
                return layout.inflated(stream, info.compress_size)

    def _stored(self, layout: Layout, info: zipfile.ZipInfo) -> StoredArray:
        """A member where it lies. Its local header says where: the central one can have other extra fields."""
        with self.path.open("rb") as stream:
            stream.seek(info.header_offset)
            local = stream.read(_LOCAL_HEADER_BYTES)
        name_bytes, extra_bytes = struct.unpack_from("<HH", local, 26)
        data_at = info.header_offset + _LOCAL_HEADER_BYTES + name_bytes + extra_bytes + layout.data_at
        if data_at + layout.data_bytes > self.path.stat().st_size:
            raise DataError(f"{self.path}: is cut short.", WRITE_AGAIN)
        return replace(layout, data_at=data_at).left_in(self.path)


class _Archive(FileIO):
    """A file whose list of members is not read if it has no end."""

    def read(self, size: int | None = -1, /) -> bytes:
        """See `FileIO.read`. Raises BadZipFile if it is asked for more than a list of members takes."""
        if size is not None and size > _DIRECTORY_BYTES:
            raise zipfile.BadZipFile(f"its list of members has {size} bytes")
        return super().read(size) or b""


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with _Archive(path) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except _DAMAGED as error:
        raise DataError(f"{path}: is not a readable .npz ({error}).", WRITE_AGAIN) from error
    except OSError as error:
        raise NoInputError(f"{path}: cannot read ({error.strerror or error}). Make it readable.") from error
