"""Hugging Face's own files on disk, which `datasets.load_from_disk` maps into memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from datasets import DatasetInfo, Features
from datasets.arrow_writer import ArrowWriter

from mixup_cli.exporters.exporter import Notes
from mixup_cli.exporters.hugging_face import SPLIT, HuggingFace
from mixup_cli.exporters.job import Job, Piece
from mixup_cli.storage.json_files import to_json


class Arrow(HuggingFace):
    """`data-00000-of-00010.arrow` for each piece, with `state.json` and `dataset_info.json`."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self._features = Features.from_dict(self.features())

    def write(self, piece: Piece, folder: Path) -> Notes:
        """See `Exporter.write`."""
        name = _name(piece)
        with ArrowWriter(features=self._features, path=str(folder / name)) as writer:
            for table in self.job.blocks(piece.rows, self.table(self._features.arrow_schema)):
                writer.write_table(table)
            writer.finalize()
        return {}

    def close(self, folder: Path, notes: Sequence[Notes]) -> None:
        """See `Exporter.close`. What `Dataset.save_to_disk` writes, but for a fingerprint that follows from the job."""
        DatasetInfo(features=self._features, description=to_json(self.job.facts()).decode()).write_to_directory(
            str(folder)
        )
        state: dict[str, object] = {
            "_data_files": [{"filename": _name(piece)} for piece in self.job.pieces()],
            "_fingerprint": hashlib.sha256(to_json(self.job.wanted)).hexdigest()[:16],
            "_format_columns": None,
            "_format_kwargs": {},
            "_format_type": None,
            "_output_all_columns": False,
            "_split": SPLIT,
        }
        (folder / "state.json").write_bytes(to_json(state))


def _name(piece: Piece) -> str:
    return f"data-{piece.number:05}-of-{piece.count:05}.arrow"
