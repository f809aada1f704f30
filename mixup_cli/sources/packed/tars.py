"""The members of a tar, read where they lie. Nothing is extracted, and no name becomes a path.

Not by `tarfile.TarFile`, which loads name records of any length into memory, and follows links.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tarfile import nti  # type: ignore[attr-defined]  # numbers in octal digits or, if they are large, in bytes
from typing import NamedTuple

from mixup_cli.errors import DataError
from mixup_cli.sources.packed.places import Span
from mixup_cli.sources.reading.containers import Container, FrontToBack, head_of
from mixup_cli.sources.reading.names import escape_name, inner_name

AGAIN = "Fetch it again."
RECORD_BYTES = 1 << 20
"""The longest record of names and times that is read."""

COMPRESSED = {b"\x1f\x8b": "gunzip", b"BZh": "bunzip2", b"\xfd7zXZ": "unxz", b"\x28\xb5\x2f\xfd": "unzstd"}
_BLOCK_BYTES = 512
_PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_RECORDS = (*_PAX, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_LINKS = (tarfile.LNKTYPE, tarfile.SYMTYPE)
_EMPTY = (*_LINKS, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
"""Whatever size their headers claim."""


class Member(NamedTuple):
    """A member that is not a folder: where it lies, or why it has no bytes of its own; `content` if that was asked
    for."""

    name: str
    place: Span | str
    content: bytes | None


class _Header(NamedTuple):
    """What a header block says (POSIX.1-1988, and GNU's names). `tarfile.TarInfo` takes four times as long."""

    type: bytes
    name: str
    size: int
    link: str


def looks_like_tar(path: Path) -> bool:
    """Whether a file is a tar, by its name or its content."""
    return path.is_file() and (path.suffix.lower() == ".tar" or head_of(path, 262).endswith(b"ustar"))


def members(
    container: Container, number: int = 0, wanted: Callable[[str], bool] = lambda name: False
) -> Iterator[Member]:
    """The members in order, as spans of the container with this number, with the content of those that are `wanted`.
    Reads to the end mark, to notice a tar that is cut off. Raises DataError for a damaged or compressed tar."""
    where, source, at = escape_name(container.name), FrontToBack(container), 0
    records: dict[str, str] = {}
    seen: set[str] = set()
    while (info := _header(source, at, where, container.size)) is not None:
        start = at + _BLOCK_BYTES
        if info.type in _RECORDS:
            if info.size > RECORD_BYTES:
                raise DataError(f"{where}: has a name or record of {info.size} bytes. {AGAIN}")
            record = source.read(start, start + info.size)
            if info.type == tarfile.GNUTYPE_LONGNAME:
                records["path"] = _text(record)
            elif info.type in _PAX:
                records |= _pax(record, where)
            at = start + _padded(info.size)
            continue
        name, size = records.get("path", info.name), _size(records, info, where)
        if info.type == tarfile.GNUTYPE_SPARSE or any(each.startswith("GNU.sparse") for each in records):
            found = f"{where}: stores {escape_name(name)} as a sparse file"
            raise DataError(f"{found}, which cannot be read in place. Make the archive again without that.")
        if start + size > container.size:
            raise DataError(f"{where}: is cut short within {escape_name(name)}. {AGAIN}")
        if info.type != tarfile.DIRTYPE and not name.endswith("/"):
            name, is_file = inner_name(name, where, seen), info.type in _PLAIN
            seen.add(name)
            is_wanted = is_file and size <= RECORD_BYTES and wanted(name)
            content = source.read(start, start + size) if is_wanted else None
            yield Member(name, Span(number, start, start + size, size) if is_file else _no_file(info), content)
        records, at = {}, start + _padded(size)


def _header(source: FrontToBack, at: int, where: str, size: int) -> _Header | None:
    """None at the end mark, a block of zeros."""
    if at + _BLOCK_BYTES > size:
        raise DataError(f"{where}: is cut short (no end mark). {AGAIN}")
    block = source.read(at, at + _BLOCK_BYTES)
    if not any(block):
        return None
    for magic, tool in COMPRESSED.items() if not at else ():
        if block.startswith(magic):
            raise DataError(f"{where}: is compressed, so its members cannot be read in place. Unpack it with {tool}.")
    try:
        if sum(block) - sum(block[148:156]) + 8 * ord(" ") != nti(block[148:156]):
            raise tarfile.HeaderError("its checksum is wrong")
        length = nti(block[124:136])
    except tarfile.HeaderError as error:
        raise DataError(f"{where}: is not a tar archive, or is damaged at byte {at} ({error}). {AGAIN}") from error
    name, prefix = _text(block[:100]), _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    name = f"{prefix}/{name}" if prefix else name
    if length < 0:
        raise DataError(f"{where}: {escape_name(name)} claims a size of {length} bytes. {AGAIN}")
    return _Header(block[156:157], name, length, _text(block[157:257]))


def _text(field: bytes) -> str:
    """A text up to its NUL."""
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _pax(record: bytes, where: str) -> dict[str, str]:
    """The fields of an extended header (POSIX.1-2001): lines `LENGTH KEY=VALUE`, the length with itself and the line
    feed."""
    fields: dict[str, str] = {}
    at, end = 0, len(record.rstrip(b"\0"))
    while at < end:
        digits, _, _ = record[at : at + 8].partition(b" ")
        line = record[at : at + int(digits)] if digits.isdigit() else b""
        at += len(line)
        key, separator, value = line[len(digits) + 1 : -1].partition(b"=")
        if not separator or line[-1:] != b"\n":
            raise DataError(f"{where}: has a damaged extended header. {AGAIN}")
        fields[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
    return fields


def _size(records: dict[str, str], info: _Header, where: str) -> int:
    """The size of what follows a header."""
    if info.type in _EMPTY:
        return 0
    size = records.get("size", "")
    if size and not (size.isdecimal() and len(size) < 20):
        raise DataError(f"{where}: {escape_name(info.name)} claims a size of {size[:30]!r} bytes. {AGAIN}")
    return int(size) if size else info.size


def _no_file(info: _Header) -> str:
    if info.type in _LINKS:
        return f"is a link to {escape_name(info.link)} in the archive, and not a file"
    return "is a device or a pipe in the archive, and not a file"


def _padded(size: int) -> int:
    return -(-size // _BLOCK_BYTES) * _BLOCK_BYTES
