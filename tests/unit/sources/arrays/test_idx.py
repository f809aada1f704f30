from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources.arrays.idx import looks_like_idx, open_idx
from mixup_cli.sources.arrays.idx_file import DTYPES, IdxFile
from mixup_cli.sources.reading.base import SourceOptions

IMAGES = np.random.default_rng(5).integers(0, 256, (6, 28, 28), dtype=np.uint8)
LABELS = np.array([3, 0, 9, 1, 1, 2], np.uint8)


def idx_bytes(array: NDArray[Any]) -> bytes:
    code = next(code for code, dtype in DTYPES.items() if np.dtype(dtype) == array.dtype)
    return bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def mnist(folder: Path, prefix: str = "train-", dot: str = "-", gz: str = "", count: int = 6) -> Path:
    folder.mkdir(exist_ok=True)
    write(folder / f"{prefix}labels{dot}idx1-ubyte{gz}", idx_bytes(LABELS[:count]))
    return write(folder / f"{prefix}images{dot}idx3-ubyte{gz}", idx_bytes(IMAGES[:count]))


@pytest.mark.parametrize("gz", ["", ".gz"])
@pytest.mark.parametrize(
    ("prefix", "dot"), [("train-", "-"), ("train-", "."), ("emnist-letters-train-", "-"), ("", "-")]
)
def test_opens_the_file_or_its_folder(prefix: str, dot: str, gz: str, tmp_path: Path) -> None:
    images = mnist(tmp_path / "mnist", prefix, dot, gz)
    for path in (images, tmp_path / "mnist"):
        assert looks_like_idx(path)
        source = open_idx(path, SourceOptions())
        assert source.notices == ()
        assert source.labels.classes is not None
        assert source.labels.classes.tolist() == LABELS.tolist()
        assert source.labels.class_names == tuple("0123456789")
        form = source.survey().array_form
        assert form == Form((28, 28, 1), "uint8", "hwc")
        out = np.empty((6, 28, 28, 1), np.uint8)
        source.load(0, 6, Target(form), out)
        np.testing.assert_array_equal(out[..., 0], IMAGES)


def test_splits(tmp_path: Path) -> None:
    mnist(tmp_path)
    mnist(tmp_path, "t10k-", count=2)
    assert len(open_idx(tmp_path, SourceOptions())) == 6
    assert len(open_idx(tmp_path, SourceOptions(split="train"))) == 6
    assert len(open_idx(tmp_path, SourceOptions(split="test"))) == 2
    with pytest.raises(UsageError, match=r"split=: .* has no such split"):
        open_idx(tmp_path, SourceOptions(split=""))


def test_the_plain_file_is_taken_before_its_compressed_twin(tmp_path: Path) -> None:
    mnist(tmp_path)
    mnist(tmp_path, gz=".gz", count=2)
    assert len(open_idx(tmp_path, SourceOptions())) == 6


def test_several_sets_in_one_folder_must_be_told_apart(tmp_path: Path) -> None:
    mnist(tmp_path, "emnist-letters-train-")
    mnist(tmp_path, "emnist-digits-train-")
    with pytest.raises(UsageError, match=r"several that could be meant .*Name one of them as the source"):
        open_idx(tmp_path, SourceOptions())


def test_without_labels_it_is_unlabelled(tmp_path: Path) -> None:
    images = mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    source = open_idx(images, SourceOptions())
    assert source.labels.kind == "none"
    assert "unlabelled" in source.notices[0]


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("name", ["a-idx4", "a-idx4.gz"])
def test_every_dtype_and_rank(dtype: str, name: str, tmp_path: Path) -> None:
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype(dtype)
    read = IdxFile(write(tmp_path / name, idx_bytes(array))).read(name)[:]
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)
    source = open_idx(tmp_path / name, SourceOptions())
    assert source.survey().array_form == Form((3, 4, 5), "uint8" if dtype == "u1" else "float32", "chw")


@pytest.mark.parametrize("name", ["x-idx3-ubyte", "x-idx3-ubyte.gz"])
@pytest.mark.parametrize(
    ("content", "match"),
    [
        (idx_bytes(IMAGES)[:-1], "is 4704 bytes of data; found 4703"),
        (idx_bytes(IMAGES) + b"x", "is 4704 bytes of data; found 4705"),
        (b"\0\0\x08\x03" + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**32 - 1), "no array of samples has"),
        (b"\0\0\x08\x03" + struct.pack(">3I", 2**31, 1, 1) + bytes(9), "2147483648"),
        (b"\0\0\x08\x03\0\0", "cut short within its header"),
        (b"\0\0\x07\x03" + bytes(12), "no IDX file"),
        (b"", "no IDX file"),
        (b"\0\0\x08\0x", "no IDX file"),
    ],
)
def test_headers_that_lie_are_refused(content: bytes, match: str, name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=match):
        IdxFile(write(tmp_path / name, content)).read(name)


def test_an_empty_file_of_samples_is_no_input(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="holds no samples"):
        open_idx(mnist(tmp_path, count=0), SourceOptions())


def test_a_cut_off_gzip_is_refused(tmp_path: Path) -> None:
    path = mnist(tmp_path, gz=".gz")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match="damaged"):
        open_idx(path, SourceOptions())


def test_labels_of_another_length_are_refused(tmp_path: Path) -> None:
    path = mnist(tmp_path)
    write(tmp_path / "train-labels-idx1-ubyte", idx_bytes(LABELS[:5]))
    with pytest.raises(DataError, match="found 5 labels for 6 samples"):
        open_idx(path, SourceOptions())


def test_other_things_are_not_taken_for_idx(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("folder", "absent"):
        assert not looks_like_idx(tmp_path / name)
    assert not looks_like_idx(write(tmp_path / "x.png", b"\x89PNG\r\n\x1a\n"))
    assert not looks_like_idx(write(tmp_path / "x.gz", b"text"))
