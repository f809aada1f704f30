"""Exporters of pictures with objects keep the contract, and what each does besides."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.choices import ExportFormat
from mixup_cli.errors import UsageError
from mixup_cli.exporters.job import Options
from mixup_cli.exporters.run import export
from mixup_cli.fields.objects import OBJECT_COLUMNS
from mixup_cli.image_format import ImageFormat
from mixup_cli.listener import Listener
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.recipe import MethodChoice
from tests.contracts.exporter_contract import ExporterContract, Values
from tests.data_sets import columns
from tests.object_sources import POINTS, SIZE, write_detection
from tests.unit.storage.small_data_set import write_data_set


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven rows in three shards, with boxes, keypoints and a crowd."""
    return write_detection(tmp_path_factory.mktemp("objects"), keypoints=True)


class ObjectContract(ExporterContract):
    """`read` gives the images, and those columns of objects that the format has; `lacks` says which it has not."""

    lacks: ClassVar[frozenset[str]] = frozenset()
    has_crowds: ClassVar[bool] = True

    @pytest.fixture
    def data_set(self, made: Path, tmp_path: Path) -> Path:
        shutil.copytree(made, tmp_path / "data-set")
        return tmp_path / "data-set"

    def expected(self, data_set: Path, rows: slice = slice(None)) -> list[dict[str, NDArray[Any]]]:
        """The objects of each row that the format has."""
        stored = columns(data_set)
        found = []
        for row in range(7)[rows]:
            kept = np.arange(stored["object_count"][row])
            if not self.has_crowds:
                kept = kept[stored["object_crowd"][row, kept] == 0]
            names = [name for name in OBJECT_COLUMNS if name != "object_count" and name not in self.lacks]
            found.append({name: stored[name][row, kept] for name in names})
        return found

    def objects(self, out: Path) -> list[dict[str, NDArray[Any]]]:
        """The objects of each row, in order, as the format has them."""
        raise NotImplementedError

    def assert_same(self, found: Sequence[dict[str, NDArray[Any]]], wanted: Sequence[dict[str, NDArray[Any]]]) -> None:
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert {*one} == {*other}
            for name in one:
                assert one[name].shape == other[name].shape
                np.testing.assert_allclose(one[name], other[name], atol=1e-5, err_msg=name)

    def read(self, out: Path) -> Values:
        paths = sorted(each for each in out.rglob("0*.*") if each.suffix in (".png", ".jpg") and each.is_file())
        return {"images": np.stack([np.array(Image.open(path)) for path in paths if ".mixup-gen" not in str(path)])}

    def test_its_own_library_reads_every_value(self, data_set: Path, tmp_path: Path) -> None:
        exported = self.export(data_set, tmp_path / "out")
        assert (exported.state, exported.rows) == ("exported", 7)
        self.assert_same(self.objects(tmp_path / "out"), self.expected(data_set))
        images = self.read(tmp_path / "out")["images"]
        np.testing.assert_array_equal(images, MixedArrays(data_set).images(range(7)), strict=True)

    def test_some_rows_and_columns(self, data_set: Path, tmp_path: Path) -> None:
        """Some rows; of columns, all that the format has."""
        self.export(data_set, tmp_path / "out", rows=(2, 5))
        self.assert_same(self.objects(tmp_path / "out"), self.expected(data_set, slice(2, 5)))
        with pytest.raises(UsageError, match=f"{self.to} has pictures and objects, always. Leave it out"):
            self.export(data_set, tmp_path / "few", columns=("images", "object_box"))

    def test_a_picture_without_objects(self, tmp_path: Path) -> None:
        folder = write_detection(tmp_path, keypoints=True, methods=(MethodChoice("none", 1.0, {}),))
        self.export(folder, tmp_path / "out")
        found = self.objects(tmp_path / "out")
        assert [len(each["object_class"]) for each in found].count(0) == 1
        self.assert_same(found, self.expected(folder))

    def test_a_data_set_without_objects_is_refused(self, tmp_path: Path) -> None:
        write_data_set(tmp_path / "classes")
        with pytest.raises(UsageError, match=r"classes has no objects, whose boxes .*\. Use, for example, webdataset"):
            self.export(tmp_path / "classes", tmp_path / "out")
        assert not (tmp_path / "out").exists()


