"""WebDataset: tars in which the members of a sample stand together, `000000017.png` beside `000000017.json`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray
from webdataset import TarWriter

from mixup_cli.exporters.exporter import Exporter, Notes
from mixup_cli.exporters.image_format import ImageFormat
from mixup_cli.exporters.images import check_images, encoder
from mixup_cli.exporters.job import Block, Job, Piece
from mixup_cli.fields.signal import FIRST
from mixup_cli.storage.json_files import to_json

CLASSES, FACTS = "classes.txt", "mixup-gen.json"
"""The files beside the tars: a name of a class a line, and what a stranger must know of the columns."""


class WebDataset(Exporter):
    """A sample is `png` (or `jpg`, `webp`), `labels.npy`, float32 (K), and `json` with the small columns, in which
    `classes` has the names of its classes with their shares. Signals beside the images are `NAME.npy`."""

    encodes_images: ClassVar[bool] = True
    streams: ClassVar[bool] = True

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        image_format = job.image_format or ImageFormat()
        check_images(job.signals, image_format, "webdataset")
        self._ending = image_format.ending
        self._encode = encoder(job.signals[FIRST], image_format) if FIRST in job.signals else None

    def write(self, piece: Piece, folder: Path) -> Notes:
        """See `Exporter.write`."""
        with (folder / f"shard-{piece.number:05}.tar").open("wb", 1 << 20) as file:
            self.write_file(piece.rows, file)
        return {}

    def write_file(self, rows: NDArray[np.int64], file: BinaryIO) -> None:
        """See `Exporter.write_file`."""
        with TarWriter(file, encoder=False, mtime=0) as tar:
            for samples in self.job.blocks(rows, self._samples):
                for sample in samples:
                    tar.write(sample)

    def close(self, folder: Path, notes: Sequence[Notes]) -> None:
        """See `Exporter.close`."""
        (folder / FACTS).write_bytes(to_json(self.job.facts()))
        if self.job.class_names:
            (folder / CLASSES).write_text("".join(f"{name}\n" for name in self.job.class_names), "utf-8")

    def _samples(self, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
        """Some rows, each as its members."""
        block = dict(self.job.read(rows))
        samples: list[dict[str, Any]] = [{"__key__": f"{row:09}"} for row in rows.tolist()]
        if self._encode is not None:
            for sample, image in zip(samples, self._encode(block.pop(FIRST)), strict=True):
                sample[self._ending] = image
        arrays = {name: block.pop(name) for name in ("labels", *self.job.signals) if name in block}
        for name, values in arrays.items():
            for sample, value in zip(samples, values, strict=True):
                sample[f"{name}.npy"] = _npy(value)
        for sample, small in zip(samples, self._small(len(rows), block, arrays.get("labels")), strict=True):
            sample["json"] = json.dumps(small, ensure_ascii=False).encode()
        return samples

    def _small(self, count: int, block: Block, labels: NDArray[Any] | None) -> Iterator[dict[str, Any]]:
        """What the json of each row holds."""
        lists = {name: values.tolist() for name, values in block.items()}
        if "method" in lists:
            lists["method"] = [self.job.manifest.methods[number] for number in lists["method"]]
        for place in range(count):
            small = {name: values[place] for name, values in lists.items()}
            if labels is not None:
                named = np.flatnonzero(labels[place]).tolist()
                small["classes"] = {self.job.class_names[number]: float(labels[place, number]) for number in named}
            yield small


def _npy(value: NDArray[Any]) -> bytes:
    written = io.BytesIO()
    np.save(written, value)
    return written.getvalue()
