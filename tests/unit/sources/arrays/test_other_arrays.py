"""Arrays as data sets bring them: labels next door, MATLAB, STL-10, torchvision's folders, folders of arrays."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file as load_numpy
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file
from scipy import io as scipy_io

from mixup_cli.errors import DataError, MixupGenError, NoInputError, UsageError
from mixup_cli.fields.target import Target
from mixup_cli.sources import open_source
from mixup_cli.sources.arrays.containers import open_container
from mixup_cli.sources.arrays.mat5 import read_variable, variables
from mixup_cli.sources.arrays.safetensors import DTYPES
from mixup_cli.sources.reading import bounded_read
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.sources.reading.labels import labels_from_array
from tests.unit.sources.arrays.test_idx import idx_bytes

X = np.random.default_rng(3).integers(0, 256, (6, 5, 7, 3), np.uint8)
Y = np.array([2, 0, 1, 1, 2, 0])


def pixels(source: Source) -> NDArray[Any]:
    form = source.survey().array_form
    assert form is not None
    out = np.empty((len(source), *form.shape), form.dtype)
    loaded = source.load(0, len(source), Target(form), out)
    assert [each.problem for each in loaded] == [None] * len(source)
    return out


def check(source: Source, x: NDArray[Any] = X, y: NDArray[Any] | None = Y) -> None:
    np.testing.assert_array_equal(pixels(source), x)
    if y is None:
        assert source.labels.kind == "none"
    else:
        assert source.labels.classes is not None
        assert source.labels.classes.tolist() == y.tolist()


def write(path: Path, **arrays: Any) -> Path:
    """Arrays in a file of the format that its suffix names."""
    first = next(iter(arrays.values()))
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array
    elif path.suffix == ".npy":
        np.save(path, first)
    elif path.suffix == ".mat":
        scipy_io.savemat(path, arrays, do_compression=True)
    else:
        path.write_bytes(gzip.compress(idx_bytes(first)) if path.suffix == ".gz" else idx_bytes(first))
    return path


# Labels next door

LABEL_FILES = ["labels.npz", "labels.h5", "labels.npy", "labels.mat", "labels-idx1-ubyte", "labels-idx1-ubyte.gz"]


@pytest.mark.parametrize("labels", LABEL_FILES)
@pytest.mark.parametrize("samples", ["x.npz", "x.h5", "x.npy", "x.mat", "t-images-idx4-ubyte"])
def test_labels_stand_in_any_array_file_that_is_named(samples: str, labels: str, tmp_path: Path) -> None:
    path = write(tmp_path / samples, x=np.moveaxis(X, 0, -1) if samples == "x.mat" else X)
    write(tmp_path / "other" / labels, y=Y.astype(np.uint8))
    for name in (str(tmp_path / "other" / labels), f"other/{labels}"):
        check(open_source([path], SourceOptions(label_key=name)))
    with pytest.raises((UsageError, NoInputError), match=r"^label_key=gone: "):
        open_source([path], SourceOptions(label_key="gone"))


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_of_several_arrays_the_one_that_is_called_labels(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"x{suffix}", x=X)
    write(tmp_path / f"y{suffix}", test_labels=Y, ids=Y + 1)
    check(open_source([path], SourceOptions(label_key=f"y{suffix}")))
    write(tmp_path / f"z{suffix}", left=Y, right=Y)
    with pytest.raises(DataError, match=r"the file holds left, right; expected one array, .* file of its own"):
        open_source([path], SourceOptions(label_key=f"z{suffix}"))


def test_a_key_goes_before_a_file_and_groups_are_found_alike(tmp_path: Path) -> None:
    path = write(tmp_path / "x.npz", x=X, y=Y, **{"y.npy": Y[::-1]})
    write(tmp_path / "y.npy", y=Y * 0)
    check(open_source([path], SourceOptions(label_key="y.npy")), y=Y[::-1])
    write(tmp_path / "patients.h5", who=Y + 7)
    source = open_source([path], SourceOptions(group_column="patients.h5"))
    assert source.labels.groups == tuple(str(each + 7) for each in Y)


def test_a_file_of_labels_must_be_as_long_as_the_samples(tmp_path: Path) -> None:
    path = write(tmp_path / "x.h5", x=X)
    write(tmp_path / "y.h5", y=Y[:5])
    with pytest.raises(DataError, match="found 5 labels for 6 samples"):
        open_source([path], SourceOptions(label_key="y.h5"))
    (tmp_path / "y.txt").write_text("1\n2\n")
    with pytest.raises(DataError, match=r"y\.txt: is not an array file\. Give \.npz, "):
        open_source([path], SourceOptions(label_key="y.txt"))


def test_one_file_of_labels_for_several_of_samples_is_taken_where_it_fits_and_said(tmp_path: Path) -> None:
    for name, array in (("fog", X), ("snow", X[::-1]), ("few", X[:4]), ("labels", Y)):
        write(tmp_path / f"{name}.npy", x=array)
    for name, samples in (("fog", X), ("snow", X[::-1])):
        source = open_source([tmp_path / f"{name}.npy"])
        check(source, samples)
        assert source.notices == (f"{tmp_path}/{name}.npy: labels taken from {tmp_path}/labels.npy.",)
    check(open_source([tmp_path / "few.npy"]), X[:4], None)


@pytest.mark.parametrize("name", ["pictures", "anything"])
@pytest.mark.parametrize("suffix", [".npz", ".h5", ".mat"])
def test_a_single_array_needs_no_key(suffix: str, name: str, tmp_path: Path) -> None:
    array = np.moveaxis(X, 0, -1) if suffix == ".mat" else X
    check(open_source([write(tmp_path / f"f{suffix}", **{name: array})]), y=None)


def test_a_group_names_the_arrays_in_it(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["train/x"], file["train/y"] = X, Y
    with pytest.raises(DataError, match=r"train: is a group, which holds train/x, train/y. Name one of them"):
        open_source([tmp_path / "f.h5"])
    check(open_source([tmp_path / "f.h5"], SourceOptions(data_key="train/x", label_key="train/y")))


# Which numbers are classes


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.uint64, bool])
@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 1, 1, 1)])
def test_whole_numbers_are_classes_whatever_their_dtype_and_shape(dtype: Any, shape: tuple[int, ...]) -> None:
    values = np.array([1, 0, 1, 1]).astype(dtype).reshape(shape)
    labels = labels_from_array(values, 4, "y")
    assert (labels.kind, labels.class_names) == ("classes", ("0", "1"))
    assert labels.classes is not None
    assert labels.classes.tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int64, bool])
def test_exact_one_hot_rows_are_classes_and_others_shares(dtype: Any) -> None:
    labels = labels_from_array(np.eye(3)[[2, 0, 1, 2]].astype(dtype), 4, "y")
    assert labels.kind == "classes"
    assert labels.classes is not None
    assert labels.classes.tolist() == [2, 0, 1, 2]
    assert labels_from_array(np.eye(2), 2, "y", "soft").kind == "soft"
    assert labels_from_array(np.array([[1, 0], [0.5, 0.5]]), 2, "y").kind == "soft"


@pytest.mark.parametrize("values", [[0.0, 1.5], [0.0, np.nan], [0.0, np.inf]])
def test_floats_that_are_not_whole_are_not_classes(values: list[float]) -> None:
    with pytest.raises(DataError, match=r"expected whole numbers or strings.*label_kind=real"):
        labels_from_array(np.array(values), 2, "y")


def test_minus_one_means_absent_where_there_is_no_zero() -> None:
    labels = labels_from_array(np.array([[-1, 1], [1, 1]]), 2, "y", "multi")
    assert labels.values is not None
    assert labels.values.tolist() == [[0, 1], [1, 1]]
    with pytest.raises(DataError, match="row 0 is -1, 0"):
        labels_from_array(np.array([[-1, 0], [1, 1]]), 2, "y", "multi")


# MATLAB


def in_7_3(path: Path, **arrays: NDArray[Any]) -> Path:
    """As MATLAB's `save -v7.3` writes: HDF5 behind a block of its own, with the dimensions in reverse."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file[name] = np.atleast_2d(array).T
        file.create_group("#refs#")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(126) + b"IM")
    return path


