"""What formats share that store samples one after another, each with a value for every column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.exporters.exporter import Exporter
from mixup_cli.exporters.images import can_hold, check_images, encoder
from mixup_cli.exporters.job import Job
from mixup_cli.fields.signal import Signal
from mixup_cli.image_format import ImageFormat
from mixup_cli.readers.samples import Part
from mixup_cli.storage.hdf5.columns import EncodedColumn

FACTS = "mixup-gen.json"
"""The file with what a stranger must know of the columns (`Job.facts`), where a format has no place for it."""


class BySample(Exporter):
    """Signals are encoded images if the encoding holds them, else arrays. Raises UsageError if images are to be encoded
    otherwise than by default, and cannot be."""

    encodes_images: ClassVar[bool] = True

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.image_format = job.image_format or ImageFormat()
        if self.image_format != ImageFormat():
            check_images(job.signals, self.image_format, job.options.to)
        self.encoders = {
            part.name: self._encoder(part)
            for part in job.parts
            if part.name in job.signals and self.encodes(job.signals[part.name])
        }
        """What gives the encoded images of some rows, by column."""

    def _encoder(self, part: Part) -> Callable[[NDArray[np.int64]], list[bytes]]:
        signal, column = self.job.signals[part.name], self.job.arrays.column(part.name)
        image_format = self.format_of(signal)
        encode = encoder(signal, image_format)
        if isinstance(column, EncodedColumn) and column.encoding == image_format:
            return column.encoded  # as they are: a lossy encoding would lose something again
        return lambda rows: encode(part.read(rows))

    def encodes(self, signal: Signal) -> bool:
        """Whether a signal becomes encoded images."""
        return can_hold(signal, self.format_of(signal))

    def format_of(self, signal: Signal) -> ImageFormat:
        """How a signal is encoded: an index map without loss, since its numbers are names."""
        return ImageFormat() if signal.is_index_map else self.image_format

    def encoding_of(self, name: str) -> str:
        """The encoding of a signal, by its name: png or another."""
        return self.format_of(self.job.signals[name]).encoding

    def ending_of(self, name: str) -> str:
        """The ending of the files of a signal."""
        return self.format_of(self.job.signals[name]).ending

    def samples(self, rows: NDArray[np.int64]) -> Iterator[dict[str, Any]]:
        """The columns of each of some rows: bytes of an encoded image, an array, or a scalar of NumPy's."""
        names = [part.name for part in self.job.parts]
        for columns in self.job.blocks(rows, self._columns):
            for values in zip(*columns, strict=True):
                yield dict(zip(names, values, strict=True))

    def _columns(self, rows: NDArray[np.int64]) -> list[Any]:
        return [self.encoders.get(part.name, part.read)(rows) for part in self.job.parts]
