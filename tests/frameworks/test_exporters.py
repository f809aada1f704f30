"""The exporters whose libraries are heavy keep the contract, and what each does besides."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from mixup_cli.choices import ExportFormat
from mixup_cli.errors import UsageError
from mixup_cli.exporters.job import Options
from mixup_cli.exporters.run import export
from mixup_cli.image_format import ImageFormat
from mixup_cli.readers.numpy import MixedArrays
from tests.contracts.exporter_contract import DTYPES, ExporterContract, Values
from tests.docs.pages import ROOT, run_page
from tests.running import Runner


def stacked(rows: Sequence[Mapping[str, Any]]) -> Values:
    """Rows as columns, in the types that they have in a data set."""
    columns = {name: np.stack([np.asarray(row[name]) for row in rows]) for name in rows[0]}
    return {name: values if name == "images" else values.astype(DTYPES[name]) for name, values in columns.items()}


class BySampleContract(ExporterContract):
    """What stores samples one after another."""

    def test_samples_that_no_encoding_holds_are_arrays(self, run_cli: Runner, tmp_path: Path) -> None:
        samples = np.random.default_rng(3).random((6, 4, 5, 3), np.float32)
        np.savez(tmp_path / "floats.npz", x=samples, y=np.arange(6) % 2)
        assert run_cli("generate", tmp_path / "floats.npz", "-q", "-o", tmp_path / "floats").returncode == 0
        self.export(tmp_path / "floats", tmp_path / "out", columns=("images", "labels"))
        expected = MixedArrays(tmp_path / "floats").images(range(6))
        np.testing.assert_array_equal(self.read(tmp_path / "out")["images"], expected, strict=True)


class TestTfRecord(BySampleContract):
    to: ClassVar[ExportFormat] = "tfrecord"

    def read(self, out: Path) -> Values:
        import tensorflow as tf

        described = json.loads((out / "features.json").read_bytes())["features"]
        features = {name: tf.io.FixedLenFeature(each["shape"], each["dtype"]) for name, each in described.items()}

        def decoded(columns: dict[str, Any]) -> dict[str, Any]:
            for name, each in described.items():
                if each.get("encoding") == "raw":
                    values = tf.io.decode_raw(columns[name], each["array_dtype"])
                    columns[name] = tf.reshape(values, each["array_shape"])
                elif "encoding" in each:
                    columns[name] = tf.io.decode_image(columns[name])
            return columns

        records = tf.data.TFRecordDataset(sorted(map(str, out.glob("*.tfrecord"))))
        parsed = records.map(lambda record: decoded(tf.io.parse_single_example(record, features)))
        return stacked([*parsed.as_numpy_iterator()])

    def class_names(self, out: Path) -> Sequence[str]:
        names: Sequence[str] = json.loads((out / "features.json").read_bytes())["class_names"]
        return names


DECODING = pytest.mark.filterwarnings("ignore:The image decoding and:DeprecationWarning")  # torchvision's, of litdata


@DECODING
class TestLitData(BySampleContract):
    to: ClassVar[ExportFormat] = "litdata"

    def read(self, out: Path) -> Values:
        from litdata import StreamingDataset

        if find_spec("torchvision") is None:
            return stacked([*StreamingDataset(str(out), shuffle=False, serializers={"image": Decoding()})])
        rows = [*StreamingDataset(str(out), shuffle=False)]
        if "images" in rows[0] and not isinstance(rows[0]["images"], np.ndarray):
            rows = [{**row, "images": row["images"].permute(1, 2, 0).numpy()} for row in rows]
        return stacked(rows)

    def class_names(self, out: Path) -> Sequence[str]:
        return class_names(out)

    def test_its_loader_gives_batches_of_tensors(self, data_set: Path, tmp_path: Path) -> None:
        from litdata import StreamingDataLoader, StreamingDataset

        self.export(data_set, tmp_path / "out", columns=("labels", "index"))
        batches = StreamingDataLoader(StreamingDataset(str(tmp_path / "out")), batch_size=3)
        labels = np.concatenate([batch["labels"] for batch in batches])
        np.testing.assert_array_equal(labels, MixedArrays(data_set).labels(range(7)))


def Decoding() -> Any:  # noqa: N802  # a class, once its base is imported
    """litdata's images, decoded by Pillow: its own serializer needs torchvision, which this environment lacks."""
    import io

    from litdata.streaming.serializers import ImageSerializer

    class Pillow(ImageSerializer):  # type: ignore[misc]
        def deserialize(self, data: bytes) -> Any:
            return np.array(Image.open(io.BytesIO(data)))

    return Pillow()


