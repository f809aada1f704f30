from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.errors import DataError, MixupGenError, NoInputError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources.arrays.files import ArrayFileSource, looks_like_array_file, open_array_file
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.labels import labels_from_array

X = np.random.default_rng(7).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
Y = np.array([2, 0, 1, 1, 2, 0])
OPTIONS = SourceOptions()


def write(path: Path, compressed: bool = False, **arrays: Any) -> Path:
    """The arrays in a .npz or .h5."""
    if path.suffix == ".npz":
        (np.savez_compressed if compressed else np.savez)(path, **arrays)
        return path
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, compression="gzip" if compressed else None)
    return path


def check(source: ArrayFileSource, x: NDArray[Any] = X, y: NDArray[Any] | None = Y) -> None:
    form = source.survey().array_form
    assert form is not None
    out = np.empty((len(source), *form.shape), form.dtype)
    assert {loaded.problem for loaded in source.load(0, len(source), Target(form), out)} == {None}
    np.testing.assert_array_equal(out, x)
    if y is None:
        assert source.labels.kind == "none"
        assert any("unlabelled" in notice for notice in source.notices)
    else:
        assert source.labels.classes is not None
        assert source.labels.classes.tolist() == y.tolist()
        assert source.labels.class_names == tuple(str(index) for index in range(y.max() + 1))


BOTH = pytest.mark.parametrize("suffix", [".npz", ".h5"])


@BOTH
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "names", [("x", "y"), ("X", "y"), ("images", "labels"), ("data", "labels"), ("data", "targets"), ("image", "label")]
)
def test_known_names(names: tuple[str, str], compressed: bool, suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"set{suffix}", compressed, **dict(zip(names, (X, Y), strict=True)), other=np.zeros(9))
    assert looks_like_array_file(path)
    check(open_array_file(path, OPTIONS))


@BOTH
@pytest.mark.parametrize("spelling", ["x_{0} y_{0}", "{0}_images {0}_labels"])  # Keras, MedMNIST
def test_splits(spelling: str, suffix: str, tmp_path: Path) -> None:
    arrays: dict[str, Any] = {}
    for split, rows in {"train": slice(0, 4), "test": slice(4, 6)}.items():
        x_name, y_name = spelling.format(split).split()
        arrays |= {x_name: X[rows], y_name: Y[rows, None]}  # MedMNIST's labels have two dimensions
    path = write(tmp_path / f"set{suffix}", **arrays)
    default = open_array_file(path, OPTIONS)
    check(default, X[:4], Y[:4])
    check(open_array_file(path, SourceOptions(split="test")), X[4:], Y[4:])


def test_samples_without_a_split_s_word_go_before_those_with_one(tmp_path: Path) -> None:
    path = write(tmp_path / "set.npz", x=X, y=Y, x_test=X[:2], y_test=Y[:2])
    source = open_array_file(path, OPTIONS)
    check(source)
    assert f"{path}: using x; split=NAME picks another (test)" in source.notices


@BOTH
def test_named_by_options(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"set{suffix}", arr_0=X, arr_1=Y)
    check(open_array_file(path, SourceOptions(data_key="arr_0", label_key="arr_1")))
    check(open_array_file(write(tmp_path / f"ab{suffix}", a=X, b=Y), SourceOptions(data_key="a")), y=None)
    check(open_array_file(path, OPTIONS))
    with pytest.raises(DataError, match=r"found arr0, arr1\. .*data_key=NAME"):
        open_array_file(write(tmp_path / f"other{suffix}", arr0=X, arr1=Y), OPTIONS)
    with pytest.raises(DataError, match="nothing-such"):
        open_array_file(path, SourceOptions(data_key="nothing-such"))


@BOTH
def test_any_number_of_dimensions(suffix: str, tmp_path: Path) -> None:
    volumes = np.random.default_rng(1).normal(size=(3, 4, 5, 6, 2)).astype(np.float32)
    source = open_array_file(write(tmp_path / f"set{suffix}", x=volumes, y=Y[:3]), OPTIONS)
    assert source.survey().array_form == Form((4, 5, 6, 2), "float32", "")
    check(source, volumes, Y[:3])


@pytest.mark.parametrize(
    ("data", "labels"),
    [
        ("x", "y"),
        ("images", "labels"),
        ("X_train", "y_train"),
        ("train-images", "train-labels"),
        ("pets", "pets_labels"),
    ],
)
def test_npy_with_its_labels_beside_it(data: str, labels: str, tmp_path: Path) -> None:
    np.save(tmp_path / f"{data}.npy", np.asfortranarray(X))
    np.save(tmp_path / f"{labels}.npy", Y)
    np.save(tmp_path / "zzz.npy", Y[:1])
    check(open_array_file(tmp_path / f"{data}.npy", OPTIONS))


