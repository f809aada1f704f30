"""Encoded samples as a source: each is read whole, hashed, and decoded when it is loaded."""

from __future__ import annotations

import errno
import hashlib
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

from numpy.typing import NDArray

from mixup_cli.fields.target import Target
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.loaded import Loaded

FILE_BYTES = 1 << 30
"""What is larger is not a sample, and is not read into memory."""

MACHINE_ERRNOS = frozenset([errno.EMFILE, errno.ENFILE, errno.EIO])
"""Errors of the machine, not of the file that was being read."""


class Undecodable(Exception):
    """A sample cannot be used; the text is the reason, short enough to stand behind "KEY: "."""


class Encoded(Source):
    """A subclass says how the bytes of one sample are read, decoded and checked."""

    load_limit: int | None = 1
    portable = True

    @abstractmethod
    def read(self, index: int) -> bytes:
        """The bytes of one sample. Raises Undecodable if it cannot be read, DataError if it changes meanwhile, and
        StorageError if no sample could be read."""

    def reader(self, start: int, stop: int) -> Callable[[int], bytes]:
        """What reads samples start … stop−1 one by one, as `read` does. It may have fetched all of them."""
        return self.read

    @abstractmethod
    def decode(self, index: int, data: bytes, target: Target, out: NDArray[Any]) -> None:
        """Write one sample into `out`, in the target's form, from its bytes. Raises Undecodable and FormMismatch."""

    @abstractmethod
    def check(self, index: int, data: bytes, target: Target) -> None:
        """Raises what `decode` would, as far as its header shows it."""

    @property
    @abstractmethod
    def reading(self) -> tuple[str, ...]:
        """What decides the result of `load` besides the bytes (see `Stamps`)."""

    def rehash(self, index: int) -> str:
        """See `Source.rehash`."""
        try:
            return hashlib.sha256(self.read(index)).hexdigest()
        except Undecodable:
            return ""

    def load(self, start: int, stop: int, target: Target, out: NDArray[Any]) -> list[Loaded]:
        """See `Source.load`. A sample that cannot be read has 0 stored bytes and no hash."""
        read = self.reader(start, stop)
        return [self._load_one(index, read, target, out[index - start]) for index in range(start, stop)]

    def _load_one(self, index: int, read: Callable[[int], bytes], target: Target, out: NDArray[Any]) -> Loaded:
        return _used(index, read, partial(self.decode, index, target=target, out=out))

    def examine(self, start: int, stop: int, target: Target) -> list[Loaded]:
        """See `Source.examine`: by the headers."""
        read = self.reader(start, stop)
        return [_used(index, read, partial(self.check, index, target=target)) for index in range(start, stop)]


def _used(index: int, read: Callable[[int], bytes], use: Callable[[bytes], None]) -> Loaded:
    """Read and hash a sample, and `use` its bytes."""
    try:
        data = read(index)
    except Undecodable as error:
        return Loaded(0, "", str(error))
    digest = hashlib.sha256(data).hexdigest()
    try:
        use(data)
    except Undecodable as error:
        return Loaded(len(data), digest, str(error))
    return Loaded(len(data), digest)