class TestMds(BySampleContract):
    to: ClassVar[ExportFormat] = "mds"

    @pytest.fixture(autouse=True)
    def _streaming(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stand_in(monkeypatch)

    def read(self, out: Path) -> Values:
        from streaming import StreamingDataset

        return stacked([*StreamingDataset(local=str(out), batch_size=1, shuffle=False)])

    def class_names(self, out: Path) -> Sequence[str]:
        return class_names(out)

    @pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # merge_index closes nothing
    def test_the_index_is_the_one_that_the_library_merges(self, data_set: Path, tmp_path: Path) -> None:
        from streaming.base.util import merge_index

        self.export(data_set, tmp_path / "out")
        indexes = sorted(map(str, (tmp_path / "out").glob("0*/index.json")))
        merge_index(indexes, str(tmp_path / "merged"), keep_local=True)
        merged, ours = (json.loads((tmp_path / name / "index.json").read_bytes()) for name in ("merged", "out"))
        assert merged == ours

    def test_it_has_no_webp(self, data_set: Path, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="MDS has no encoding for it"):
            self.export(data_set, tmp_path / "out", image_format=ImageFormat("webp", 90))


@DECODING
@pytest.mark.parametrize(("to", "library"), [("mds", "streaming"), ("litdata", "litdata")])
def test_the_snippets_that_need_torchvision(
    to: ExportFormat, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: Runner
) -> None:
    if find_spec("torchvision") is None:
        pytest.skip("SKIPPED: torchvision not installed; make test-torchvision has it")
    monkeypatch.chdir(shutil.copytree(ROOT / "sample_data" / "photos", tmp_path / "photos"))
    assert run_cli("generate", "--size", 64, "-q", "-o", "mixed").returncode == 0
    export("mixed", Path(f"mixed-{to}"), Options(to))
    page = (ROOT / "docs" / "exporting.md").read_text()
    (snippet,) = (text for text in re.findall(r"^```py\n(.*?)^```$", page, re.S | re.M) if f"from {library} " in text)
    exec(snippet, {})


@pytest.mark.skipif(find_spec("tensorflow") is None, reason="make test-frameworks has it")
def test_the_page(tmp_path: Path) -> None:
    """`make test` runs the rest of it."""
    run_page("docs/exporting.md", tmp_path, r"generate .*-o mixed |tfrecord")


def class_names(out: Path) -> Sequence[str]:
    names: Sequence[str] = json.loads((out / "mixup-gen.json").read_bytes())["class_names"]
    return names


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """MosaicML's library imports torchvision and transformers, for data sets and models of theirs, and asks for older
    versions of them than this environment can hold. Here, modules without content stand for them.
    `make test-torchvision` runs these tests with both."""
    if find_spec("torchvision") is not None:
        return
    for module, names in {
        "torchvision.datasets": ["VisionDataset"],
        "torchvision.transforms.functional": ["to_tensor"],
        "transformers.models.auto.tokenization_auto": ["AutoTokenizer"],
        "transformers.feature_extraction_utils": ["BatchFeature"],
        "transformers.tokenization_utils_base": ["BatchEncoding"],
    }.items():
        for depth in range(1, module.count(".") + 2):
            package = ".".join(module.split(".")[:depth])
            if package not in sys.modules:
                monkeypatch.setitem(sys.modules, package, ModuleType(package))
        for name in names:
            setattr(sys.modules[module], name, type(name, (), {}))
