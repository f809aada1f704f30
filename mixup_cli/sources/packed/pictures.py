"""Images in ranges of bytes of larger files, or in objects of a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import NoInputError, StorageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.packed.inflating import PLAIN, member_of
from mixup_cli.sources.pictures.damage import MACHINE_ERRNOS
from mixup_cli.sources.pictures.decode import Undecodable
from mixup_cli.sources.pictures.encoded import FILE_BYTES, EncodedPictures
from mixup_cli.sources.reading.base import Stamps
from mixup_cli.sources.reading.containers import Container

FAR_LIMIT = 64
"""How many images of a store are asked for at once …"""

RUN_BYTES, GAP_BYTES = 8 << 20, 64 << 10
"""… in requests of about this size at most, over gaps that take less time to read than another request."""

REQUESTS = 8
"""At a time, for each worker."""

SPANS = np.dtype(
    [("file", "<i4"), ("start", "<i8"), ("stop", "<i8"), ("size", "<i8"), ("method", "<i2"), ("crc", "<u4")]
)


class Span(NamedTuple):
    """Where an image lies: bytes start … stop−1 of the container with this number. `size` is its size as a file; it is
    packed by `method`, as zips number them, with this CRC-32, unless that is PLAIN."""

    file: int
    start: int
    stop: int
    size: int
    method: int = PLAIN
    crc: int = 0


NOWHERE = Span(0, 0, 0, 0)


@dataclass(frozen=True)
class Spans:
    """The ranges of all images, as an array of SPANS, in these containers; and by the index of an image, why it cannot
    be read (`problems`)."""

    containers: Sequence[Container]
    rows: NDArray[np.void]
    problems: Mapping[int, str]

    @classmethod
    def of(cls, containers: Sequence[Container], found: Sequence[Span | str]) -> Spans:
        """Those of images that were found, or not, and then why not."""
        rows = np.array([NOWHERE if isinstance(each, str) else each for each in found], SPANS)
        return cls(containers, rows, {index: each for index, each in enumerate(found) if isinstance(each, str)})


class PackedPictures(EncodedPictures):
    """Images at `spans`, one for each key, in the order of the keys."""

    def __init__(
        self, location: str, keys: Sequence[str], labels: Labels, notices: Sequence[str], spans: Spans, max_pixels: int
    ) -> None:
        super().__init__(location, keys, labels, notices, max_pixels=max_pixels)
        self._spans = spans
        self._is_far = any(each.is_far for each in spans.containers)
        if self._is_far:
            self.load_limit = FAR_LIMIT

    def name_of(self, index: int) -> str:
        """See `Source.name_of`: with the archive, or the URL."""
        return f"{self.location}/{self.keys[index]}"

    def stored_bytes(self) -> Sequence[int]:
        """See `Source.stored_bytes`."""
        return self._spans.rows["size"].tolist()  # type: ignore[no-any-return]

    def stamps(self) -> Stamps | None:
        """See `Source.stamps`: an image has those of its file. None where each image is a file of a store."""
        if self._is_far and len(self._spans.containers) == len(self):
            return None
        found = np.array([each.stamp() for each in self._spans.containers], np.int64).reshape(-1, 4)
        return Stamps(found[self._spans.rows["file"]], self.reading)

    def files(self) -> Iterator[str]:
        """See `Source.files`."""
        return (each.name for each in self._spans.containers if not each.is_far)

    def changed(self) -> str | None:
        """See `Source.changed`."""
        with ThreadPoolExecutor(REQUESTS) as pool:
            changed = pool.map(lambda each: each.has_changed(), self._spans.containers)
            return next((each.name for each, is_it in zip(self._spans.containers, changed, strict=True) if is_it), None)

    def read(self, index: int) -> bytes:
        """See `EncodedPictures.read`."""
        span = self._span(index)
        return self._unpacked(span, self._bytes(span.file, span.start, span.stop))

    def reader(self, start: int, stop: int) -> Callable[[int], bytes]:
        """See `EncodedPictures.reader`: from a store, neighbours come together, and several requests run at a time."""
        if not self._is_far or stop - start == 1:
            return self.read
        with ThreadPoolExecutor(REQUESTS) as pool:
            found = dict(pair for pairs in pool.map(self._fetched, self._runs(start, stop)) for pair in pairs)
        return partial(_given, found, self.read)

    def _runs(self, start: int, stop: int) -> Iterator[list[tuple[int, Span]]]:
        """Images start … stop−1 that lie side by side."""
        spans = [
            (index, Span(*self._spans.rows[index].item()))
            for index in range(start, stop)
            if index not in self._spans.problems
        ]
        run: list[tuple[int, Span]] = []
        for index, span in sorted(spans, key=lambda each: each[1]):
            last, first = (run[-1][1], run[0][1]) if run else (span, span)
            is_near = span.file == last.file and span.start - last.stop <= GAP_BYTES
            if run and not (is_near and span.stop - first.start <= RUN_BYTES):
                yield run
                run = []
            run.append((index, span))
        if run:
            yield run

    def _fetched(self, run: list[tuple[int, Span]]) -> list[tuple[int, bytes | Undecodable]]:
        """The images of a run, or why they cannot be read."""
        start, stop = run[0][1].start, max(span.stop for _, span in run)
        found: list[tuple[int, bytes | Undecodable]] = []
        try:
            data = self._bytes(run[0][1].file, start, stop)
        except Undecodable as problem:
            return [(index, problem) for index, _ in run]
        for index, span in run:
            try:
                found.append((index, self._unpacked(span, data[span.start - start : span.stop - start])))
            except Undecodable as problem:
                found.append((index, problem))
        return found

    def _span(self, index: int) -> Span:
        if (problem := self._spans.problems.get(index)) is not None:
            raise Undecodable(problem)
        span = Span(*self._spans.rows[index].item())
        if max(span.size, span.stop - span.start) > FILE_BYTES:
            raise Undecodable(f"has {span.size} bytes, more than a picture may have ({FILE_BYTES})")
        return span

    def _bytes(self, number: int, start: int, stop: int) -> bytes:
        container = self._spans.containers[number]
        try:
            return container.read(start, stop)
        except NoInputError as error:
            raise Undecodable("cannot read (no such file in the store)") from error
        except OSError as error:
            if error.errno in MACHINE_ERRNOS:
                raise StorageError(f"{container.name}: cannot read ({error.strerror}).") from error
            raise Undecodable(f"cannot read {container.name} ({error.strerror or error})") from error

    def _unpacked(self, span: Span, data: bytes) -> bytes:
        return data if span.method == PLAIN else member_of(data, span.size, span.method, span.crc)


def _given(found: Mapping[int, bytes | Undecodable], read: Callable[[int], bytes], index: int) -> bytes:
    data = found.get(index)
    if isinstance(data, Undecodable):
        raise data
    return read(index) if data is None else data
