"""Containers opened, changed inside and closed again, with all sizes and checksums put right.

`inner` changes what is inside.
"""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from random import Random
from typing import TypeVar

from tests.fuzz.mutating import Mutation, bytewise, in_place

GZIP_MAGIC = b"\x1f\x8b"
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
TAR_BLOCK = 512

Part = TypeVar("Part")


def in_gzip(inner: Mutation, draw: Random, data: bytes) -> bytes:
    """What is not compressed is changed as it is."""
    if not data.startswith(GZIP_MAGIC):
        return inner(draw, data)
    changed = inner(draw, gzip.decompress(data))
    cut = draw.choice([0, len(changed), draw.randrange(len(changed) + 1)])
    pieces = [piece for piece in (changed[:cut], changed[cut:]) if piece] or [b""]
    return b"".join(gzip.compress(piece, draw.choice([0, 6]), mtime=0) for piece in pieces)


def in_tar(inner: Mutation, draw: Random, data: bytes) -> bytes:
    """Members are changed, added or removed, or their headers are."""
    members = list(_tar_members(data))
    number = draw.randrange(len(members))
    header, content = members[number]
    match draw.randrange(4):
        case 0:
            members[number] = with_tar_sum(in_place(draw, header)), content
        case 1:
            members = exchanged(draw, members)
        case _:
            content = inner(draw, content)
            header = header[:124] + b"%011o\0" % len(content) + header[136:]
            members[number] = with_tar_sum(header), content
    padded = ((header, content + bytes(-len(content) % TAR_BLOCK)) for header, content in members)
    return b"".join(map(b"".join, padded)) + bytes(2 * TAR_BLOCK)


def _tar_members(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each header, and the content behind it."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for info in tar:
            yield data[info.offset : info.offset_data], data[info.offset_data : info.offset_data + info.size]


def with_tar_sum(header: bytes) -> bytes:
    """The sum is over the header with blanks in its own place."""
    blank = header[:148] + b" " * 8 + header[156:]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


def in_zip(inner: Mutation, draw: Random, data: bytes) -> bytes:
    """Members are changed, or how they are compressed, or what they are called, or which there are."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info.filename, info.compress_type, archive.read(info)) for info in archive.infolist()]
    number = draw.randrange(len(members))
    name, method, content = members[number]
    match draw.randrange(6):
        case 0:
            members[number] = bytewise(draw, name.encode()).decode("utf-8", "ignore")[:99], method, content
        case 1:
            methods = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
            members[number] = name, draw.choice(methods), inner(draw, content)
        case 2:
            members = exchanged(draw, members)
        case _:
            members[number] = name, method, inner(draw, content)
    return _zipped(members)


def _zipped(members: Sequence[tuple[str, int, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two members of one name it warns
        for name, method, content in members:
            info = zipfile.ZipInfo(name or "x")
            info.compress_type = method
            archive.writestr(info, content)
    return out.getvalue()


def in_png(draw: Random, data: bytes) -> bytes:
    """Chunks are changed, pixels before they are compressed; other pictures keep their offsets."""
    if not data.startswith(PNG_MAGIC):
        return in_place(draw, data)
    chunks = list(_png_chunks(data))
    number = draw.randrange(len(chunks))
    kind, content = chunks[number]
    if draw.random() < 0.2:
        chunks = exchanged(draw, chunks)
    elif kind == b"IDAT" and draw.random() < 0.7:
        chunks[number] = kind, zlib.compress(bytewise(draw, zlib.decompress(content)))
    else:
        chunks[number] = kind, draw.choice([in_place, bytewise])(draw, content or b"\0")
    return PNG_MAGIC + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(PNG_MAGIC)
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += length + 12


def exchanged(draw: Random, parts: Sequence[Part]) -> list[Part]:
    """One part left out, put in again somewhere, or all of them in another order."""
    left = list(parts)
    part = left.pop(draw.randrange(len(left)))
    match draw.randrange(3):
        case 0:
            return left
        case 1:
            at = draw.randrange(len(left) + 1)
            return [*left[:at], *[part] * draw.choice([1, 2, 20]), *left[at:]]
    return draw.sample(parts, len(parts))