class TestCoco(ObjectContract):
    to: ClassVar[ExportFormat] = "coco"

    def objects(self, out: Path) -> list[dict[str, NDArray[Any]]]:
        from pycocotools.coco import COCO

        read = COCO(out / "annotations.json")
        assert sorted(read.anns) == [*range(1, len(read.anns) + 1)]
        found = []
        for row in sorted(read.imgs):
            assert (out / "images" / read.imgs[row]["file_name"]).is_file()
            assert (read.imgs[row]["height"], read.imgs[row]["width"]) == SIZE
            entries = read.loadAnns(read.getAnnIds(imgIds=row))
            for each in entries:
                assert each["num_keypoints"] == sum(seen > 0 for seen in each["keypoints"][2::3])
                assert each["area"] == pytest.approx(each["bbox"][2] * each["bbox"][3], rel=1e-5)
            box = np.array([each["bbox"] for each in entries]).reshape(-1, 4)
            found.append(
                {
                    "object_box": np.concatenate([box[:, :2], box[:, :2] + box[:, 2:]], axis=1),
                    "object_class": np.array([each["category_id"] - 1 for each in entries]),
                    "object_weight": np.array([each["weight"] for each in entries]),
                    "object_visible": np.array([each["visible"] for each in entries]),
                    "object_parent": np.array([each["parent"] for each in entries]),
                    "object_id": np.array([each["source_id"] for each in entries]),
                    "object_crowd": np.array([each["iscrowd"] for each in entries]),
                    "keypoints": np.array([each["keypoints"] for each in entries]).reshape(-1, 3, 3),
                }
            )
        return found

    def class_names(self, out: Path) -> Sequence[str]:
        categories = json.loads((out / "annotations.json").read_text())["categories"]
        assert [each["id"] for each in categories] == [1, 2]
        assert all(each["keypoints"] == [*POINTS] for each in categories)
        return [each["name"] for each in categories]

    def test_other_columns_stand_beside_each_picture(self, data_set: Path, tmp_path: Path) -> None:
        self.export(data_set, tmp_path / "out")
        known = json.loads((tmp_path / "out" / "annotations.json").read_text())
        stored = columns(data_set)
        for row, each in enumerate(known["images"]):
            assert each["source_index"] == stored["source_index"][row].tolist()
            np.testing.assert_array_equal(np.float32(each["share"]), stored["share"][row])
            assert (each["id"], each["method"]) == (row, "mixup")
        assert known["info"]["boxes"].startswith("x1, y1, x2, y2 in pixels")
        assert known["info"]["mirrored_keypoints"] == [0, 2, 1]


class TestYolo(ObjectContract):
    to: ClassVar[ExportFormat] = "yolo"
    lacks: ClassVar[frozenset[str]] = frozenset({*OBJECT_COLUMNS} - {"object_box", "object_class", "keypoints"})
    has_crowds: ClassVar[bool] = False

    def objects(self, out: Path) -> list[dict[str, NDArray[Any]]]:
        height, width = SIZE
        found = []
        for picture in sorted((out / "images").iterdir()):
            lines = (out / "labels" / picture.with_suffix(".txt").name).read_text().splitlines()
            values = np.array([[float(each) for each in line.split()] for line in lines]).reshape(-1, 5 + 9)
            assert ((values[:, 1:5] >= 0) & (values[:, 1:5] <= 1)).all()
            centre, sides = values[:, 1:3] * [width, height], values[:, 3:5] * [width, height]
            found.append(
                {
                    "object_box": np.concatenate([centre - sides / 2, centre + sides / 2], axis=1),
                    "object_class": values[:, 0],
                    "keypoints": values[:, 5:].reshape(-1, 3, 3) * [width, height, 1],
                }
            )
        return found

    def class_names(self, out: Path) -> Sequence[str]:
        known = yaml.safe_load((out / "data.yaml").read_text())
        assert (known["train"], known["nc"], known["kpt_shape"], known["flip_idx"]) == ("images", 2, [3, 3], [0, 2, 1])
        assert known["kpt_names"] == {0: [*POINTS], 1: [*POINTS]}
        return [known["names"][number] for number in range(2)]


