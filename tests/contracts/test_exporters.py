"""Every exporter keeps the contract, and what each does besides."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from mixup_cli.choices import ExportFormat
from mixup_cli.exporters.job import Options
from mixup_cli.exporters.run import export
from tests.contracts.exporter_contract import ExporterContract, Values


class TestNpz(ExporterContract):
    to: ClassVar[ExportFormat] = "npz"

    def read(self, out: Path) -> Values:
        shards = [np.load(path) for path in sorted(out.glob("*.npz"))]
        names = {*shards[0]} - {"class_names", "mixup_gen"}
        return {name: np.concatenate([shard[name] for shard in shards]) for name in names}

    def class_names(self, out: Path) -> Sequence[str]:
        names: Sequence[str] = np.load(out / "shard-00000.npz")["class_names"].tolist()
        return names

    def test_the_bytes_are_those_of_numpys_own_savez(self, data_set: Path, tmp_path: Path) -> None:
        export(data_set, tmp_path / "all.npz", Options("npz"))
        written = io.BytesIO()
        np.savez(written, **np.load(tmp_path / "all.npz"))
        assert written.getvalue() == (tmp_path / "all.npz").read_bytes()
