"""WebDataset: tars in which the members of a sample stand together, `000000017.png` beside `000000017.json`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray
from webdataset import TarWriter

from mixup_cli.exporters.by_sample import FACTS, BySample
from mixup_cli.exporters.exporter import Notes
from mixup_cli.exporters.job import Piece
from mixup_cli.storage.json_files import to_json

CLASSES = "classes.txt"
"""The file with the names of the classes, one a line, beside the tars."""


class WebDataset(BySample):
    """A sample is `png` (or `jpg`, `webp`), `labels.npy`, float32 (K), and `json` with the small columns, in which
    `classes` has the names of its classes with their shares. Other signals are `NAME.png`, or `NAME.npy` if no image
    holds them."""

    streams: ClassVar[bool] = True

    def write(self, piece: Piece, folder: Path) -> Notes:
        """See `Exporter.write`."""
        with (folder / f"shard-{piece.number:05}.tar").open("wb", 1 << 20) as file:
            self.write_file(piece.rows, file)
        return {}

    def write_file(self, rows: NDArray[np.int64], file: BinaryIO) -> None:
        """See `Exporter.write_file`."""
        with TarWriter(file, mtime=0) as tar:
            for row, sample in zip(rows.tolist(), self.samples(rows), strict=True):
                tar.write({"__key__": f"{row:09}", **self._members(sample)})

    def _members(self, sample: dict[str, Any]) -> dict[str, Any]:
        """A sample by the endings of its members, by which the library encodes arrays and plain data."""
        members, small = dict[str, Any](), dict[str, Any]()
        for name, value in sample.items():
            if isinstance(value, bytes):
                ending = self.ending_of(name)
                members[ending if name == next(iter(self.job.signals)) else f"{name}.{ending}"] = value
            elif name == "labels" or name in self.job.signals:
                members[f"{name}.npy"] = value
            else:
                small[name] = self.job.manifest.methods[value] if name == "method" else value.tolist()
        if "labels" in sample:
            shares = zip(self.job.class_names, sample["labels"].tolist(), strict=True)
            small["classes"] = {name: share for name, share in shares if share}
        return {**members, "json": small}

    def close(self, folder: Path, notes: Sequence[Notes]) -> None:
        """See `Exporter.close`."""
        (folder / FACTS).write_bytes(to_json(self.job.facts()))
        if self.job.class_names:
            (folder / CLASSES).write_text("".join(f"{name}\n" for name in self.job.class_names), "utf-8")