def in_5(path: Path, **arrays: NDArray[Any]) -> Path:
    scipy_io.savemat(path, arrays, do_compression=True)
    return path


def in_5_plain(path: Path, **arrays: NDArray[Any]) -> Path:
    scipy_io.savemat(path, arrays)
    return path


MATLAB = pytest.mark.parametrize("save", [in_5, in_5_plain, in_7_3])


@MATLAB
@pytest.mark.parametrize("column", [(6, 1), (1, 6)])
def test_svhn_has_its_samples_last_and_a_zero_that_is_called_ten(
    save: Any, column: tuple[int, int], tmp_path: Path
) -> None:
    digits = np.array([1, 10, 9, 10, 2, 5], np.float64).reshape(column)
    path = save(tmp_path / "train_32x32.mat", X=np.moveaxis(X, 0, -1), y=digits)
    source = open_source([path])
    check(source, y=np.array([1, 0, 9, 0, 2, 5]))
    assert source.labels.class_names == tuple(map(str, range(10)))


@MATLAB
def test_classes_that_begin_at_one_keep_their_names(save: Any, tmp_path: Path) -> None:
    path = save(tmp_path / "set.mat", X=np.moveaxis(X, 0, -1), y=np.array([[3, 10, 1, 1, 2, 3]], np.uint8))
    source = open_source([path])
    check(source, y=np.array([2, 9, 0, 0, 1, 2]))
    assert source.labels.class_names == tuple(str(each) for each in range(1, 11))
    assert source.notices == (f"{path}: the labels count from 1; class 1 has the number 0.",)
    names = tuple("abcdefghij")
    check(open_source([path], SourceOptions(classes=names)), y=np.array([2, 9, 0, 0, 1, 2]))
    assert open_source([path], SourceOptions(classes=names)).labels.class_names == names


