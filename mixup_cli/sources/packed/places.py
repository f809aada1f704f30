"""Samples in ranges of bytes of larger files, or in objects of a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import Any, ClassVar, NamedTuple, TypeAlias

import numpy as np

from mixup_cli.errors import NoInputError, StorageError
from mixup_cli.sources.packed.inflating import PLAIN, member_of
from mixup_cli.sources.reading.base import Stamps
from mixup_cli.sources.reading.containers import Container
from mixup_cli.sources.reading.encoded import FILE_BYTES, MACHINE_ERRNOS, Encoded, Undecodable

FAR_LIMIT = 64
"""How many samples of a store are asked for at once …"""

RUN_BYTES, GAP_BYTES = 8 << 20, 64 << 10
"""… in requests of about this size at most, over gaps that take less time to read than another request."""

REQUESTS = 8
"""At a time, for each worker."""

SPANS = np.dtype(
    [("file", "<i4"), ("start", "<i8"), ("stop", "<i8"), ("size", "<i8"), ("method", "<i2"), ("crc", "<u4")]
)


class Span(NamedTuple):
    """Where a sample lies: bytes start … stop−1 of the container with this number. `size` is its size as a file; it is
    packed by `method`, as zips number them, with this CRC-32, unless that is PLAIN."""

    file: int
    start: int
    stop: int
    size: int
    method: int = PLAIN
    crc: int = 0


Places: TypeAlias = tuple[Sequence[Container], Sequence[Span | str]]
"""Containers, and the ranges of all samples in them, or why one cannot be read."""


class Packed(Encoded):
    """Samples at `places`, one for each key, in the order of the keys. A subclass decodes them, and takes what else is
    given."""

    far_limit: ClassVar[int] = FAR_LIMIT

    def __init__(self, *given: Any, places: Places, **how: Any) -> None:
        self._containers, found = places
        self._spans = np.array([Span(0, 0, 0, 0) if isinstance(each, str) else each for each in found], SPANS)
        self._problems = {index: each for index, each in enumerate(found) if isinstance(each, str)}
        self._is_far = any(each.is_far for each in self._containers)
        if self._is_far:
            self.load_limit = self.far_limit
        super().__init__(*given, **how)

    def name_of(self, index: int) -> str:
        """See `Source.name_of`: with the archive, or the URL."""
        return f"{self.location}/{self.keys[index]}"

    def stored_bytes(self) -> Sequence[int]:
        """See `Source.stored_bytes`."""
        return self._spans["size"].tolist()  # type: ignore[no-any-return]

    def stamps(self) -> Stamps | None:
        """See `Source.stamps`: a sample has those of its file. None where each one is a file of a store."""
        if self._is_far and len(self._containers) == len(self):
            return None
        found = np.array([each.stamp() for each in self._containers], np.int64).reshape(-1, 4)
        return Stamps(found[self._spans["file"]], self.reading)

    def files(self) -> Iterator[str]:
        """See `Source.files`."""
        return (each.name for each in self._containers if not each.is_far)

    def changed(self) -> str | None:
        """See `Source.changed`."""
        with ThreadPoolExecutor(REQUESTS) as pool:
            changed = pool.map(lambda each: each.has_changed(), self._containers)
            return next((each.name for each, is_it in zip(self._containers, changed, strict=True) if is_it), None)

    def read(self, index: int) -> bytes:
        """See `Encoded.read`."""
        return self._member({}, index)

    def reader(self, start: int, stop: int) -> Callable[[int], bytes]:
        """See `Encoded.reader`: from a store, neighbours come together, and several requests run at a time."""
        if not self._is_far or stop - start == 1:
            return self.read
        with ThreadPoolExecutor(REQUESTS) as pool:
            fetched = dict(chain.from_iterable(pool.map(self._fetched, self._runs(start, stop))))
        return partial(self._member, fetched)

    def _member(self, fetched: Mapping[int, bytes], index: int) -> bytes:
        span = self._span(index)
        data = fetched.get(index)
        if data is None:
            data = read_range(self._containers[span.file], span.start, span.stop)
        return data if span.method == PLAIN else member_of(data, span.size, span.method, span.crc)

    def _runs(self, start: int, stop: int) -> Iterator[list[tuple[int, Span]]]:
        """Samples start … stop−1 that can be read, in runs that lie side by side."""
        spans: list[tuple[int, Span]] = []
        for index in range(start, stop):
            with suppress(Undecodable):
                spans.append((index, self._span(index)))
        run: list[tuple[int, Span]] = []
        for index, span in sorted(spans, key=itemgetter(1)):
            last, first = (run[-1][1], run[0][1]) if run else (span, span)
            is_near = span.file == last.file and span.start - last.stop <= GAP_BYTES
            if run and not (is_near and span.stop - first.start <= RUN_BYTES):
                yield run
                run = []
            run.append((index, span))
        if run:
            yield run

    def _fetched(self, run: list[tuple[int, Span]]) -> list[tuple[int, bytes]]:
        """The bytes of a run; none if they cannot be read, which `read` then says of each."""
        (_, first), stop = run[0], max(span.stop for _, span in run)
        try:
            data = read_range(self._containers[first.file], first.start, stop)
        except Undecodable:
            return []
        return [(index, data[span.start - first.start : span.stop - first.start]) for index, span in run]

    def _span(self, index: int) -> Span:
        if (problem := self._problems.get(index)) is not None:
            raise Undecodable(problem)
        span = Span(*self._spans[index].item())
        check_size(max(span.size, span.stop - span.start))
        return span


def read_range(container: Container, start: int, stop: int) -> bytes:
    """Bytes start … stop−1 of a container. Raises Undecodable if they cannot be read, and StorageError if no sample
    could be."""
    try:
        return container.read(start, stop)
    except NoInputError as error:
        raise Undecodable("cannot read (no such file in the store)") from error
    except OSError as error:
        if error.errno in MACHINE_ERRNOS:
            raise StorageError(f"{container.name}: cannot read ({error.strerror}).") from error
        raise Undecodable(f"cannot read {container.name} ({error.strerror or error})") from error


def check_size(size_bytes: int) -> None:
    """Raises Undecodable for more bytes than a sample may have."""
    if size_bytes > FILE_BYTES:
        raise Undecodable(f"has {size_bytes} bytes, more than a sample may have ({FILE_BYTES})")
