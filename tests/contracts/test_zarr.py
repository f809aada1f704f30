"""Zarr's exporter keeps the contract, and what it does besides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import zarr

from mixup_cli.choices import ExportFormat
from mixup_cli.exporters.job import Options
from mixup_cli.exporters.run import export
from tests.contracts.exporter_contract import ExporterContract, Values


class TestZarr(ExporterContract):
    to: ClassVar[ExportFormat] = "zarr"

    def read(self, out: Path) -> Values:
        group: Any = zarr.open(out, mode="r")
        return {name: array[:] for name, array in group.arrays()}

    def class_names(self, out: Path) -> Sequence[str]:
        names: Any = zarr.open(out, mode="r").attrs["class_names"]
        return list(names)

    def test_dimensions_have_names_and_rows_lie_in_shards(self, data_set: Path, tmp_path: Path) -> None:
        export(data_set, tmp_path / "out", Options("zarr"))
        group: Any = zarr.open(tmp_path / "out", mode="r")
        images = group["images"]
        assert images.metadata.dimension_names == ("sample", "images_h", "images_w", "images_c")
        assert (images.shards, images.nbytes) == ((2, 4, 5, 3), 7 * 60)
        assert len([*(tmp_path / "out" / "images" / "c").rglob("0")]) > 1
