"""Lists of picture paths: classes, keys, and what is refused."""

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources.pictures import file_list
from mixup_cli.sources.pictures.file_list import open_file_list, split_nul
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.stored_files import WatchedFiles


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def open_lines(*lines: bytes) -> WatchedFiles:
    return open_file_list(lines, "list.txt", SourceOptions())


def test_class_is_the_parent_folder_and_order_that_of_the_keys() -> None:
    source = open_lines(b"x/dog/2.png\n", b"\n", b"cat/1.png\r\n", b"  \n", b"./y//dog/./1.png")
    assert source.keys == ["cat/1.png", "x/dog/2.png", "y/dog/1.png"]
    assert source.labels.class_names == ("cat", "dog")
    assert source.labels.classes is not None
    assert source.labels.classes.tolist() == [0, 1, 1]
    assert source.location == "list.txt"


def test_paths_without_a_parent_and_absolute_paths(here: Path) -> None:
    inside, outside = os.fsencode(here / "cat" / "1.png"), b"/data/dog/1.png"
    source = open_lines(b"1.png\n", b"../2.png\n", inside, outside)
    assert source.keys == ["../2.png", "/data/dog/1.png", "1.png", "cat/1.png"]
    assert source.labels.class_names == ("cat", "dog", "here", here.parent.name)


@pytest.mark.parametrize("again", [b"a/1.png\n", b"./a/1.png\n", b"a//1.png"])
def test_duplicates_name_their_line(again: bytes) -> None:
    with pytest.raises(DataError, match=r"list.txt, line 4: a/1.png is in line 1 already"):
        open_lines(b"a/1.png\n", b"a/2.png\n", b"\n", again)


def test_empty_list() -> None:
    with pytest.raises(NoInputError, match=r"list.txt: names no files"):
        open_lines(b"\n", b" \n")


def test_a_class_is_not_a_split_unless_it_is_asked_for() -> None:
    lines = [b"photos/train/1.png", b"photos/test/2.png"]
    with pytest.raises(UsageError, match=r"list.txt: has images in test, train, which is the name of a split\."):
        open_lines(*lines)
    assert open_file_list(lines, "-", SourceOptions(label_kind="none")).labels.kind == "none"
    assert open_file_list(lines, "-", SourceOptions(classes=("train", "test"))).labels.class_names == ("train", "test")


def test_several_splits_in_one_list_are_said() -> None:
    source = open_lines(b"train/cat/1.png", b"train/train/1.png", b"val/cat/2.png", b"x/dog/1.png")
    with pytest.raises(UsageError, match="has images in test, which is the name of a split"):
        open_lines(b"train/cat/1.png", b"train/train/1.png", b"test/test/2.png")
    assert source.labels.class_names == ("cat", "dog", "train")
    assert source.notices == ("list.txt: has images of several splits (train, val), which will be mixed",)
    assert open_lines(b"cat/1.png", b"cat/2.png").notices == (
        "list.txt: one class only (cat): every label is the same",
    )


def test_folders_that_systems_make_are_left_out() -> None:
    source = open_lines(b"cat/1.png", b"cat/@eaDir/1.png/thumb.jpg", b"#recycle/2.png", b"dog/3.png")
    assert source.keys == ["cat/1.png", "dog/3.png"]
    assert source.notices == ("list.txt: ignored 2 paths in folders such as #recycle and 1 more",)
    with pytest.raises(NoInputError, match="names no files"):
        open_lines(b"lost+found/1.png")


def test_options_that_do_not_fit() -> None:
    with pytest.raises(UsageError, match="split=val: "):
        open_file_list([b"a/1.png"], "-", SourceOptions(split="val"))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse file names that are not UTF-8")
def test_nul_separated_names_may_hold_anything() -> None:
    names = [b"a/new\nline.png", b"a/caf\xe9.png", b" /1.png"]
    for name in names:
        Path(os.fsdecode(name)).parent.mkdir(exist_ok=True)
        Image.new("L", (2, 2), 7).save(os.fsdecode(name))
    source = open_file_list(split_nul(io.BytesIO(b"\0".join(names) + b"\0"), "-"), "-", SourceOptions())
    assert source.keys == [" /1.png", "a/caf\\xe9.png", "a/new\nline.png"]
    out = np.zeros((3, 2, 2, 1), np.uint8)
    assert [one.problem for one in source.load(0, 3, Target(Form((2, 2, 1), "uint8", "hwc")), out)] == [None] * 3


def test_missing_file_is_a_problem_of_the_scan() -> None:
    source = open_lines(b"a/1.png")
    (loaded,) = source.load(0, 1, Target(Form((2, 2, 3), "uint8", "hwc")), np.zeros((1, 2, 2, 3), np.uint8))
    assert loaded.problem == "cannot read (No such file or directory)"


def test_entries_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_list, "_BLOCK_BYTES", 3)
    assert list(split_nul(io.BytesIO(b"abcd\0e\0\0fgh"), "-")) == [b"abcd", b"e", b"", b"fgh"]


def test_lines_are_read_one_by_one() -> None:
    def endless() -> Iterator[bytes]:
        yield from (b"a/%d.png\n" % number for number in range(1000))
        raise ConnectionError("the list ends here")

    with pytest.raises(ConnectionError):
        open_file_list(endless(), "-", SourceOptions())


def test_a_url_in_a_list_is_refused_and_not_shown() -> None:
    """It would be looked for in a folder `s3:`; and it may have a signature in it."""
    lines = [b"cat/1.png\n", b"https://host/cat/2.png?X-Amz-Signature=secret\n"]
    with pytest.raises(
        DataError, match=r"^list, line 2: a URL, and lists hold local paths only\. Give the URL of"
    ) as told:
        open_file_list(lines, "list", SourceOptions())
    assert "secret" not in str(told.value)
