"""Which pictures an image folder holds, with which labels, and what it says about the rest."""

import errno
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from mixup_cli.errors import DataError, NoInputError, StorageError, UsageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources.pictures.folder import open_folder
from mixup_cli.sources.reading import stored_files as module
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name, unescape_name
from tests.picture_folders import classes, open_it, pictures

# Class folders


def test_classes_are_the_first_level_and_keys_are_sorted_by_bytes(tmp_path: Path) -> None:
    pictures(tmp_path, "dog/b.png", "Cat/2.png", "dog/a/deep/x.JPG", "Cat/10.png", "épée/z.png")
    source = open_it(tmp_path)
    assert source.keys == ["Cat/10.png", "Cat/2.png", "dog/a/deep/x.JPG", "dog/b.png", "épée/z.png"]
    assert source.labels.class_names == ("Cat", "dog", "épée")
    assert classes(source) == ["Cat", "Cat", "dog", "dog", "épée"]
    assert source.labels.classes is not None
    assert source.labels.classes.dtype == np.int32
    assert source.notices == ()


def test_flat_folder_is_unlabelled(tmp_path: Path) -> None:
    pictures(tmp_path, "b.png", "a.png")
    source = open_it(tmp_path)
    assert source.keys == ["a.png", "b.png"]
    assert source.labels.kind == "none"
    assert "unlabelled" in source.notices[0]


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    pictures(tmp_path, "cat/1.png", "dog/1.png", "loose.png", ".hidden/x.png", "cat/._1.png")
    (tmp_path / "empty").mkdir()
    for name in ("cat/1.xml", "README.md", "LICENSE", "Thumbs.db", "cat/png"):
        (tmp_path / name).write_text("x")
    source = open_it(tmp_path)
    assert source.keys == ["cat/1.png", "dog/1.png"]
    assert source.notices == (
        "ignored 1 image beside the class folders",
        "ignored 1 folder without images, not a class: empty",
        "ignored 3 non-image files (Thumbs.db and 2 more)",
    )


def test_a_single_class_is_pointed_out(tmp_path: Path) -> None:
    pictures(tmp_path, "cat/1.png", "cat/2.png")
    source = open_it(tmp_path)
    assert source.labels.class_names == ("cat",)
    assert "one class only (cat): every label is the same" in source.notices[-1]


def test_data_sets_of_ours_and_excluded_folders_are_not_entered(tmp_path: Path) -> None:
    pictures(tmp_path, "cat/1.png", "done/preview/1.png", "running/x/1.png", "out/1.png", "other/1.png")
    (tmp_path / "done" / "manifest.json").write_text('{"format_version": 1}')
    (tmp_path / "other" / "manifest.json").write_text('{"name": "an extension for a browser"}')
    (tmp_path / "running" / ".mixup-gen").mkdir()
    source = open_folder(tmp_path, SourceOptions(exclude=(tmp_path / "out", tmp_path / "not-there")))
    assert source.keys == ["cat/1.png", "other/1.png"]
    assert source.notices[-1] == "ignored data sets written by mixup-gen: done, running"


def test_links_are_followed_once(tmp_path: Path) -> None:
    root = tmp_path / "root"
    pictures(tmp_path, "elsewhere/1.png", "root/cat/1.png", "root/cat/inner/2.png")
    (root / "bird").symlink_to(tmp_path / "elsewhere")
    (root / "cat" / "loop").symlink_to(root)
    (root / "again").symlink_to(root / "cat" / "inner")
    source = open_it(root)
    assert source.keys == ["bird/1.png", "cat/1.png", "cat/inner/2.png"]
    assert source.notices == ("ignored 2 links to folders that were read already: again, cat/loop",)


def test_nothing_to_mix(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="no such folder"):
        open_it(tmp_path / "missing")
    (tmp_path / "notes.docx").write_text("x")
    with pytest.raises(NoInputError, match=r"no images found here or in subfolders; found 1 other file: notes\.docx\."):
        open_it(tmp_path)
    (tmp_path / "notes.docx").rename(tmp_path / "train.txt")
    with pytest.raises(NoInputError, match=r"train\.txt\. Pass tokenizer=tokenizer\.json if it holds labelled texts"):
        open_it(tmp_path)


# Names


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse file names that are not UTF-8")
def test_weird_names(tmp_path: Path) -> None:
    names = [b"a\nb/1.png", b"caf\xe9/1.png", b"c\\xe9/1.png", "日本/1.png".encode()]
    for name in names:
        pictures(tmp_path, os.fsdecode(name))
    source = open_it(tmp_path)
    assert source.keys == ["a\nb/1.png", "c\\\\xe9/1.png", "caf\\xe9/1.png", "日本/1.png"]
    assert all(key.encode("utf-8") for key in source.keys)
    assert source.labels.class_names == ("a\nb", "c\\\\xe9", "caf\\xe9", "日本")
    out = np.zeros((4, 3, 2, 3), np.uint8)
    assert [one.problem for one in source.load(0, 4, Target(Form((3, 2, 3), "uint8", "hwc")), out)] == [None] * 4