@MATLAB
@pytest.mark.parametrize("turned", [False, True])
def test_one_hot_matrices_of_matlab(save: Any, turned: bool, tmp_path: Path) -> None:
    rows = np.eye(4)[[1, 2, 3, 3, 2, 1]]
    path = save(tmp_path / "set.mat", X=np.moveaxis(X, 0, -1), y=rows.T if turned else rows)
    check(open_source([path]), y=np.array([1, 2, 3, 3, 2, 1]))


@MATLAB
def test_samples_may_be_first_and_be_rows_of_a_matrix(save: Any, tmp_path: Path) -> None:
    check(open_source([save(tmp_path / "a.mat", images=X, labels=Y[:, None])]))
    check(open_source([save(tmp_path / "b.mat", images=X)]), y=None)
    rows = X.reshape(6, -1)
    check(open_source([save(tmp_path / "c.mat", data=rows, labels=Y[None])]), rows)
    check(open_source([save(tmp_path / "d.mat", data=rows.T, labels=Y[None])]), rows)
    grey = np.moveaxis(X[..., 0], 0, -1)
    source = open_source([save(tmp_path / "e.mat", fea=grey, gnd=Y)], SourceOptions(data_key="fea", label_key="gnd"))
    check(source, X[..., 0])


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize("shape", [(2, 3), (1, 2), (2, 3, 4, 5)])
@pytest.mark.parametrize("compressed", [False, True])
def test_numbers_of_matlab_are_read_as_scipy_reads_them(
    dtype: str, shape: tuple[int, ...], compressed: bool, tmp_path: Path
) -> None:
    values = np.random.default_rng(5).integers(0, 100, shape).astype(dtype)
    scipy_io.savemat(tmp_path / "a.mat", {"s": "text", "a_rather_long_name": values}, do_compression=compressed)
    (variable,) = variables(tmp_path / "a.mat")
    read = read_variable(tmp_path / "a.mat", variable)
    expected = scipy_io.loadmat(tmp_path / "a.mat")[variable.name]
    assert read.dtype == expected.dtype
    np.testing.assert_array_equal(read, expected)


def test_cells_and_structures_of_matlab_are_not_offered(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    scipy_io.savemat(path, {"x": {"field": X}, "names": np.array(["a", "bc"], object), "z": "text"})
    with pytest.raises(DataError, match=r"holds no arrays of numbers \(structures, cells and texts"):
        open_source([path])


def bomb(path: Path) -> None:
    """An array of 64 MB in 64 kB."""
    scipy_io.savemat(path, {"x": np.zeros((64, 1 << 20), np.uint8)}, do_compression=True)


def endless(path: Path) -> None:
    """A compressed variable that says of itself that it is small."""
    scipy_io.savemat(path, {"x": X})
    body = path.read_bytes()[128:] + bytes(64 << 20)
    packed = zlib.compress(body, 9)
    path.write_bytes(path.read_bytes()[:128] + np.array([15, len(packed)], "<u4").tobytes() + packed)


def test_matlab_files_are_not_inflated_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_read, "INFLATED_LIMIT_BYTES", 32 << 20)
    bomb(tmp_path / "a.mat")
    with pytest.raises(DataError, match=r"x: inflates to 67108864 bytes, expected at most"):
        open_source([tmp_path / "a.mat"])
    endless(tmp_path / "b.mat")
    tracemalloc.start()
    assert len(open_source([tmp_path / "b.mat"])) == 6
    assert tracemalloc.get_traced_memory()[1] < 16 << 20, "what follows the array is not inflated"
    tracemalloc.stop()


