"""Sources of encoded images keep the contract, wherever the images lie."""

from __future__ import annotations

import zipfile
from pathlib import Path
from shutil import copytree

import fsspec

from tests.contracts.source_contract import SourceContract
from tests.packed_sources import hugging_face, images_of, put_in_memory, write_tar, write_web_dataset, write_zip


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
