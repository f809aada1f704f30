"""The sample data are small, sound where they should be, and in the published formats."""

from __future__ import annotations

import pickle
import pickletools
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SAMPLE_DATA = Path(__file__).parents[2] / "sample_data"
PHOTOS = sorted(path for path in (SAMPLE_DATA / "photos").rglob("*") if path.is_file())
ARCHIVE = SAMPLE_DATA / "cifar-10-sample.tar.gz"


def test_it_is_below_two_megabytes() -> None:
    files = [path for path in SAMPLE_DATA.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) < 2_000_000


def test_every_class_has_two_pictures_or_more_and_sizes_differ() -> None:
    classes = {path.parent.name for path in PHOTOS}
    assert len(classes) >= 3
    assert all(sum(path.parent.name == name for path in PHOTOS) >= 2 for name in classes)
    sizes = set()
    for path in PHOTOS:
        with Image.open(path) as picture:
            sizes.add(picture.size)
    assert len(sizes) > 3


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.name)
def test_every_photograph_decodes(path: Path) -> None:
    with Image.open(path) as picture:
        picture.load()
        assert picture.mode in ("RGB", "L")


def test_licence_names_every_class() -> None:
    text = (SAMPLE_DATA / "LICENSE.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in {path.parent.name for path in PHOTOS})


def test_archive_has_the_published_members() -> None:
    with tarfile.open(ARCHIVE) as tar:
        names = {member.name for member in tar if member.isfile()}
    batches = {f"data_batch_{k}" for k in range(1, 6)} | {"test_batch", "batches.meta", "readme.html"}
    assert names == {f"cifar-10-batches-py/{name}" for name in batches}


@pytest.mark.parametrize("name", ["data_batch_1", "data_batch_5", "test_batch"])
def test_batches_are_python_2_pickles_with_cifar_rows(name: str) -> None:
    with tarfile.open(ARCHIVE) as tar:
        member = tar.extractfile(f"cifar-10-batches-py/{name}")
        assert member is not None
        data = member.read()
    opcodes = {opcode.name for opcode, _, _ in pickletools.genops(data)}
    assert {"PROTO", "SHORT_BINSTRING", "BINSTRING", "GLOBAL", "REDUCE", "BUILD"} <= opcodes
    assert not opcodes & {"BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "STACK_GLOBAL"}
    batch = pickle.loads(data, encoding="bytes")
    assert sorted(batch) == [b"batch_label", b"data", b"filenames", b"labels"]
    assert batch[b"data"].shape == (20, 3072)
    assert batch[b"data"].dtype == np.uint8
    assert sorted(batch[b"labels"]) == sorted([*range(10)] * 2)


def test_every_broken_input_is_told_in_its_table() -> None:
    folder = SAMPLE_DATA / "broken"
    told = (folder / "README.md").read_text(encoding="utf-8")
    names = {path.name for path in folder.iterdir() if path.name != "README.md"}
    assert [name for name in sorted(names) if name not in told and not name.endswith("-labels-idx1-ubyte")] == []
