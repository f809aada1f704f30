"""Sources of encoded images keep the contract, wherever the images lie."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path
from shutil import copytree
from typing import ClassVar

import fsspec
import numpy as np
import pytest

from mixup_cli.errors import UsageError
from mixup_cli.sources import SourceOptions, open_source
from tests.contracts.source_contract import SourceContract, loaded
from tests.packed_sources import hugging_face, images_of, put_in_memory, write_tar, write_web_dataset, write_zip
from tests.small_sources import SIZES


class TestFolder(SourceContract):
    @classmethod
    def pack(cls, root: Path, folder: Path, name: str) -> Path:
        return Path(copytree(root, folder / "copy"))


class TestDeflatedZip(SourceContract):
    @classmethod
    def pack(cls, root: Path, folder: Path, name: str) -> Path:
        return write_zip(folder / "a.zip", images_of(root))


class TestStoredZip(SourceContract):
    @classmethod
    def pack(cls, root: Path, folder: Path, name: str) -> Path:
        return write_zip(folder / "a.zip", images_of(root), zipfile.ZIP_STORED)


class TestTar(SourceContract):
    @classmethod
    def pack(cls, root: Path, folder: Path, name: str) -> Path:
        return write_tar(folder / "a.tar", images_of(root))


class TestWebDataset(SourceContract):
    kind, has_same_keys, numbers_classes = "webdataset", False, True

    @classmethod
    def pack(cls, root: Path, folder: Path, name: str) -> Path:
        return write_web_dataset(folder / "tars", root, tar_count=1)


class TestHuggingFaceArrow(SourceContract):
    kind, has_same_keys = "hugging-face", False

    @classmethod
    def pack(cls, root: Path, folder: Path, name: str) -> Path:
        hugging_face(root).save_to_disk(folder / "saved", num_shards=2)
        return folder / "saved"


class TestHuggingFaceParquet(SourceContract):
    kind, has_same_keys = "hugging-face", False

    @classmethod
    def pack(cls, root: Path, folder: Path, name: str) -> Path:
        hugging_face(root).to_parquet(folder / "a.parquet", batch_size=3)
        return folder / "a.parquet"


class Far(SourceContract):
    """In a store in memory."""

    def touch(self, location: str | Path) -> None:
        store = fsspec.filesystem("memory")
        path = str(location).removeprefix("memory:/")
        path = path if store.isfile(path) else sorted(each for each in store.find(path) if each.endswith(".tar"))[-1]
        store.pipe_file(path, store.cat_file(path))  # a new time of creation


class TestFarFolder(Far):
    shows_changes = False

    @classmethod
    def pack(cls, root: Path, folder: Path, name: str) -> str:
        return put_in_memory(root, name)


class TestFarZip(Far):
    @classmethod
    def pack(cls, root: Path, folder: Path, name: str) -> str:
        return put_in_memory(write_zip(folder / "a.zip", images_of(root)), f"{name}.zip")


class TestFarTar(Far):
    @classmethod
    def pack(cls, root: Path, folder: Path, name: str) -> str:
        return put_in_memory(write_tar(folder / "a.tar", images_of(root)), f"{name}.tar")


class TestFarWebDataset(Far):
    kind, has_same_keys, numbers_classes = "webdataset", False, True

    @classmethod
    def pack(cls, root: Path, folder: Path, name: str) -> str:
        return put_in_memory(write_web_dataset(folder / "tars", root, tar_count=1), name)


class Annotated(SourceContract):
    """Images with an object each, whose class is the name of the folder that they came from."""

    has_same_keys = False
    images: ClassVar[str] = "."
    """Where they lie."""

    takes_classes: ClassVar[bool] = True

    @classmethod
    def annotate(cls, root: Path, images: dict[Path, str]) -> None:
        """Write what says that each of the images, below `root`, has a box of its class from 2, 3 to 12, 10."""
        raise NotImplementedError

    @classmethod
    def pack(cls, root: Path, folder: Path, name: str) -> Path:
        packed = folder / name
        images = {}
        for path in images_of(root):
            label, _, rest = path.partition("/")
            image = packed / cls.images / f"{label}-{rest}"
            image.parent.mkdir(parents=True, exist_ok=True)
            image.write_bytes((root / path).read_bytes())
            images[image] = label
        cls.annotate(packed, images)
        return packed

    def touch(self, location: str | Path) -> None:
        os.utime(sorted(each for each in Path(location).rglob("*") if each.suffix in (".jpg", ".png"))[-1], ns=(0, 0))

    def test_samples_and_labels_are_those_of_the_folder(self, photos: Path, location: str | Path) -> None:
        source, folder = open_source([location]), open_source([photos])
        pixels, problems, hashes = loaded(source)
        np.testing.assert_array_equal(pixels, loaded(folder)[0])
        assert problems == [None] * 8
        assert source.objects is not None
        parts = zip(images_of(photos).values(), range(8), strict=True)
        both = [hashlib.sha256(data).digest() + source.objects.digest(number) for data, number in parts]
        assert hashes == [hashlib.sha256(each).hexdigest() for each in both]
        assert source.labels.class_names == ("cat", "dog")
        assert source.objects.classes.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
        np.testing.assert_allclose(source.objects.box, [[2, 3, 12, 10]] * 8, atol=1e-12)
        assert (source.kind, source.labels.kind, source.task) == ("pictures", "none", "detect")

    def test_labels_can_be_left_out(self, location: str | Path) -> None:
        with pytest.raises(UsageError, match="label_kind"):
            open_source([location], SourceOptions(label_kind="none"))
        assert open_source([location], SourceOptions(task="classify")).objects is None

    def test_classes_can_be_given(self, location: str | Path) -> None:
        options = SourceOptions(classes=("dog", "cat"))
        if not self.takes_classes:
            with pytest.raises(UsageError, match="classes"):
                open_source([location], options)
            return
        source = open_source([location], options)
        assert source.objects is not None
        assert source.labels.class_names == ("dog", "cat")
        assert source.objects.classes.tolist() == [1] * 4 + [0] * 4


class TestCoco(Annotated):
    images, takes_classes = "images", False

    @classmethod
    def annotate(cls, root: Path, images: dict[Path, str]) -> None:
        ids = {"cat": 3, "dog": 8}
        content = {
            "images": [{"id": number, "file_name": image.name} for number, image in enumerate(images)],
            "annotations": [
                {"image_id": number, "category_id": ids[label], "bbox": [2, 3, 10, 7]}
                for number, label in enumerate(images.values())
            ],
            "categories": [{"id": number, "name": name} for name, number in ids.items()],
        }
        (root / "annotations.json").write_text(json.dumps(content))


class TestYolo(Annotated):
    images, takes_classes = "images/train", False

    @classmethod
    def annotate(cls, root: Path, images: dict[Path, str]) -> None:
        (root / "data.yaml").write_text("train: images/train\nnames: [cat, dog]\n")
        (root / "labels/train").mkdir(parents=True)
        for image, label in images.items():
            width, height = SIZES[int(image.stem[-1])]
            numbers = (7 / width, 6.5 / height, 10 / width, 7 / height)
            text = " ".join(map(str, [("cat", "dog").index(label), *numbers]))
            (root / f"labels/train/{image.stem}.txt").write_text(text)


class TestVoc(Annotated):
    images = "JPEGImages"

    @classmethod
    def annotate(cls, root: Path, images: dict[Path, str]) -> None:
        (root / "Annotations").mkdir()
        box = "<bndbox><xmin>3</xmin><ymin>4</ymin><xmax>12</xmax><ymax>10</ymax></bndbox>"
        for image, label in images.items():
            text = f"<annotation><object><name>{label}</name>{box}</object></annotation>"
            (root / f"Annotations/{image.stem}.xml").write_text(text)


class TestLabelme(Annotated):
    @classmethod
    def annotate(cls, root: Path, images: dict[Path, str]) -> None:
        for image, label in images.items():
            shape = {"label": label, "points": [[2, 3], [12, 10]], "shape_type": "rectangle"}
            image.with_suffix(".json").write_text(json.dumps({"shapes": [shape], "imagePath": image.name}))