def test_escaped_names_stay_apart() -> None:
    names = ["a\udce9", "a\\xe9", "aé", "a\\\\xe9", "a\ud800", "a\\", "\\udc80", "\udcff\\xe9"]
    assert len({escape_name(name) for name in names}) == len(names)
    assert [unescape_name(escape_name(name)) for name in names] == names
    assert unescape_name("written\\by\\an earlier version\\x41") == "written\\by\\an earlier version\\x41"


# Metadata


def test_metadata_csv_gives_labels_and_leaves_out_the_rest(tmp_path: Path) -> None:
    pictures(tmp_path, "images/a.png", "images/b.png", "images/c.png")
    (tmp_path / "metadata.csv").write_text("file_name,caption,Label\nimages/b.png,x,10\n./images/a.png,y,9\n")
    source = open_it(tmp_path)
    assert source.keys == ["images/a.png", "images/b.png"]
    assert source.labels.class_names == ("9", "10")
    assert classes(source) == ["9", "10"]
    name = tmp_path / "metadata.csv"
    assert source.notices == (
        f"labels taken from {name}, column Label",
        f"ignored 1 image that {name} does not name",
    )


def test_metadata_jsonl_in_the_split_folder(tmp_path: Path) -> None:
    pictures(tmp_path, "train/a.png", "train/b.png", "test/c.png")
    rows = [{"file_name": "a.png", "target": 2}, {"file_name": "b.png", "target": "1"}]
    (tmp_path / "train" / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    source = open_it(tmp_path)
    assert source.keys == ["train/a.png", "train/b.png"]
    assert classes(source) == ["2", "1"]


def test_metadata_in_the_root_of_splits(tmp_path: Path) -> None:
    pictures(tmp_path, "train/a.png", "test/b.png")
    (tmp_path / "metadata.csv").write_text("file_name,label\ntrain/a.png,x\ntest/b.png,y\n")
    assert classes(open_it(tmp_path)) == ["x"]
    assert classes(open_it(tmp_path, split="test")) == ["y"]


def test_metadata_may_name_a_file_of_any_suffix(tmp_path: Path) -> None:
    pictures(tmp_path, "0001")
    (tmp_path / "metadata.csv").write_text("file_name,label\n0001,x\n")
    assert open_it(tmp_path).keys == ["0001"]


def test_label_column(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png")
    (tmp_path / "metadata.csv").write_text("file_name,species,sex\na.png,gull,f\n")
    without = open_it(tmp_path)
    assert without.labels.kind == "none"
    assert "found: file_name, species, sex" in without.notices[0]
    assert classes(open_it(tmp_path, label_column="species")) == ["gull"]
    with pytest.raises(UsageError, match=r"no such column \(found: file_name, species, sex\)"):
        open_it(tmp_path, label_column="genus")


def test_label_column_without_metadata(tmp_path: Path) -> None:
    pictures(tmp_path, "cat/a.png")
    with pytest.raises(UsageError, match=r"label_column=species: .* no metadata"):
        open_it(tmp_path, label_column="species")


def test_what_metadata_name_and_is_not_there_is_left_to_the_scan(tmp_path: Path) -> None:
    """Which refuses it, or leaves it out. Here its line is known."""
    pictures(tmp_path, "a.png")
    (tmp_path / "metadata.csv").write_text("file_name,label\na.png,x\nb.png,y\nc.png,y\n")
    source = open_it(tmp_path)
    assert source.keys == ["a.png", "b.png", "c.png"]
    assert f"{tmp_path}/metadata.csv, line 3: no file b.png, nor 1 more that it names" in source.notices


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file_name,label\na\0.png,x\n", "line 2: file_name holds a NUL"),
        ("file_name,label\na.png,x\n\n./a.png,y\n", "line 4: names a.png, as line 2 does"),
        ("file_name,label\n../a.png,x\n", "line 2: ../a.png is outside"),
        ("file_name,label\n/etc/a.png,x\n", "line 2: /etc/a.png is an absolute path.*labels_from"),
        ("file_name,label\nsub/../../a.png,x\n", "line 2: .* is outside"),
        ("file_name,label\na.png,\n", "line 2: column label has no usable label"),
        ("file_name,label\na.png\n", "line 2: has 1 value, expected 2, one for each column"),
        ("file_name,label\n,x\n", "line 2: has no file_name"),
        ('file_name,label\na.png,"x\n', "is not CSV"),
        ("name,label\nb.tif,x\n", r"no column file_name, .* \(found: name, label\). Pass file_column=NAME"),
        ("", "has no rows"),
    ],
)
def test_damaged_csv(tmp_path: Path, text: str, message: str) -> None:
    pictures(tmp_path, "a.png")
    (tmp_path / "metadata.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        open_it(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"file_name": "a.png", "label": null}', "line 1: column label has no usable label"),
        (b'{"file_name": "a.png", "label": [1]}', r"found: \[1\]"),
        (b'\n{"file_name": "a.png", "label": }', "line 2: is not JSON"),
        (b"[1, 2]", "line 1: is not a JSON object"),
        (b'{"file_name": "a.png", "label": "\xff"}', "is not UTF-8"),
        (b'{"file_name": "a.png", "label": "\\ud800"}', "no usable label"),
    ],
)
def test_damaged_jsonl(tmp_path: Path, text: bytes, message: str) -> None:
    pictures(tmp_path, "a.png")
    (tmp_path / "metadata.jsonl").write_bytes(text)
    with pytest.raises(DataError, match=message):
        open_it(tmp_path)