def test_npy_without_labels_or_with_named_ones(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", X)
    check(open_array_file(tmp_path / "a.npy", OPTIONS), y=None)
    np.save(tmp_path / "b.npy", Y)
    check(open_array_file(tmp_path / "a.npy", SourceOptions(label_key="b.npy")))
    check(open_array_file(tmp_path / "a.npy", SourceOptions(label_key=str(tmp_path / "b.npy"))))
    with pytest.raises(NoInputError, match=r"c\.npy"):
        open_array_file(tmp_path / "a.npy", SourceOptions(label_key="c.npy"))


# --- labels -----------------------------------------------------------------------------------------------------------


def test_soft_labels() -> None:
    soft = np.random.default_rng(2).dirichlet([1, 1, 1], 4)
    labels = labels_from_array(soft, 4, "y")
    assert labels.kind == "soft"
    assert labels.values is not None
    np.testing.assert_array_equal(labels.values, soft.astype(np.float32))
    assert labels.class_names == ("0", "1", "2")
    assert labels_from_array(soft * 1.00009, 4, "y").kind == "soft"


@pytest.mark.parametrize(
    ("values", "names", "classes"),
    [
        ([0, 2], ("0", "1", "2"), [0, 2]),
        ([[0, 1, 0], [1, 0, 0]], ("0", "1", "2"), [1, 0]),
        ([True, False], ("0", "1"), [1, 0]),
        (["dog", "cat"], ("cat", "dog"), [1, 0]),
        ([b"d\xc3\xb6g", b"cat"], ("cat", "dög"), [1, 0]),
        (np.array([b"dog", "cat"], object), ("cat", "dog"), [1, 0]),
    ],
)
def test_classes(values: Any, names: tuple[str, ...], classes: list[int]) -> None:
    labels = labels_from_array(np.asarray(values), 2, "y")
    assert labels.class_names == names
    assert labels.classes is not None
    assert labels.classes.dtype == np.int32
    assert labels.classes.tolist() == classes


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ([0, -1], "found the label -1"),
        ([0, 100_000], "found the label 100000"),
        ([0, 1, 2], "3 labels for 2 samples"),
        ([0.5, 1.5], "dtype float64 are not classes"),
        ([[1, 1], [1, 0]], "not one-hot"),
        ([[2, 0], [0, 1]], "not one-hot"),
        ([[0.5, 0.5], [0.5, 0.6]], "row 1 is not a soft label"),
        ([[1.5, -0.5], [0.5, 0.5]], "row 0 is not a soft label"),
        ([[0.5, 0.5], [np.nan, 1]], "row 1 is not a soft label"),
        ([b"\xff", b"a"], "not UTF-8"),
        (np.array([0x110000, 65], "<u4").view("<U1"), "Unicode does not have"),
        (np.array([65, 0xFFFFFFFF], ">u4").view(">U1"), "Unicode does not have"),
        ([[[1, 2]], [[2, 1]]], "shape"),
        ([1j, 2j], "are not classes"),
        (np.array([{}, []], object), "neither integers nor strings"),
    ],
)
def test_labels_that_mean_nothing_are_refused(values: Any, match: str) -> None:
    with pytest.raises(DataError, match=match):
        labels_from_array(np.asarray(values), 2, "y")


# --- hostile and broken files -----------------------------------------------------------------------------------------


class Boom:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return exec, ("raise SystemExit('it ran')",)