def within(data: bytes, damage: Callable[[bytearray], None]) -> bytes:
    """Compressed variables with damage done to what they inflate to."""
    made, at = bytearray(data[:128]), 128
    while at < len(data):
        kind, size = struct.unpack("<II", data[at : at + 8])
        body = bytearray(zlib.decompress(data[at + 8 : at + 8 + size]))
        damage(body)
        packed = zlib.compress(bytes(body))
        made, at = made + struct.pack("<II", kind, len(packed)) + packed, at + 8 + size
    return bytes(made)


@pytest.mark.parametrize("seed", range(200))
def test_matlab_files_damaged_within_are_told_or_read(seed: int, tmp_path: Path) -> None:
    """Over some of these SciPy ends the process."""
    draw = np.random.default_rng(seed)
    path = in_5(tmp_path / "a.mat", X=np.moveaxis(X, 0, -1), y=Y)

    def damage(body: bytearray) -> None:
        for place in draw.integers(0, min(len(body), 96), 2):
            body[place] = draw.integers(256)

    path.write_bytes(within(path.read_bytes(), damage))
    with suppress(MixupGenError):  # anything else that is raised is a bug
        assert len(open_source([path])) > 0


@pytest.mark.parametrize("save", [in_5, in_5_plain])
@pytest.mark.parametrize("seed", range(40))
def test_damaged_matlab_files_are_told_or_read(save: Any, seed: int, tmp_path: Path) -> None:
    path = save(tmp_path / "a.mat", X=np.moveaxis(X, 0, -1), y=Y)
    draw, data = np.random.default_rng(seed), bytearray(path.read_bytes())
    for place in draw.integers(0, len(data), 3):
        data[place] = draw.integers(256)
    path.write_bytes(data[: draw.integers(100, len(data) + 400)])
    with suppress(MixupGenError):  # anything else that is raised is a bug
        source = open_source([path])
        assert len(source) == 6 or source.labels.kind == "none"


@pytest.mark.parametrize("content", [b"", b"MATLAB 5.0", b"\0" * 200, b"MATLAB 7.3 MAT-file".ljust(512)])
def test_what_is_not_matlab_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.mat: "):
        open_source([tmp_path / "a.mat"])


# STL-10


@pytest.fixture
def stl10(tmp_path: Path) -> tuple[Path, NDArray[np.uint8]]:
    """Five pictures as the binary version has them: planes, each stored column by column."""
    images = np.random.default_rng(4).integers(0, 256, (5, 96, 96, 3), np.uint8)
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    for split in ("train", "test", "unlabeled"):
        (folder / f"{split}_X.bin").write_bytes(images.transpose(0, 3, 2, 1).tobytes())
    for split in ("train", "test"):
        (folder / f"{split}_y.bin").write_bytes(bytes([1, 3, 2, 3, 1]))
    (folder / "class_names.txt").write_text("airplane\nbird\ncar\n")
    return folder, images


def test_stl10_is_turned_upright_and_its_classes_have_names(stl10: tuple[Path, NDArray[np.uint8]]) -> None:
    folder, images = stl10
    for place in (folder, folder.parent):
        source = open_source([place])
        check(source, images, np.array([0, 2, 1, 2, 0]))
        assert source.labels.class_names == ("airplane", "bird", "car")
    check(open_source([folder], SourceOptions(split="test")), images, np.array([0, 2, 1, 2, 0]))
    check(open_source([folder], SourceOptions(split="unlabelled")), images, None)
    (folder / "class_names.txt").unlink()
    assert open_source([folder]).labels.class_names == ("1", "2", "3")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train_X.bin", b"x" * 99, "is not a whole number of images of 27648 bytes"),
        ("train_X.bin", b"", "holds no samples"),
        ("train_y.bin", bytes([1, 2]), "found 2 labels for 5 samples"),
        ("train_y.bin", bytes([1, 0, 1, 1, 1]), "labels from 0 to 1, expected 1 to 3"),
        ("train_y.bin", bytes([1, 9, 1, 1, 1]), "labels from 1 to 9, expected 1 to 3"),
        ("class_names.txt", b"a\na\nb\n", "some of them twice"),
    ],
)
def test_damaged_stl10(stl10: tuple[Path, NDArray[np.uint8]], name: str, content: bytes, message: str) -> None:
    (stl10[0] / name).write_bytes(content)
    with pytest.raises((DataError, NoInputError), match=message):
        open_source([stl10[0]])