def test_two_metadata_files(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png")
    for name in ("metadata.csv", "metadata.jsonl"):
        (tmp_path / name).write_text("")
    with pytest.raises(DataError, match=r"has both metadata\.csv and metadata\.jsonl"):
        open_it(tmp_path)


# Reading


def test_load_reports_each_picture(tmp_path: Path) -> None:
    pictures(tmp_path, "c/0.png", "c/1.png", "c/2.png", "c/3.png")
    whole = (tmp_path / "c" / "1.png").read_bytes()
    (tmp_path / "c" / "1.png").write_bytes(whole[:50])
    source = open_it(tmp_path)
    (tmp_path / "c" / "2.png").unlink()
    out = np.full((3, 3, 2, 3), 99, np.uint8)
    loaded = source.load(1, 4, Target(Form((3, 2, 3), "uint8", "hwc")), out)
    problems = ["cannot decode (file ends at byte 50)", "cannot read (No such file or directory)", None]
    assert [one.problem for one in loaded] == problems
    assert [one.stored_bytes for one in loaded[:2]] == [50, 0]
    assert len(loaded[2].sha256) == 64
    assert (out[2] == 3).all()
    assert source.stored_bytes()[1:3] == [50, -1]


def test_a_link_that_leads_nowhere_is_a_problem_and_not_lost(tmp_path: Path) -> None:
    pictures(tmp_path, "c/0.png")
    (tmp_path / "c" / "1.png").symlink_to(tmp_path / "gone.png")
    source = open_it(tmp_path)
    assert source.keys == ["c/0.png", "c/1.png"]
    assert source.stored_bytes()[1] == -1


def test_a_link_in_a_circle_stops_nothing(tmp_path: Path) -> None:
    pictures(tmp_path, "c/0.png", "d/0.png")
    for name in ("1.png", "folder"):
        (tmp_path / "c" / name).symlink_to(tmp_path / "c" / name)
    source = open_it(tmp_path)
    assert source.keys == ["c/0.png", "c/1.png", "d/0.png"]
    assert source.notices == ("ignored 1 non-image file (c/folder)",)
    loaded = source.load(1, 2, Target(Form((3, 2, 3), "uint8", "hwc")), np.empty((1, 3, 2, 3), np.uint8))
    assert loaded[0].problem == "cannot read (Too many levels of symbolic links)"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_never_ends_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path, "c/0.png", "c/3.png")
    (tmp_path / "c" / "1.png").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "c" / "2.png").symlink_to(tmp_path / "pipe")
    source = open_it(tmp_path)
    monkeypatch.setattr(module, "FILE_BYTES", (tmp_path / "c" / "0.png").stat().st_size)
    with (tmp_path / "c" / "3.png").open("ab") as file:
        file.write(b"x")
    assert sum(source.survey().sizes.values()) == 1
    loaded = source.load(0, 4, Target(Form((3, 2, 3), "uint8", "hwc")), np.empty((4, 3, 2, 3), np.uint8))
    found = [one.problem for one in loaded]
    assert found[:3] == [None, "not a regular file", "not a regular file"]
    assert "more than a sample may have" in str(found[3])


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.EIO])
def test_errors_of_the_machine_are_no_broken_input(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures(tmp_path, "c/0.png")
    source = open_it(tmp_path)

    def fail(*_: object) -> None:
        raise OSError(number, "it broke")

    monkeypatch.setattr(module, "_open_at_once", fail)
    for attempt in (source.survey, lambda: source.load(0, 1, Target(Form((3, 2, 3), "uint8", "hwc")), np.empty(1))):
        with pytest.raises(StorageError, match=r"c/0\.png: cannot read \(it broke\)"):
            attempt()


def test_survey_spreads_over_the_source_and_ignores_what_it_cannot_read(tmp_path: Path) -> None:
    pictures(tmp_path, *(f"a/{number}.png" for number in range(5)), size=(4, 2))
    pictures(tmp_path, *(f"b/{number}.png" for number in range(5)), size=(7, 7))
    (tmp_path / "b" / "0.png").write_bytes(b"no picture")
    source = open_it(tmp_path)
    whole = source.survey()
    assert whole.sizes == {(2, 4): 5, (7, 7): 4}
    assert whole.dtypes == {"uint8": 9}
    assert source.survey(4).sizes == {(2, 4): 2, (7, 7): 1}
