"""The files inside a CIFAR archive or folder, one after another, without extracting anything.

A tar is read as a stream, once, header by header. Names are compared and never used as paths; links, devices and sparse
files are skipped. `tarfile` reads single headers only: its own stream reader loads name records of any length into
memory.
"""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from mixup_cli.errors import DataError
from mixup_cli.sources.reading.bounded_read import Readable, open_inflated, read_array, read_up_to, skip

NAMES_LIMIT_BYTES = 1 << 20
MEMBER_LIMIT_BYTES = 200_000_000  # the largest of the published archives has 155 MB
ARCHIVE_LIMIT_BYTES = 400_000_000  # the largest has 186 MB in all
PEEKED_BYTES = 32 << 20
MEMBER_COUNT_LIMIT = 1000
FOLDERS = ("cifar-10-batches-py", "cifar-10-batches-bin", "cifar-100-python", "cifar-100-binary")
AGAIN = "Fetch it again."
_BLOCK_BYTES = 512
_TRAILER_LIMIT_BYTES = 1 << 20


@dataclass
class Member:
    """One regular file. `read` returns its bytes, once, and only while it is the current one."""

    name: str
    size_bytes: int
    open: Callable[[], AbstractContextManager[Readable]]
    is_read: bool = False

    @property
    def base_name(self) -> str:
        return PurePosixPath(self.name).name

    @property
    def parent_name(self) -> str:
        return PurePosixPath(self.name).parent.name

    def read(self, location: str, limit_bytes: int = MEMBER_LIMIT_BYTES) -> memoryview:
        """Raises DataError if it is longer than any CIFAR file, or cut short."""
        if self.size_bytes > limit_bytes:
            raise DataError(
                f"{location}: {self.name} has {self.size_bytes} bytes, expected at most {limit_bytes}. "
                f"This is not a CIFAR archive as published. {AGAIN}"
            )
        self.is_read = True
        with self.open() as stream:
            data = read_array(stream, self.size_bytes).data
        if len(data) < self.size_bytes:
            raise DataError(
                f"{location}: {self.name} is cut short (found {len(data)} of {self.size_bytes} bytes). {AGAIN}"
            )
        return data


def members(path: Path, known: re.Pattern[str], peek: bool = False) -> Generator[Member, None, None]:
    """The regular files with a `known` name in the folder or tar at `path` (or in the published folder within it).

    To `peek` yields only the first ones. Raises NoInputError for a missing file, DataError for a damaged or wild
    archive.
    """
    if path.is_dir():
        yield from _folder_members(published_folder(path), known)
        return
    with open_inflated(path, ahead=not peek) as stream:
        for member in _tar_members(stream, str(path), PEEKED_BYTES if peek else ARCHIVE_LIMIT_BYTES):
            if known.fullmatch(member.base_name):
                yield member


def published_folder(path: Path) -> Path:
    """`path`, or the one folder in it that has a published name. Raises DataError if there are several."""
    inner = [path / name for name in FOLDERS if (path / name).is_dir()]
    if len(inner) > 1:
        names = ", ".join(folder.name for folder in inner)
        raise DataError(f"{path}: holds several CIFAR folders ({names}). Give one of them.")
    return inner[0] if inner else path


def _folder_members(folder: Path, known: re.Pattern[str]) -> Iterator[Member]:
    # By name first: the folder may turn out to hold a million images.
    names = sorted(filter(known.fullmatch, os.listdir(folder)))
    files = [file for name in names if (file := folder / name).is_file()]
    sizes = [file.stat().st_size for file in files]
    if sum(sizes) > ARCHIVE_LIMIT_BYTES:
        raise DataError(f"{folder}: {files[0].name} and the like have {sum(sizes)} bytes, more than any CIFAR. {AGAIN}")
    for file, size_bytes in zip(files, sizes, strict=True):
        yield Member(f"{folder.name}/{file.name}", size_bytes, partial(open_inflated, file))


def _tar_members(stream: Readable, location: str, limit_bytes: int) -> Iterator[Member]:
    """The regular files of a tar, in order. Reads to the end mark, to notice an archive that is cut off."""
    inflated_bytes = 0
    for _ in range(MEMBER_COUNT_LIMIT):
        info = _next_header(stream, location)
        if info is None:
            skip(stream, _TRAILER_LIMIT_BYTES)  # on to the end, where gzip checks its own sum
            return
        member = Member(info.name, info.size, lambda: nullcontext(stream))
        if _is_plain_file(info):
            yield member
        inflated_bytes += info.size
        if inflated_bytes > limit_bytes:
            raise DataError(f"{location}: inflates to more than {limit_bytes} bytes, unlike any CIFAR archive. {AGAIN}")
        padded_bytes = -(-info.size // _BLOCK_BYTES) * _BLOCK_BYTES
        rest_bytes = padded_bytes - (info.size if member.is_read else 0)
        if skip(stream, rest_bytes) < rest_bytes:
            raise DataError(f"{location}: is cut short within {info.name}. {AGAIN}")
    raise DataError(f"{location}: has more than {MEMBER_COUNT_LIMIT} members, unlike any CIFAR archive. {AGAIN}")


def _next_header(stream: Readable, location: str) -> tarfile.TarInfo | None:
    """None at the end mark, a block of zeros."""
    block = read_up_to(stream, _BLOCK_BYTES)
    if len(block) < _BLOCK_BYTES:
        raise DataError(f"{location}: is cut short (no end mark). {AGAIN}")
    if not any(block):
        return None
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.TarError as error:
        raise DataError(f"{location}: is not a tar archive, or is damaged ({error}). {AGAIN}") from error
    if info.size < 0:
        raise DataError(f"{location}: {info.name} claims a size of {info.size} bytes. {AGAIN}")
    return info


def _is_plain_file(info: tarfile.TarInfo) -> bool:
    path = PurePosixPath(info.name)
    is_inside = not path.is_absolute() and ".." not in path.parts
    return is_inside and info.type in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
