"""Parquet with Hugging Face's features: any reader of Parquet has the columns, and `load_dataset` shows pictures."""

from __future__ import annotations

import json
from pathlib import Path

from pyarrow import parquet

from mixup_cli.exporters.exporter import Notes
from mixup_cli.exporters.hugging_face import SPLIT, HuggingFace
from mixup_cli.exporters.job import Job, Piece


class Parquet(HuggingFace):
    """`train-00000-of-00010.parquet` for each piece: the name that Hugging Face's libraries take for a split."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        facts = {"huggingface": {"info": {"features": self.features()}}, "mixup_gen": job.facts()}
        metadata = {name: json.dumps(plain) for name, plain in facts.items()}
        self._schema = self.schema().with_metadata(metadata)

    def write(self, piece: Piece, folder: Path) -> Notes:
        """See `Exporter.write`. Each block of rows is a row group."""
        path = folder / f"{SPLIT}-{piece.number:05}-of-{piece.count:05}.parquet"
        with parquet.ParquetWriter(path, self._schema) as writer:
            for table in self.job.blocks(piece.rows, self.table(self._schema)):
                writer.write_table(table)
        return {}
