"""Every exporter keeps the contract, and what each does besides."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.choices import ExportFormat
from mixup_cli.exporters.job import Options
from mixup_cli.exporters.run import export
from tests.contracts.exporter_contract import DTYPES, ExporterContract, Values, leaving_files_open


def stacked(rows: Iterable[dict[str, Any]]) -> dict[str, NDArray[Any]]:
    """Rows as columns, in the types that they have in a data set."""
    listed = list(rows)
    return {name: np.array([row[name] for row in listed]).astype(DTYPES[name]) for name in listed[0]}


class TestWebDataset(ExporterContract):
    to: ClassVar[ExportFormat] = "webdataset"

    def read(self, out: Path) -> Values:
        with leaving_files_open():
            return stacked([*map(self.row, samples(out))])

    def row(self, sample: dict[str, Any]) -> dict[str, Any]:
        row = {"images": sample.get("png", sample.get("jpg")), **sample["json"]}
        if "labels.npy" in sample:
            shares = dict(zip(("cat", "dog"), sample["labels.npy"].tolist(), strict=True))
            assert row.pop("classes") == {name: share for name, share in shares.items() if share}
            row["labels"] = sample["labels.npy"]
        if "method" in row:
            row["method"] = ["mixup"].index(row["method"])
        return row

    def class_names(self, out: Path) -> Sequence[str]:
        return (out / "classes.txt").read_text().splitlines()


def samples(out: Path) -> Iterable[dict[str, Any]]:
    """As WebDataset decodes them."""
    import webdataset

    tars = sorted(map(str, out.glob("*.tar")))
    read: Iterable[dict[str, Any]] = webdataset.WebDataset(tars, shardshuffle=False).decode("rgb8")
    return read


class TestImageFolder(ExporterContract):
    to: ClassVar[ExportFormat] = "imagefolder"

    @pytest.fixture(autouse=True)
    def _cache(self, hugging_face_cache: None) -> None:
        """What `load_dataset` makes goes into a folder of the test's."""

    def read(self, out: Path) -> Values:
        from datasets import load_dataset

        with leaving_files_open():
            table = load_dataset("imagefolder", data_dir=str(out), split="train")
        columns = {name: [table[name]] for name in table.column_names if name != "image"}
        found: dict[str, NDArray[Any]] = {"images": np.stack([np.array(image) for image in table["image"]])}
        for name, dtype in DTYPES.items():
            parts = (
                ["cat", "dog"] if name == "labels" else [each for each in columns if each.rpartition("_")[0] == name]
            )
            parts = [each for each in parts if each in columns] or [name] * (name in columns)
            values = [np.array(table[each]) for each in parts]
            if parts == ["method"]:
                values = [np.array([["mixup"].index(each) for each in table["method"]])]
            if values:
                found[name] = (np.stack(values, axis=1) if parts != [name] else values[0]).astype(dtype)
        return found

    def class_names(self, out: Path) -> Sequence[str]:
        return (out / "metadata.csv").read_text().splitlines()[0].split(",")[1:3]


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


class HuggingFaceContract(ExporterContract):
    """What `datasets` reads."""

    @pytest.fixture(autouse=True)
    def _cache(self, hugging_face_cache: None) -> None:
        """What `load_dataset` makes goes into a folder of the test's."""

    def load(self, out: Path) -> Any:
        raise NotImplementedError

    def read(self, out: Path) -> Values:
        table = self.load(out)
        assert all(isinstance(each, Image.Image) for each in table["images"])
        return stacked({**row, "images": np.array(row["images"])} for row in table)

    def class_names(self, out: Path) -> Sequence[str]:
        import json

        facts: dict[str, Any] = json.loads(self.facts(out))
        names: Sequence[str] = facts["class_names"]
        return names

    def facts(self, out: Path) -> str | bytes:
        raise NotImplementedError


class TestParquet(HuggingFaceContract):
    to: ClassVar[ExportFormat] = "parquet"

    def load(self, out: Path) -> Any:
        from datasets import load_dataset

        return load_dataset(str(out), split="train")

    def facts(self, out: Path) -> bytes:
        from pyarrow import parquet

        facts: bytes = parquet.read_schema(min(out.glob("*.parquet"))).metadata[b"mixup_gen"]
        return facts


class TestArrow(HuggingFaceContract):
    to: ClassVar[ExportFormat] = "arrow"

    def load(self, out: Path) -> Any:
        from datasets import load_from_disk

        return load_from_disk(str(out))

    def facts(self, out: Path) -> str:
        facts: str = self.load(out).info.description
        return facts
