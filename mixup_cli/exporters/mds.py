"""MosaicML's MDS, which `streaming.StreamingDataset` reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from streaming import MDSWriter

from mixup_cli.errors import UsageError
from mixup_cli.exporters.by_sample import FACTS, BySample
from mixup_cli.exporters.exporter import Notes
from mixup_cli.exporters.job import Job, Piece
from mixup_cli.readers.samples import Part
from mixup_cli.storage.json_files import to_json

INDEX = "index.json"
SHARD_BYTES = 1 << 30
"""A shard's most: its offsets are numbers of 32 bits."""


class Mds(BySample):
    """A folder of MDS for each piece, as the library's `merge_index` takes them, and the index of all."""

    def __init__(self, job: Job) -> None:
        if job.image_format and job.image_format.encoding == "webp":
            found = "MDS has no encoding for it."
            raise UsageError(found, "Pass png or jpeg:95.", field="image_format", value=job.image_format)
        super().__init__(job)

    def write(self, piece: Piece, folder: Path) -> Notes:
        """See `Exporter.write`."""
        place = folder / f"{piece.number:05}"
        columns = {part.name: self._encoding(part) for part in self.job.parts}
        with MDSWriter(columns=columns, out=str(place), size_limit=SHARD_BYTES) as writer:
            for sample in self.samples(piece.rows):
                writer.write(sample)
        shards = json.loads((place / INDEX).read_bytes())["shards"]
        for shard in shards:
            shard["raw_data"]["basename"] = f"{place.name}/{shard['raw_data']['basename']}"
        return {"shards": shards}

    def close(self, folder: Path, notes: Sequence[Notes]) -> None:
        """See `Exporter.close`. The index is what `streaming.base.util.merge_index` makes of those of the pieces."""
        (folder / FACTS).write_bytes(to_json(self.job.facts()))
        index = {"version": 2, "shards": [shard for each in notes for shard in each["shards"]]}
        (folder / INDEX).write_text(json.dumps(index, sort_keys=True))

    def _encoding(self, part: Part) -> str:
        if part.name in self.encoders:
            return self.encoding_of(part.name)
        if not part.shape:
            return part.dtype.name
        return f"ndarray:{part.dtype.name}:{','.join(map(str, part.shape))}"
