"""Which folders are splits, and which are classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mixup_cli.errors import UsageError
from mixup_cli.sources.pictures.folder import open_folder
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.splits import find_splits, names_of_other_splits, split_kind
from tests.picture_folders import classes, open_it, pictures

# Names


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *[(name, "train") for name in ("train", "Training", "training_set", "TrainSet", "trainval", "train_val")],
        *[(name, "train") for name in ("train2017", "train_images", "training images", "01_train")],
        *[(name, "val") for name in ("val", "valid", "Validation", "val2017", "validation_set")],
        *[(name, "test") for name in ("test", "Testing", "test1", "test-set", "t10k")],
        *[(name, None) for name in ("cat", "train_station", "trainer", "contest", "testament", "train_test_split", "")],
    ],
)
def test_names_of_splits(name: str, kind: str | None) -> None:
    assert split_kind(name) == kind


@pytest.mark.parametrize(
    ("heads", "found"),
    [
        ("seg_pred seg_test seg_train", "seg_pred seg_test seg_train"),
        ("asl_alphabet_train asl_alphabet_test", "asl_alphabet_train asl_alphabet_test"),
        ("airport bullet_train dev_board test_tube train_station", ""),
        ("good bad extra", ""),
        ("valid invalid", ""),
        ("train valid", "train valid"),
        ("train extra", "train extra"),
        ("dev eval", "dev eval"),
        ("cat dog unlabelled", "unlabelled"),
    ],
)
def test_a_name_with_other_words_is_a_split_beside_another_of_them(heads: str, found: str) -> None:
    assert [*find_splits(dict.fromkeys(heads.split(), True))] == found.split()


def test_a_folder_of_folders_with_the_word_in_its_name_is_a_split() -> None:
    assert find_splits({"cats_train": False, "misc": True}) == {"cats_train": "train"}


def test_names_of_other_splits() -> None:
    others = {*names_of_other_splits("Y_Train.npy")}
    assert {"Y_Test.npy", "Y_Val.npy", "Y_Valid.npy"} <= others
    assert "Y_Train.npy" not in others
    assert "t10k-labels-idx1-ubyte" in {*names_of_other_splits("train-labels-idx1-ubyte")}
    assert [*names_of_other_splits("labels.npy")] == []


# Split folders


def test_training_split_is_the_default(tmp_path: Path) -> None:
    pictures(tmp_path, "Train/cat/1.png", "Train/dog/1.png", "val/cat/2.png", "val/dog/3.png", "test/cat/4.png")
    (tmp_path / "annotations").mkdir()
    source = open_it(tmp_path)
    assert source.keys == ["Train/cat/1.png", "Train/dog/1.png"]
    assert source.labels.class_names == ("cat", "dog")
    assert source.notices == (f"{tmp_path}: using the training split; split=NAME picks another (test, val)",)


@pytest.mark.parametrize("wanted", ["val", "validation", "VAL"])
def test_split_by_name_or_synonym(tmp_path: Path, wanted: str) -> None:
    pictures(tmp_path, "train/cat/1.png", "val/cat/2.png", "val/dog/3.png")
    source = open_it(tmp_path, split=wanted)
    assert source.keys == ["val/cat/2.png", "val/dog/3.png"]
    assert source.notices == ()


def test_split_that_is_not_there(tmp_path: Path) -> None:
    pictures(tmp_path, "train/cat/1.png", "val/cat/2.png")
    with pytest.raises(UsageError, match=r"split=test: .* no such split \(found: train, val\)"):
        open_it(tmp_path, split="test")


def test_split_without_split_folders(tmp_path: Path) -> None:
    pictures(tmp_path, "cat/1.png", "dog/2.png")
    with pytest.raises(UsageError, match=r"no split folders \(found: cat, dog\)"):
        open_it(tmp_path, split="val")


def test_no_training_split(tmp_path: Path) -> None:
    pictures(tmp_path, "val/cat/1.png", "test/cat/1.png")
    with pytest.raises(UsageError, match=r"no training split \(found: test, val\)"):
        open_it(tmp_path)


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ("Training", "Testing"),
        ("training_set", "test_set"),
        ("trainval", "test"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("archive/train", "archive/val"),
        ("training_images", "validation_images"),
    ],
)
def test_splits_by_their_many_names(train: str, val: str, tmp_path: Path) -> None:
    pictures(tmp_path, *(f"{split}/{name}" for split in (train, val) for name in ("sea/1.png", "street/1.png")))
    source = open_it(tmp_path)
    assert source.keys == [f"{train}/sea/1.png", f"{train}/street/1.png"]
    assert classes(source) == ["sea", "street"]
    wanted = "val" if "val" in val.lower() else "test"
    assert open_it(tmp_path, split=wanted).keys == [f"{val}/sea/1.png", f"{val}/street/1.png"]


def test_a_class_of_a_split_may_be_called_train(tmp_path: Path) -> None:
    pictures(tmp_path, "train/car/1.png", "train/train/1.png", "test/car/1.png", "test/train/1.png")
    assert classes(open_it(tmp_path)) == ["car", "train"]


# In doubt


@pytest.mark.parametrize(
    ("names", "problem", "options", "found"),
    [
        (
            "train/1.png car/1.png",
            r"has the split folder train beside car\. Pass split=train to use that split, or split='' to",
            {"split": ""},
            ["car", "train"],
        ),
        ("train/1.png car/1.png", "split folder", {"classes": ("train", "car")}, ["car", "train"]),
        (
            "train/x/1.png train/y/1.png val/x/1.png chest/train/x/1.png chest/val/x/1.png",
            r"split folders train, val beside chest\. Pass split=train",
            {"split": "train"},
            ["x", "y"],
        ),
        (
            "color/x/1.png color/y/1.png grey/x/1.png grey/y/1.png",
            r"\(color, grey\) hold no images themselves, only folders \(in color: x, y\)\. .*such as .*/color\.",
            {"split": "color"},
            ["x", "y"],
        ),
        (
            "A/train/x/1.png A/val/x/1.png B/train/x/1.png B/val/x/1.png",
            r"\(A, B\) hold splits \(in A: train, val\), expected .* Make it train/A, and so on; or pass split=''",
            {"split": ""},
            ["A", "A", "B", "B"],
        ),
        (
            "cat/s1/1.png cat/s2/1.png dog/s1/1.png",
            r"If cat, dog are the classes, pass split=''; else",
            {"split": ""},
            ["cat", "cat", "dog"],
        ),
        (
            "train/cat/s1/1.png train/dog/s1/1.png val/cat/s1/1.png",
            r"If cat, dog are the classes, pass classes=cat,dog; else",
            {"classes": ("cat", "dog")},
            ["cat", "dog"],
        ),
        (
            "annotations/1.png images/1.png",
            r"do not look like classes\. Give one of them, such as .*/images; or pass split=''",
            {"split": ""},
            ["annotations", "images"],
        ),
        (
            "images_001/images/1.png images_002/images/2.png",
            r"\(?images_001, images_002, which do not look like classes\. .* or pass split=''",
            {"split": ""},
            ["images_001", "images_002"],
        ),
        (
            "cat/1.png dog/1.png all/cat/1.png all/dog/1.png",
            r"all holds no images itself, and its folders have the names of those beside it\. Move it away",
            {"split": ""},
            ["all", "all", "cat", "dog"],
        ),
    ],
)
def test_doubt_is_refused_and_the_remedy_works(
    names: str, problem: str, options: dict[str, Any], found: list[str], tmp_path: Path
) -> None:
    pictures(tmp_path, *names.split())
    with pytest.raises(UsageError, match=problem):
        open_it(tmp_path)
    assert classes(open_folder(tmp_path, SourceOptions(**options))) == found


def test_class_folders_with_folders_among_their_pictures_are_no_doubt(tmp_path: Path) -> None:
    pictures(tmp_path, "cat/1.png", "dog/session1/1.png", "dog/session2/1.png")
    source = open_it(tmp_path)
    assert classes(source) == ["cat", "dog", "dog"]
    assert source.notices == ("each of these is one class, though its images lie in subfolders: dog",)


def test_the_only_folder_of_folders_is_looked_into(tmp_path: Path) -> None:
    pictures(tmp_path, "data/images/cat/1.png", "data/images/dog/1.png")
    source = open_it(tmp_path)
    assert source.labels.class_names == ("cat", "dog")
    assert source.keys == ["data/images/cat/1.png", "data/images/dog/1.png"]
    assert source.notices == ("looking for classes in data/images/: no other folder has images",)


@pytest.mark.parametrize("names", ["train/train/1.png test1/test1/1.png", "images/1.png", "train/images/1.png"])
def test_the_only_folder_of_pictures_is_no_class_by_the_name_of_a_split_or_of_files(names: str, tmp_path: Path) -> None:
    pictures(tmp_path, *names.split())
    source = open_it(tmp_path)
    assert source.labels.kind == "none"
    assert len(source) == 1


def test_metadata_leave_no_doubt(tmp_path: Path) -> None:
    pictures(tmp_path, "train/1.png", "more/1.png")
    (tmp_path / "metadata.csv").write_text("file_name,label\ntrain/1.png,x\nmore/1.png,y\n")
    assert classes(open_it(tmp_path)) == ["y", "x"]


JUNK = ("@eaDir", "#recycle", "lost+found", "__MACOSX", ".ipynb_checkpoints", "$RECYCLE.BIN")


def test_folders_that_systems_make_are_no_classes(tmp_path: Path) -> None:
    pictures(tmp_path, "cat/1.png", "dog/1.png", *(f"{name}/train/1.png" for name in JUNK))
    pictures(tmp_path, *(f"cat/{name}/1.png/thumb.jpg" for name in JUNK))
    source = open_it(tmp_path)
    assert source.keys == ["cat/1.png", "dog/1.png"]
    assert source.notices == ()