def npy_bytes(array: Any, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def zipped(path: Path, members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


OBJECTS = npy_bytes(np.array([Boom()] * 6, object), allow_pickle=True)
CLAIMS = npy_bytes(X).replace(b"(6, 5, 4, 3)", b"(999999,9,9)")
NO_BYTES = npy_bytes(np.array(b"")).replace(b"S1", b"S0")[:-1]


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(OBJECTS)
    for path in (zipped(tmp_path / "x.npz", {"x.npy": OBJECTS}), tmp_path / "x.npy"):
        with pytest.raises(DataError, match="nothing is ever unpickled"):
            open_array_file(path, OPTIONS)


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    "content", [CLAIMS, NO_BYTES, npy_bytes(X)[:-1], b"", b"\x93NUMPY\x01\x00", b"text", npy_bytes(X)[:60]]
)
def test_broken_arrays_in_npz_and_npy(content: bytes, kind: int, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    for path in (zipped(tmp_path / "x.npz", {"x.npy": content}, kind), tmp_path / "x.npy"):
        with pytest.raises(DataError, match=str(path)):
            open_array_file(path, OPTIONS)


@pytest.mark.parametrize("compressed", [False, True])
def test_every_truncation_of_npz_is_noticed(compressed: bool, tmp_path: Path) -> None:
    path = write(tmp_path / "set.npz", compressed, x=X, y=Y)
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="readable"):
            open_array_file(path, OPTIONS)


def test_every_flipped_byte_of_npz_gives_an_answer_or_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "set.npz", True, x=X[:1, :2], y=Y[:1])
    whole = path.read_bytes()
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        with suppress(MixupGenError):
            open_array_file(path, OPTIONS)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_numpy_never_compresses_with(tmp_path: Path, method: int) -> None:
    """Python inflates as much of these at once as a block holds: kilobytes become gigabytes."""
    path = zipped(tmp_path / "set.npz", {"x.npy": npy_bytes(X)}, method)
    with pytest.raises(DataError, match=r"set\.npz: x: is compressed in a way that np\.savez does not know"):
        open_array_file(path, OPTIONS)


def test_a_list_of_members_without_end(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", npy_bytes(X))
        archive.writestr("y", b"")
        archive.filelist[-1].comment = bytes(60_000)
        archive.filelist.extend([archive.filelist[-1]] * 150)
    with pytest.raises(DataError, match=r"its list of members has 9\d+ bytes"):
        open_array_file(path, OPTIONS)


def test_labels_are_counted_before_they_are_read(tmp_path: Path) -> None:
    """A file with a hole costs nothing, and claims any number of them."""
    np.save(tmp_path / "x.npy", X)
    with (tmp_path / "x_labels.npy").open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (1 << 40,)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + (1 << 40))
    with pytest.raises(DataError, match="found 1099511627776 labels for 6 samples"):
        open_array_file(tmp_path / "x.npy", OPTIONS)


def test_a_pipe_is_no_file_of_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    os.mkfifo(tmp_path / "x_labels.npy")
    assert open_array_file(tmp_path / "x.npy", OPTIONS).labels.kind == "none"


def test_a_member_name_that_is_no_text(tmp_path: Path) -> None:
    path = zipped(tmp_path / "set.npz", {"x.npy": npy_bytes(X), "é.npy": npy_bytes(Y)})
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xff"))
    with pytest.raises(DataError, match=r"set\.npz: is not a readable \.npz"):
        open_array_file(path, OPTIONS)


def test_class_names_can_always_be_written() -> None:
    labels = labels_from_array(np.array(["c\\x80", "c\udc80", "é"]), 3, "set.npz")
    assert labels.class_names == (r"c\\x80", r"c\x80", "é")
    assert labels_from_array(np.array(["a\\b"]), 1, "set.npz").class_names == (r"a\b",)


def test_an_npz_that_inflates_too_far_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixup_cli.sources.reading.bounded_read.INFLATED_LIMIT_BYTES", 300)
    with pytest.raises(DataError, match="inflates to 360 bytes, expected at most 300"):
        open_array_file(write(tmp_path / "set.npz", True, x=X, y=Y), OPTIONS)
    check(open_array_file(write(tmp_path / "set.npz", False, x=X, y=Y), OPTIONS))  # read where it lies, not inflated


def test_a_sample_that_is_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="more than max_pixels=14"):
        open_array_file(write(tmp_path / "set.npz", x=X, y=Y), SourceOptions(max_pixels=14))


def h5_external_link(file: h5py.File, folder: Path) -> None:
    write(folder / "other.h5", x=X)
    file["x"] = h5py.ExternalLink("other.h5", "x")


def h5_soft_loop(file: h5py.File, folder: Path) -> None:
    file["x"] = h5py.SoftLink("/x")


def h5_external_storage(file: h5py.File, folder: Path) -> None:
    (folder / "secret").write_bytes(X.tobytes())
    file.create_dataset("x", X.shape, X.dtype, external=[(str(folder / "secret"), 0, X.nbytes)])


def h5_virtual(file: h5py.File, folder: Path) -> None:
    write(folder / "other.h5", x=X)
    layout = h5py.VirtualLayout(X.shape, X.dtype)
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", X.shape)
    file.create_virtual_dataset("x", layout)


def h5_group(file: h5py.File, folder: Path) -> None:
    file.create_group("x")


def h5_never_written(file: h5py.File, folder: Path) -> None:
    file.create_dataset("x", (1 << 40, 9, 9), "u1", chunks=(1, 9, 9))