def test_splits_have_other_names_too(stl10: tuple[Path, NDArray[np.uint8]], tmp_path: Path) -> None:
    for name in ("unlabeled", "unlabelled"):
        assert open_source([stl10[0]], SourceOptions(split=name)).labels.kind == "none"
    arrays = tmp_path / "a.npz"
    np.savez(arrays, x_train=np.zeros((3, 4, 4), np.uint8), x_valid=np.zeros((2, 4, 4), np.uint8))
    for name in ("val", "valid", "validation"):
        assert len(open_source([arrays], SourceOptions(split=name))) == 2


# Folders


def test_torchvision_keeps_idx_files_in_raw(tmp_path: Path) -> None:
    write(tmp_path / "MNIST/raw/train-images-idx3-ubyte", x=X[..., 0])
    write(tmp_path / "MNIST/raw/train-labels-idx1-ubyte", y=Y.astype(np.uint8))
    (tmp_path / "MNIST/processed").mkdir()
    check(open_source([tmp_path / "MNIST"]), X[..., :1])


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {"fog.npy": X, "labels.npy": Y},
            r"fog.npy \(6, 5, 7, 3\), labels.npy \(6,\).*: {0}/fog.npy label_key={0}/labels.npy$",
        ),
        ({"labels.npy": Y, "snow.npy": X[:4]}, r"labels.npy \(6,\), snow.npy \(4, 5, 7, 3\).*: {0}/snow.npy$"),
        ({"deep/a.npz": X}, r"deep/a.npz \(6, 5, 7, 3\). Give one of them: {0}/deep/a.npz$"),
        ({"x.h5": X, "y.h5": Y}, r"Give one of them: {0}/x.h5 label_key={0}/y.h5$"),
        (
            {"a_test_x.npz": X, "a_test_y.npz": Y, "a_train_x.npz": X, "a_train_y.npz": Y, "all.npz": Y},
            r"Give one of them: {0}/a_train_x.npz label_key={0}/a_train_y.npz$",
        ),
        (
            {"test/x.npy": X, "test/y.npy": Y, "train/x.npy": X, "train/y.npy": Y},
            r"train/x.npy \(6, .* test/y.npy \(6,\). Give one of them: {0}/train/x.npy label_key={0}/train/y.npy$",
        ),
    ],
)
def test_a_folder_of_arrays_lists_them_and_the_command_works(
    files: dict[str, NDArray[Any]], told: str, tmp_path: Path
) -> None:
    for name, array in files.items():
        write(tmp_path / name, a=array)
    with pytest.raises(NoInputError, match="no images found, but arrays: .*" + told.format(tmp_path)) as caught:
        open_source([tmp_path])
    path, *option = str(caught.value).rpartition("Give one of them: ")[2].split()
    labels = option[0].removeprefix("label_key=") if option else None
    assert len(open_source([path], SourceOptions(label_key=labels))) in (4, 6)


def test_a_data_set_that_lost_its_manifest_is_repaired(tmp_path: Path) -> None:
    for name in ("sources.csv", "shard-00000.h5"):
        (tmp_path / name).touch()
    with pytest.raises(NoInputError, match=f"{tmp_path}: has no manifest.json. .*repair makes it again"):
        open_source([tmp_path])


# safetensors


def test_bfloat16_is_widened_to_float32(tmp_path: Path) -> None:
    values = torch.randn(6, 7, generator=torch.Generator().manual_seed(1)).bfloat16()
    save_file({"x": values, "y": torch.from_numpy(Y)}, tmp_path / "x.safetensors", metadata={"format": "pt"})
    check(open_source([tmp_path / "x.safetensors"]), values.float().numpy())


def test_every_dtype_of_safetensors_is_read_as_the_library_reads_it(tmp_path: Path) -> None:
    for name in DTYPES.values():
        written = np.arange(12).reshape(6, 2).astype(name)
        save_numpy({"x": written}, tmp_path / "x.safetensors")
        read = open_container(tmp_path / "x.safetensors").read("x")
        assert read.dtype == written.dtype
        np.testing.assert_array_equal(read[:], load_numpy(tmp_path / "x.safetensors")["x"])
