"""litdata's optimized format, which `litdata.StreamingDataset` reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import litdata
import numpy as np
from litdata.streaming.writer import BinaryWriter

from mixup_cli.exporters.by_sample import FACTS, BySample
from mixup_cli.exporters.exporter import Notes
from mixup_cli.exporters.job import Piece
from mixup_cli.fields.axes import lengths
from mixup_cli.fields.signal import Signal
from mixup_cli.storage.json_files import to_json

INDEX = "index.json"
CHUNK_BYTES = 1 << 30
"""A chunk's most: its offsets are numbers of 32 bits."""


class LitData(BySample):
    """A chunk for each piece, `chunk-0-N.bin` for the one whose first row is N, and the index of all.

    The library's own `optimize` starts processes and writes the time into the index. `BinaryWriter` is what it writes
    with, and in place of the time stands a hash of what is exported: readers compare it with that of their cache.
    """

    def encodes(self, signal: Signal) -> bool:
        """See `BySample.encodes`. litdata decodes images to three channels, whatever they had."""
        return super().encodes(signal) and lengths(signal.shape, signal.axes, "c") == (3,)

    def write(self, piece: Piece, folder: Path) -> Notes:
        """See `Exporter.write`."""
        writer = BinaryWriter(str(folder), chunk_bytes=CHUNK_BYTES, chunk_index=piece.start)
        for row, sample in enumerate(self.samples(piece.rows), piece.start):
            writer[row] = {name: self._value(value) for name, value in sample.items()}
        writer.done()
        (index,) = folder.glob(f"*.{INDEX}")
        notes: Notes = json.loads(index.read_bytes())
        index.unlink()
        return notes

    def close(self, folder: Path, notes: Sequence[Notes]) -> None:
        """See `Exporter.close`."""
        (folder / FACTS).write_bytes(to_json(self.job.facts()))
        content = {"chunks": [chunk for each in notes for chunk in each["chunks"]], "config": notes[0]["config"]}
        wanted = hashlib.sha256(to_json([self.job.wanted, content])).hexdigest()
        (folder / INDEX).write_text(json.dumps({**content, "updated_at": wanted}, sort_keys=True))

    def _value(self, value: Any) -> Any:
        if isinstance(value, bytes):
            return litdata.Image(path=f"image.{self.image_format.ending}", bytes=value)
        return value.item() if isinstance(value, np.generic) else value