class TestVoc(ObjectContract):
    to: ClassVar[ExportFormat] = "voc"
    lacks: ClassVar[frozenset[str]] = frozenset({"object_parent", "object_id", "keypoints"})

    def objects(self, out: Path) -> list[dict[str, NDArray[Any]]]:
        found = []
        for stem in (out / "ImageSets" / "Main" / "train.txt").read_text().split():
            root = ET.parse(out / "Annotations" / f"{stem}.xml").getroot()
            assert (out / root.findtext("folder", "") / root.findtext("filename", "")).is_file()
            assert tuple(int(root.findtext(f"size/{name}", "")) for name in ("height", "width", "depth")) == (*SIZE, 3)
            entries = root.findall("object")
            boxes = [
                [float(each.findtext(f"bndbox/{n}", "")) for n in ("xmin", "ymin", "xmax", "ymax")] for each in entries
            ]
            visible = np.array([float(each.findtext("visible", "")) for each in entries])
            assert [each.findtext("truncated") for each in entries] == [str(int(part < 1)) for part in visible]
            found.append(
                {
                    "object_box": np.array(boxes).reshape(-1, 4) - [1, 1, 0, 0],
                    "object_class": np.array([("cat", "dog").index(each.findtext("name", "")) for each in entries]),
                    "object_weight": np.array([float(each.findtext("weight", "")) for each in entries]),
                    "object_visible": visible,
                    "object_crowd": np.array([int(each.findtext("difficult", "")) for each in entries]),
                }
            )
        return found

    def class_names(self, out: Path) -> Sequence[str]:
        names = re.findall("<name>(.*?)</name>", "".join(each.read_text() for each in out.rglob("*.xml")))
        return sorted({*names})


class Heard(Listener):
    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)


def test_what_a_format_lacks_is_said_once(made: Path, tmp_path: Path) -> None:
    said: dict[str, list[str]] = {}
    for name, options in {
        "coco": Options("coco"),
        "yolo": Options("yolo"),
        "voc": Options("voc"),
        "jpeg": Options("voc", image_format=ImageFormat("jpeg", 95)),
    }.items():
        heard = Heard()
        for _ in range(2):
            export(made, tmp_path / name, options, listener=heard)
        said[name] = heard.notices
    assert said["coco"] == []
    assert [text.partition(":")[0] for text in said["yolo"]] == ["yolo has boxes without weights"]
    assert [text.partition(":")[0] for text in said["voc"]] == [
        "voc has boxes alone",
        "torchvision's VOCDetection and others look for JPEGImages/….jpg",
    ]
    assert said["jpeg"] == said["voc"][:1]


def test_class_names_that_a_text_cannot_hold(tmp_path: Path) -> None:
    """`<`, `&`, quotes and emoji are written as each format wants them; a control character is refused."""
    for number, name in enumerate(('a<b>&"c": d\u00e9\U0001f600', "bell\x07", "line\u2028end")):
        folder = write_detection(tmp_path / str(number), names=(name, "dog"))
        for to in ("yolo", "voc"):
            out = tmp_path / f"{number}-{to}"
            if number:
                with pytest.raises(UsageError, match=rf"the name '.*' has characters that {to} cannot hold. Use coco"):
                    export(folder, out, Options(to))
            else:
                export(folder, out, Options(to))
        export(folder, tmp_path / f"{number}-coco", Options("coco"))
        known = json.loads((tmp_path / f"{number}-coco" / "annotations.json").read_text())
        assert known["categories"][0]["name"] == name
    assert yaml.safe_load((tmp_path / "0-yolo" / "data.yaml").read_text())["names"][0] == 'a<b>&"c": d\u00e9\U0001f600'
    found = [ET.parse(each).getroot() for each in (tmp_path / "0-voc").rglob("*.xml")]
    assert 'a<b>&"c": d\u00e9\U0001f600' in {each.text for root in found for each in root.iter("name")}


@pytest.mark.parametrize("to", ["npz", "webdataset", "imagefolder", "parquet", "arrow", "zarr"])
def test_other_formats_have_the_columns_of_objects(to: ExportFormat, made: Path, tmp_path: Path) -> None:
    export(made, tmp_path / "out", Options(to))
    if to == "npz":
        found = [np.load(path) for path in sorted((tmp_path / "out").glob("*.npz"))]
        for name in OBJECT_COLUMNS:
            np.testing.assert_array_equal(np.concatenate([each[name] for each in found]), columns(made)[name])
        facts = json.loads(str(found[0]["mixup_gen"]))
        assert facts["boxes"].startswith("x1, y1, x2, y2")
        assert facts["keypoints"] == [*POINTS]
