"""A class has the same number in every split, and the number that `--classes` gives it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mixup_cli.errors import DataError, MixupGenError, NoInputError, UsageError
from mixup_cli.sources import open_source
from mixup_cli.sources.pictures.file_list import open_file_list
from mixup_cli.sources.pictures.folder_classes import class_names
from mixup_cli.sources.pictures.layout import Folders, Split
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.sources.reading.class_table import classes_text, read_classes
from tests.picture_folders import open_it, pictures


def numbers(source: Source) -> list[int]:
    assert source.labels.classes is not None
    return [int(number) for number in source.labels.classes]


def opened(place: Path, split: str | None = None, **options: Any) -> Source:
    return open_source([place], SourceOptions(split=split, **options))


# Class folders


def test_a_split_that_lacks_a_class_has_the_numbers_of_the_others(tmp_path: Path) -> None:
    pictures(tmp_path, *(f"train/{name}/1.png" for name in "abcd"), *(f"val/{name}/1.png" for name in "acd"))
    (tmp_path / "val" / "b").mkdir()
    train, val = open_it(tmp_path), open_it(tmp_path, split="val")
    assert train.labels.class_names == val.labels.class_names == ("a", "b", "c", "d")
    assert (numbers(train), numbers(val)) == ([0, 1, 2, 3], [0, 2, 3])
    assert val.notices == ("1 class of other splits has no images in val/: b",)


def test_other_splits_are_looked_into_as_the_taken_one_is(tmp_path: Path) -> None:
    pictures(tmp_path, *(f"seg_train/seg_train/{name}/1.png" for name in "abc"))
    pictures(tmp_path, "seg_test/seg_test/b/1.png", "seg_test/seg_test/c/1.png", "seg_pred/seg_pred/1.png")
    assert numbers(open_it(tmp_path, split="test")) == [1, 2]


def test_a_lonely_folder_of_no_other_split_is_no_class(tmp_path: Path) -> None:
    pictures(tmp_path, "train/cat/1.png", "train/dog/1.png", "test/unknown/1.png")
    train, test = open_it(tmp_path), open_it(tmp_path, split="test")
    assert train.labels.class_names == ("cat", "dog")
    assert "test/ holds one folder (unknown), which no other split has: not a class" in train.notices
    assert test.labels.kind == "none"
    assert test.notices == ("test/ holds one folder (unknown), which no other split has: unlabelled",)


@pytest.mark.parametrize("val", ["ab cd", "a b"])
def test_splits_of_different_classes_form_a_union(val: str, tmp_path: Path) -> None:
    mine, theirs = val.split()
    pictures(tmp_path, *(f"train/{name}/1.png" for name in mine), *(f"val/{name}/1.png" for name in theirs))
    for split in ("train", "val"):
        source = open_it(tmp_path, split=split)
        assert source.labels.class_names == tuple(mine + theirs)
        assert f"{split}/ shares no class with the other splits: all of their classes are numbered" in source.notices


@given(st.dictionaries(st.sampled_from(["train", "val", "test", "extra"]), st.sets(st.sampled_from("abcd"))))
def test_all_splits_have_the_same_table(splits: dict[str, set[str]]) -> None:
    folders = Folders(frozenset(f"{split}/{name}" for split, names in splits.items() for name in names))
    tables = set()
    for split in splits:
        others = tuple(f"{other}/" for other in splits if other != split)
        tables.add(class_names(folders, f"{split}/", Split(f"{split}/", others), SourceOptions())[0])
    assert len(tables - {()}) <= 1


def test_a_split_that_is_unlabelled_by_its_name_has_no_classes(tmp_path: Path) -> None:
    pictures(tmp_path, "train/a/1.png", "train/b/1.png", "unlabelled/1/1.png", "unlabelled/2/1.png", "pred/x/1.png")
    assert open_it(tmp_path).labels.class_names == ("a", "b")
    for split in ("unlabelled", "pred"):
        source = open_it(tmp_path, split=split)
        assert source.labels.kind == "none"
        assert source.notices == (f"{split}/ is unlabelled, by its name",)


def test_folders_of_another_split_that_may_be_no_classes_are_not_counted(tmp_path: Path) -> None:
    pictures(tmp_path, "train/a/1.png", "train/b/1.png", "extra/web/a/1.png", "extra/phone/b/1.png")
    assert open_it(tmp_path).labels.class_names == ("a", "b")


def test_a_split_that_is_the_source_itself_says_what_its_neighbour_has(tmp_path: Path) -> None:
    pictures(tmp_path, *(f"train/{name}/1.png" for name in "abc"), "val/a/1.png", "val/c/1.png")
    (notice,) = opened(tmp_path / "val").notices
    assert notice == (
        f"train/ beside it also has b: its classes have other numbers. For the same numbers, give {tmp_path} with "
        "split, or pass classes"
    )
    assert opened(tmp_path / "train").notices == ()
    assert opened(tmp_path / "val", classes=("a", "b", "c")).notices == ()


# Pictures that cannot be read


def test_a_class_of_pictures_that_are_not_read_is_an_error(tmp_path: Path) -> None:
    pictures(tmp_path, "cat/1.png")
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog" / "1.HEIC").write_bytes(b"")
    with pytest.raises(DataError, match=r"the class dog would be lost: it holds only 1 image in an unsupported format"):
        open_it(tmp_path)
    with pytest.raises(NoInputError, match=r"found only 1 image in an unsupported format \(\.heic: 1\.HEIC\)"):
        open_it(tmp_path / "dog")


def test_pictures_that_are_not_read_are_named(tmp_path: Path) -> None:
    pictures(tmp_path, "cat/1.png", "dog/1.png")
    for name in ("1.cr2", "2.heic", "x.txt"):
        (tmp_path / "cat" / name).write_bytes(b"")
    assert open_it(tmp_path).notices == (
        "ignored 2 images in unsupported formats (.cr2, .heic: cat/1.cr2 and 1 more). Convert them to JPEG or "
        "PNG to include them",
        "ignored 1 non-image file (cat/x.txt)",
    )


def test_a_folder_of_other_files_is_named_with_them(tmp_path: Path) -> None:
    pictures(tmp_path, "cat/1.png", "dog/1.png")
    for name in ("annotations/1.xml", "annotations/more/2.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert open_it(tmp_path).notices[0] == (
        "ignored 1 folder without images, not a class: annotations (found 2 other files: annotations/1.xml and 1 more)"
    )


# Metadata


@pytest.mark.parametrize("is_in_root", [True, False])
def test_metadata_of_other_splits_count(is_in_root: bool, tmp_path: Path) -> None:
    pictures(tmp_path, "train/1.png", "train/2.png", "val/1.png")
    if is_in_root:
        (tmp_path / "metadata.csv").write_text("file_name,label\nval/1.png,b\ntrain/1.png,a\ntrain/2.png,c\n")
    else:
        (tmp_path / "train/metadata.csv").write_text("file_name,label\n1.png,a\n2.png,c\n")
        (tmp_path / "val/metadata.jsonl").write_text('{"file_name": "1.png", "label": "b"}\n')
    assert numbers(open_it(tmp_path)) == [0, 2]
    assert numbers(open_it(tmp_path, split="val")) == [1]


def test_several_classes_a_sample_count_too(tmp_path: Path) -> None:
    pictures(tmp_path, "train/1.png", "val/1.png")
    (tmp_path / "metadata.csv").write_text("file_name,label\nval/1.png,b|c\ntrain/1.png,a|c\n")
    labels = opened(tmp_path, label_kind="multi").labels
    assert labels.class_names == ("a", "b", "c")
    assert labels.values is not None
    assert labels.values.tolist() == [[1, 0, 1]]


def test_metadata_of_test_data_need_no_labels_and_those_of_training_data_do(tmp_path: Path) -> None:
    pictures(tmp_path, "train/1.png", "test/1.png")
    (tmp_path / "train/metadata.csv").write_text("file_name,label\n1.png,a\n")
    (tmp_path / "test/metadata.csv").write_text("file_name,label\n1.png,\n")
    source = open_it(tmp_path)
    assert numbers(source) == [0]
    assert any("no usable label" in notice and "classes=NAMES sets" in notice for notice in source.notices)
    (tmp_path / "test/metadata.csv").write_text("file_name\n1.png\n")
    assert len(open_it(tmp_path).notices) == 2
    (tmp_path / "test/metadata.csv").write_text("file_name,label\n1.png,b\n")
    (tmp_path / "train/metadata.csv").write_text("file_name,label\n1.png,\n")
    with pytest.raises(DataError, match="count for all splits; classes=NAMES sets them without it"):
        open_it(tmp_path, split="test")
    assert numbers(opened(tmp_path, "test", classes=("a", "b"))) == [1]


# Arrays

X = np.zeros((3, 4, 4), np.uint8)


def one_file(suffix: str) -> Callable[[Path, Any, Any], tuple[Path, Path]]:
    def write(folder: Path, train: Any, val: Any) -> tuple[Path, Path]:
        path = folder / f"all{suffix}"
        write_arrays(path, x_train=X, y_train=train, x_val=X, y_val=val)
        return path, path

    return write


def file_each(suffix: str) -> Callable[[Path, Any, Any], tuple[Path, Path]]:
    def write(folder: Path, train: Any, val: Any) -> tuple[Path, Path]:
        for split, labels in (("train", train), ("val", val)):
            write_arrays(folder / f"{split}{suffix}", x=X, y=labels)
        return folder / f"train{suffix}", folder / f"val{suffix}"

    return write


def folder_each(folder: Path, train: Any, val: Any) -> tuple[Path, Path]:
    for split, labels in (("train", train), ("val", val)):
        (folder / split).mkdir()
        write_arrays(folder / split / "data.npz", x=X, y=labels)
    return folder / "train/data.npz", folder / "val/data.npz"


def npy_each(folder: Path, train: Any, val: Any) -> tuple[Path, Path]:
    for split, labels in (("train", train), ("val", val)):
        np.save(folder / f"X_{split}.npy", X)
        np.save(folder / f"y_{split}.npy", labels)
    return folder / "X_train.npy", folder / "X_val.npy"


def idx_each(folder: Path, train: Any, val: Any) -> tuple[Path, Path]:
    for split, labels in (("train", train), ("t10k", val)):
        write_idx(folder / f"{split}-images-idx3-ubyte", X)
        write_idx(folder / f"{split}-labels-idx1-ubyte", labels)
    return folder / "train-images-idx3-ubyte", folder / "t10k-images-idx3-ubyte"


def write_arrays(path: Path, **arrays: Any) -> None:
    if path.suffix == ".npz":
        np.savez(path, **arrays)
        return
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values.astype("S") if values.dtype.kind == "U" else values


def write_idx(path: Path, values: NDArray[Any]) -> None:
    head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    path.write_bytes(head + values.astype(np.uint8).tobytes())


WRITERS = {
    "one npz": one_file(".npz"),
    "one h5": one_file(".h5"),
    "npz each": file_each(".npz"),
    "h5 each": file_each(".h5"),
    "folder each": folder_each,
    "npy": npy_each,
    "idx": idx_each,
}


def split_of(kind: str, name: str) -> str | None:
    return name if kind.startswith("one") else None


@pytest.mark.parametrize("kind", WRITERS)
def test_numbers_go_up_to_the_largest_of_all_splits(kind: str, tmp_path: Path) -> None:
    train, val = WRITERS[kind](tmp_path, np.array([0, 1, 4]), np.array([2, 0, 1]))
    sources = opened(train, split_of(kind, "train")), opened(val, split_of(kind, "val"))
    for source in sources:
        assert source.labels.class_names == ("0", "1", "2", "3", "4")
    assert numbers(sources[1]) == [2, 0, 1]
    assert any("classes of other splits, of which it has no sample: 3, 4" in each for each in sources[1].notices)


def test_another_split_may_call_its_labels_otherwise_or_be_damaged(tmp_path: Path) -> None:
    write_arrays(tmp_path / "train.npz", x=X, y=np.arange(3))
    write_arrays(tmp_path / "test.npz", images=X, labels=np.array([0, 4, 1]))
    for split in ("train", "test"):
        assert len(open_source([tmp_path / f"{split}.npz"], SourceOptions()).labels.class_names) == 5
    (tmp_path / "test.npz").write_bytes(b"PK\3\4")
    source = open_source([tmp_path / "train.npz"], SourceOptions())
    assert len(source.labels.class_names) == 3
    assert any("test.npz: is not a readable" in each and "classes=NAMES sets" in each for each in source.notices)
    write_arrays(tmp_path / "test.npz", x=X)
    assert not open_source([tmp_path / "train.npz"], SourceOptions()).notices


def test_groups_of_hdf5_are_splits_too(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.h5", **{"train/x": X, "train/y": np.array([0, 1, 4]), "val/x": X, "val/y": np.arange(3)})
    options = SourceOptions(data_key="val/x", label_key="val/y")
    assert open_source([tmp_path / "a.h5"], options).labels.class_names == ("0", "1", "2", "3", "4")


def test_the_table_does_not_depend_on_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_each(tmp_path, np.array([0, 1, 4]), np.arange(3))
    monkeypatch.chdir(tmp_path / "val")
    assert len(open_source(["data.npz"], SourceOptions()).labels.class_names) == 5


@pytest.mark.parametrize("kind", [kind for kind in WRITERS if kind != "idx"])
def test_names_of_all_splits_are_sorted(kind: str, tmp_path: Path) -> None:
    train, val = WRITERS[kind](tmp_path, np.array(["a", "b", "d"]), np.array(["c", "d", "a"]))
    for path, split, expected in ((train, "train", [0, 1, 3]), (val, "val", [2, 3, 0])):
        source = opened(path, split_of(kind, split))
        assert source.labels.class_names == ("a", "b", "c", "d")
        assert numbers(source) == expected


@pytest.mark.parametrize("kind", [kind for kind in WRITERS if kind != "idx"])
def test_test_data_of_no_class_are_a_notice_and_training_data_an_error(kind: str, tmp_path: Path) -> None:
    train, val = WRITERS[kind](tmp_path, np.array([0, 1, 2]), np.array([-1, -1, -1]))
    source = opened(train, split_of(kind, "train"))
    assert numbers(source) == [0, 1, 2]
    assert any("found the label -1" in each and "classes=NAMES sets" in each for each in source.notices)
    (tmp_path / "other").mkdir()
    train, val = WRITERS[kind](tmp_path / "other", np.array([-1, 1, 2]), np.array([0, 1, 0]))
    with pytest.raises(DataError, match=r"found the label -1.*classes=NAMES sets"):
        opened(val, split_of(kind, "val"))
    assert numbers(opened(val, split_of(kind, "val"), classes=("a", "b"))) == [0, 1, 0]


def test_numbers_get_names(tmp_path: Path) -> None:
    path, _ = one_file(".npz")(tmp_path, np.array([0, 2, 1]), np.array([0, 0, 0]))
    source = opened(path, classes=("no", "perhaps", "yes", "later"))
    assert (source.labels.class_names, numbers(source)) == (("no", "perhaps", "yes", "later"), [0, 2, 1])
    assert numbers(opened(path, classes=("2", "1", "0"))) == [2, 0, 1]
    with pytest.raises(UsageError, match=r"^classes: has 2 names, and .*all\.npz has the labels 0 to 2\. Give"):
        opened(path, classes=("no", "yes"))


@pytest.mark.parametrize("names", [("x", "0", "1"), ("1", "2", "3"), ("2", "0", "1")])
def test_numbers_get_the_same_names_in_every_split(names: tuple[str, ...], tmp_path: Path) -> None:
    path, _ = one_file(".npz")(tmp_path, np.array([0, 2, 1]), np.array([1, 1, 1]))
    of_one = numbers(opened(path, "train", classes=names))[2]
    assert numbers(opened(path, "val", classes=names)) == [of_one] * 3
    assert of_one == (names.index("1") if "2" in names and "0" in names else 1)


def table_of(folder: Path, *labels: str) -> Path:
    pictures(folder, *(f"{number}.png" for number in range(len(labels))))
    rows = "".join(f"{number}.png,{label}\n" for number, label in enumerate(labels))
    (folder / "metadata.csv").write_text(f"file_name,label\n{rows}")
    return folder


@pytest.mark.parametrize(
    ("labels", "names", "expected"),
    [
        ("010", "no,yes", [0, 1, 0]),
        ("020", "a,b,c,d", [0, 2, 0]),
        ("012", "0,x,y", [0, 1, 2]),
        ("312", "a,b,c", [2, 0, 1]),  # as MATLAB counts
        ("312", "3,2,1", [0, 2, 1]),
        ("010", "0,1,2", [0, 1, 0]),
    ],
)
def test_numbers_in_a_table_get_names(labels: str, names: str, expected: list[int], tmp_path: Path) -> None:
    source = opened(table_of(tmp_path, *labels), classes=tuple(names.split(",")))
    assert source.labels.class_names == tuple(names.split(","))
    assert numbers(source) == expected


def test_numbers_from_ten_on_are_named_by_value(tmp_path: Path) -> None:
    names = tuple("abcdefghijkl")
    assert numbers(opened(table_of(tmp_path, "11", "2", "0"), classes=names)) == [11, 2, 0]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("012", r"^classes: has 2 names, and .* has the labels 0 to 2\. Give a name for each number from 0 to 2\.$"),
        (
            "11",
            r"has the labels 1 to 1\. Give 1 name if they count from 1; else write names in place of the numbers\.$",
        ),
        ("0x", r"0\.png is of the class 0, which is not among the 2 names \(no, yes\)"),
    ],
)
def test_numbers_in_a_table_that_names_do_not_fit(labels: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        opened(table_of(tmp_path, *labels), classes=("no", "yes"))


def test_numbers_of_several_classes_each_get_names(tmp_path: Path) -> None:
    labels = opened(table_of(tmp_path, "0|2", "1"), classes=("a", "b", "c", "d"), label_kind="multi").labels
    assert labels.values is not None
    assert labels.values.tolist() == [[1, 0, 1, 0], [0, 1, 0, 0]]


def test_soft_labels_get_names_and_numbers_to_predict_none(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=np.array([[0.5, 0.5], [0, 1], [1, 0]]))
    labels = opened(tmp_path / "a.npz", classes=("p", "q", "r")).labels
    assert labels.values is not None
    assert (labels.class_names, labels.values.tolist()) == (("p", "q", "r"), [[0.5, 0.5, 0], [0, 1, 0], [1, 0, 0]])
    with pytest.raises(UsageError, match="has labels that are numbers"):
        opened(tmp_path / "a.npz", classes=("p", "q"), label_kind="real")


# --classes


def test_given_classes_decide_names_and_order(tmp_path: Path) -> None:
    pictures(tmp_path, "train/cat/1.png", "train/dog/1.png", "val/fox/1.png", "val/dog/1.png")
    source = opened(tmp_path, classes=("dog", "ant", "cat"))
    assert (source.labels.class_names, numbers(source)) == (("dog", "ant", "cat"), [2, 0])
    with pytest.raises(UsageError, match=r"^classes: val/fox/1\.png is of the class fox, which is not among the 3"):
        opened(tmp_path, "val", classes=("dog", "ant", "cat"))


def test_given_classes_are_for_classes(tmp_path: Path) -> None:
    pictures(tmp_path, "1.png")
    with pytest.raises(UsageError, match="has no classes"):
        opened(tmp_path, classes=("a", "b"))


def test_given_classes_number_a_list_and_several_sources(tmp_path: Path) -> None:
    listed = open_file_list([b"x/dog/2.png", b"cat/1.png"], "list.txt", SourceOptions(classes=("dog", "cat")))
    assert numbers(listed) == [1, 0]
    pictures(tmp_path, "one/cat/1.png", "one/dog/1.png", "two/dog/1.png", "two/ant/1.png")
    both = open_source([tmp_path / "one", tmp_path / "two"], SourceOptions(classes=("dog", "cat", "ant")))
    assert (both.labels.class_names, numbers(both)) == (("dog", "cat", "ant"), [1, 0, 2, 0])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("names.txt", "b\n\n a a \r\nc"),
        ("names", "\ufeffb\na a\nc\n"),
        ("names.json", '["b", "a a", "c"]'),
        ("b,c.txt", "b\na a\nc"),
    ],
)
def test_a_file_names_classes(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content.encode())
    assert read_classes(str(tmp_path / name)) == ("b", "a a", "c")


def test_names_are_given_with_commas_or_as_a_list() -> None:
    assert read_classes("b, a a,c") == read_classes('["b", "a a", "c"]') == ("b", "a a", "c")
    odd = ("a,b", 'say "x"', "é\\x", "[1]")
    assert read_classes(classes_text(odd)) == odd


@pytest.mark.parametrize(
    ("value", "kind", "problem"),
    [
        ("cat", NoInputError, "no such file or data set. Give a file, a finished data set, or names with a comma"),
        ("folder", NoInputError, "a folder without a manifest.json"),
        ("a,,b", DataError, "name 2 is empty"),
        ("a,b,a", DataError, "names a twice"),
        ("a,b\udce9", DataError, "is not text that UTF-8 can hold"),
        ('["a", ', DataError, "is not JSON"),
        ("[1, 2]", DataError, "is not a JSON list of texts"),
        ("[]", DataError, "has 0 names, expected 1 to"),
        ("latin.txt", DataError, "is not UTF-8 text"),
        ("map.json", DataError, "is not a JSON list of texts"),
        ("a\0b", NoInputError, "no such file"),
        ("x" * 5000, NoInputError, "no such file"),
        ("manifest.json", MixupGenError, "manifest.json"),
    ],
)
def test_what_names_no_classes(
    value: str, kind: type[MixupGenError], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\nx")
    (tmp_path / "map.json").write_text(json.dumps({"a": 0}))
    with pytest.raises(kind, match=problem):
        read_classes(value)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_endless_files_are_not_read() -> None:
    with pytest.raises(DataError, match="line 1 has more than"):
        read_classes("/dev/zero")
