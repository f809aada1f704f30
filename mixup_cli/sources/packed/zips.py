"""The members of a zip: `zipfile` reads the list of them, and `inflating` each one, from its own range of bytes."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
from pathlib import Path

from mixup_cli.errors import DataError
from mixup_cli.sources.packed.inflating import METHODS
from mixup_cli.sources.packed.places import Span
from mixup_cli.sources.reading.containers import FAR_BYTES, Container, head_of
from mixup_cli.sources.reading.names import escape_name, inner_name

LIST_BYTES = 512 << 20
"""The longest list of members that is read: of several million."""

_ENCRYPTED = 1
_DOS = 0
_DAMAGED = (zipfile.BadZipFile, EOFError, NotImplementedError, UnicodeDecodeError, ValueError, struct.error)


def looks_like_zip(path: Path) -> bool:
    """Whether a file is a zip, by its name or its content."""
    return path.is_file() and (path.suffix.lower() == ".zip" or head_of(path, 4) == b"PK\3\4")


class _Bounded(io.BufferedReader):
    """A file whose list of members is not read if it has no end."""

    def read(self, size: int | None = -1, /) -> bytes:
        """See `io.BufferedReader.read`. Raises BadZipFile if it is asked for more than a list of members takes."""
        if size is not None and size > LIST_BYTES:
            raise zipfile.BadZipFile(f"its list of members has {size} bytes")
        return super().read(size)


def members(container: Container) -> dict[str, Span | str]:
    """Where each member lies that is not a folder, or why it cannot be read. Raises DataError for a damaged zip, and
    for one with members that are encrypted or packed in another way."""
    where = escape_name(container.name)
    try:
        with _Bounded(container.raw(), FAR_BYTES) as file, zipfile.ZipFile(file) as archive:
            listed, end = archive.infolist(), archive.start_dir
    except _DAMAGED as error:
        raise DataError(f"{where}: is not a readable zip ({error}). Fetch it again.") from error
    listed.sort(key=lambda info: info.header_offset)
    ends = [*(after.header_offset for after in listed[1:]), end]
    found: dict[str, Span | str] = {}
    for info, stop in zip(listed, ends, strict=False):
        name = info.filename.replace("\\", "/") if info.create_system == _DOS else info.filename
        if name.endswith("/"):
            continue
        name = inner_name(name, where, found)
        _check_readable(info, where, name)
        # Up to the next member: those that overlap, as in bombs, are cut short.
        start, stop, size = min(info.header_offset, end), min(stop, end), min(info.file_size, sys.maxsize)
        found[name] = Span(0, start, stop, size, info.compress_type, info.CRC)
    return found


def _check_readable(info: zipfile.ZipInfo, where: str, name: str) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise DataError(f"{where}: {escape_name(name)} is encrypted. Unpack it with its password, and give the folder.")
    if info.compress_type not in METHODS:
        packed = zipfile.compressor_names.get(info.compress_type, str(info.compress_type))  # type: ignore[attr-defined]
        found = f"{where}: {escape_name(name)} is packed by {packed}, and only deflate is read in place"
        raise DataError(f"{found}. Unpack it, and give the folder.")