def h5_one_chunk_written(file: h5py.File, folder: Path) -> None:
    file.create_dataset("x", (1 << 40, 9, 9), "u1", chunks=(1, 9, 9))[0] = 1


def h5_empty(file: h5py.File, folder: Path) -> None:
    file["x"] = h5py.Empty("u1")


def h5_scalar(file: h5py.File, folder: Path) -> None:
    file["x"] = 5


def h5_records(file: h5py.File, folder: Path) -> None:
    file["x"] = np.zeros((2, 2), [("a", "u1")])


def h5_references(file: h5py.File, folder: Path) -> None:
    file.create_dataset("x", (2, 2), h5py.ref_dtype)


def h5_strings(file: h5py.File, folder: Path) -> None:
    file["x"] = [["a", "b"]]


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (h5_external_link, "is a ExternalLink and is not followed"),
        (h5_soft_loop, "SoftLink"),
        (h5_external_storage, "stored in other files"),
        (h5_virtual, "a virtual data set"),
        (h5_group, "is a group"),
        (h5_never_written, "never written"),
        (h5_one_chunk_written, "never written"),
        (h5_empty, "single value"),
        (h5_scalar, "single value"),
        (h5_records, "expected numbers"),
        (h5_references, "expected numbers"),
        (h5_strings, "cannot be mixed"),
    ],
)
def test_hdf5_that_leads_elsewhere_is_refused(
    make: Callable[[h5py.File, Path], None], match: str, tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "set.h5", "w") as file:
        make(file, tmp_path)
    with pytest.raises(DataError, match=match):
        open_array_file(tmp_path / "set.h5", OPTIONS)


def test_hdf5_in_groups_with_names_for_classes(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "set.hdf5", "w") as file:
        file["deep/er/pixels"] = X
        file["deep/names"] = ["b", "a", "b", "b", "a", "a"]
    source = open_array_file(tmp_path / "set.hdf5", SourceOptions(data_key="deep/er/pixels", label_key="deep/names"))
    assert source.labels.class_names == ("a", "b")
    assert source.labels.classes is not None
    assert source.labels.classes.tolist() == [1, 0, 1, 1, 0, 0]


def test_what_is_no_hdf5_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_bytes(b"text")
    with pytest.raises(DataError, match="cannot be opened as HDF5"):
        open_array_file(tmp_path / "x.h5", OPTIONS)
    with pytest.raises(NoInputError):
        open_array_file(tmp_path / "absent.h5", OPTIONS)


@pytest.mark.parametrize(
    ("sound", "damaged"),
    [(b"SNOD", b"SNOQ"), (b"TREE", b"TREQ"), (b"pixels", b"\xffixels")],
    ids=["symbol table", "tree", "one name is no UTF-8"],
)
def test_a_damaged_list_of_names_is_refused(sound: bytes, damaged: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "set.h5", x=X, pixels=X, y=Y)
    data = path.read_bytes()
    assert sound in data
    path.write_bytes(data.replace(sound, damaged))
    with pytest.raises(DataError, match="its list of arrays is damaged"):
        open_array_file(path, OPTIONS)


def test_a_damaged_chunk_spoils_its_own_samples(tmp_path: Path) -> None:
    path = tmp_path / "set.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("x", data=X, chunks=(2, 5, 4, 3), compression="gzip")
        file["y"] = Y
        chunk = data.id.get_chunk_info(1)
    with path.open("r+b") as stream:
        stream.seek(chunk.byte_offset)
        stream.write(bytes(range(10)))
    source = open_array_file(path, OPTIONS)
    out = np.empty(X.shape, np.uint8)
    loaded = source.load(0, 6, Target(Form((5, 4, 3), "uint8", "hwc")), out)
    assert [bool(each.problem) for each in loaded] == [False, False, True, True, False, False]
    np.testing.assert_array_equal(out[[0, 1, 4, 5]], X[[0, 1, 4, 5]])


@BOTH
def test_sources_without_samples(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="no samples"):
        open_array_file(write(tmp_path / f"set{suffix}", x=X[:0], y=Y[:0]), OPTIONS)


@pytest.mark.parametrize(
    "names", ["x labels", "train_x train_label", "imgs targets", "features y", "x_train label_train"]
)
def test_samples_find_their_labels_whatever_pair_of_names_they_have(names: str, tmp_path: Path) -> None:
    samples, labels = names.split()
    arrays: dict[str, Any] = {samples: np.zeros((3, 4, 4), np.uint8), labels: np.arange(3)}
    path = write(tmp_path / "a.npz", **arrays)
    assert open_array_file(path, SourceOptions()).labels.class_names == ("0", "1", "2")
