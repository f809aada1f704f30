"""A list of picture files as a source."""
# Paths stay strings: a Path for each of millions of files takes seconds and much memory.

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.sources.base import Labels, Loaded, SampleDtype, Source, Survey, Target
from mixup_cli.sources.decode import Undecodable, decode, read_header

SUFFIXES = frozenset(["bmp", "dib", "gif", "jfif", "jpe", "jpeg", "jpg", "png", "tif", "tiff", "webp"])
"""What a folder walk takes for a picture, in lower case. The content decides how it is decoded."""


def escape_name(name: str) -> str:
    r"""A file name as text that UTF-8 can encode, never the same for two names.

    Bytes that are not UTF-8 (lone surrogates, as `os.fsdecode` gives them) become `\xNN`, and a backslash is doubled.
    """
    if name.isascii() and "\\" not in name:
        return name
    doubled = name.replace("\\", "\\\\")
    try:
        doubled.encode("utf-8")
    except UnicodeEncodeError:
        return "".join(_escape_surrogate(letter) for letter in doubled)
    return doubled


def _escape_surrogate(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # The range in which `surrogateescape` keeps a byte.
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if 0xD800 <= code <= 0xDFFF else letter


class PictureSource(Source):
    """Pictures in files: `paths` are relative to `root` (or absolute), one for each key, in the order of the keys."""

    kind: ClassVar[str] = "pictures"

    def __init__(
        self, root: str, paths: Sequence[str], labels: Labels, notices: Sequence[str] = (), *, max_pixels: int
    ) -> None:
        super().__init__(root, [escape_name(path) for path in paths], labels, notices)
        self._root = root
        self._paths = paths
        self._max_pixels = max_pixels

    def path(self, index: int) -> str:
        """Where the file of one sample lies."""
        return os.path.join(self._root, self._paths[index])

    def survey(self, limit: int | None = None) -> Survey:
        """See `Source.survey`. Headers that cannot be read, or admit too many pixels, are left to the scan."""
        count = len(self) if limit is None else min(limit, len(self))
        sizes: Counter[tuple[int, int]] = Counter()
        dtypes: Counter[SampleDtype] = Counter()
        channels: Counter[int] = Counter()
        for step in range(count):
            try:
                with open(self.path(step * len(self) // count), "rb") as file:
                    header = read_header(file)
            except (OSError, Undecodable):
                continue
            if header.height * header.width <= self._max_pixels:
                sizes[header.height, header.width] += 1
                dtypes[header.dtype] += 1
                channels[header.channels] += 1
        return Survey(sizes, dtypes, channels)

    def stored_bytes(self) -> Sequence[int]:
        """See `Source.stored_bytes`."""
        return [_stored_bytes(self.path(index)) for index in range(len(self))]

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """See `Source.load`. A file that cannot be read has 0 stored bytes and no hash."""
        return [self._load_one(index, target, out[index - start]) for index in range(start, stop)]

    def _load_one(self, index: int, target: Target, out: NDArray[np.generic]) -> Loaded:
        try:
            with open(self.path(index), "rb") as file:
                data = file.read()
        except (OSError, ValueError) as error:  # ValueError: a NUL byte in the path.
            return Loaded(0, "", f"cannot read ({getattr(error, 'strerror', None) or error})")
        digest = hashlib.sha256(data).hexdigest()
        try:
            out[...] = decode(data, target, self.keys[index], self._max_pixels)
        except Undecodable as error:
            return Loaded(len(data), digest, str(error))
        return Loaded(len(data), digest)


def _stored_bytes(path: str) -> int:
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return -1
