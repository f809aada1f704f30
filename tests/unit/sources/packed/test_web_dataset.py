"""WebDataset: keys, labels, classes, splits, braces, and samples that are not whole."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.sources import Source, SourceOptions, open_source
from mixup_cli.sources.packed import web_dataset
from mixup_cli.sources.packed.web_dataset import expanded
from tests.contracts.source_contract import loaded
from tests.labelled_texts import TOKENIZER
from tests.packed_sources import images_of, put_in_memory, write_tar, write_web_dataset


@pytest.fixture
def image(photos: Path) -> bytes:
    return images_of(photos)["cat/0.jpg"]


def opened(*places: Path | str, **options: object) -> Source:
    return open_source(places, SourceOptions(**options))  # type: ignore[arg-type]


def classes(source: Source) -> list[str]:
    assert source.labels.classes is not None
    return [source.labels.class_names[number] for number in source.labels.classes.tolist()]


def test_braces_are_those_of_a_shell() -> None:
    assert expanded("a-{08..11}.tar") == ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]
    assert expanded("{train,val}-{0..1}.tar") == ["train-0.tar", "train-1.tar", "val-0.tar", "val-1.tar"]
    assert expanded("a{b}c{1..x}.tar") == ["a{b}c{1..x}.tar"]
    assert expanded("{a..b,c}.tar") == ["a..b.tar", "c.tar"]
    with pytest.raises(UsageError, match=r"counts down from 03 to 01\. Write the smaller number first"):
        expanded("a-{03..01}.tar")


@pytest.mark.parametrize("pattern", ["a-{0..99999999999999999999}.tar", "{0..999}-{0..999}-{0..999}.tar"])
def test_braces_that_stand_for_too_many_files(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_dataset, "MOST_TARS", 1000)
    with pytest.raises(UsageError, match="more than 1,000 files"):
        expanded(pattern)


def test_braces_a_folder_and_a_shell_s_list_are_the_same_source(photos: Path, tmp_path: Path) -> None:
    folder = write_web_dataset(tmp_path / "tars", photos)
    tars = sorted(folder.glob("*.tar"))
    sources = [opened(folder), opened(folder / "shard-{000000..000002}.tar"), opened(*tars)]
    assert [list(each.keys) for each in sources] == [list(sources[0].keys)] * 3
    assert sources[0].keys[0] == "shard-000000.tar/000000.jpg"
    assert [each.location for each in sources][2] == f"{tars[0]} and 2 more"
    np.testing.assert_array_equal(loaded(sources[0])[0], loaded(sources[2])[0])


def test_braces_beside_another_source(photos: Path, tmp_path: Path) -> None:
    folder = write_web_dataset(tmp_path / "tars", photos)
    source = opened(folder / "shard-00000{0..2}.tar", photos)
    assert (len(source), source.keys[0], source.keys[8]) == (16, "0:shard-000000.tar/000000.jpg", "1:cat/0.jpg")


def test_the_key_ends_with_the_first_dot_behind_the_folders(image: bytes, tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {"v1.0/x.jpg": image, "v1.0/x.cls": b"3", "v1.0/x.seg.png": b"not read"})
    assert list(opened(path).keys) == ["a.tar/v1.0/x.jpg"]


@pytest.mark.parametrize(
    ("members", "names"),
    [
        ({"0.cls": b"2", "1.cls": b" 0\n"}, ("0", "1", "2")),
        ({"0.cls": b"dog", "1.cls": "Käfer".encode()}, ("Käfer", "dog")),
        ({"0.txt": b"dog", "1.txt": b"cat"}, ("cat", "dog")),
        ({"0.json": b'{"label": 1, "x": 2}', "1.json": b'{"label": 0}'}, ("0", "1")),
        ({"0.json": b'{"class": "dog"}', "1.json": b'{"class": "cat"}'}, ("cat", "dog")),
        ({"0.json": b"1", "1.json": b"0"}, ("0", "1")),
        ({"0.cls": b"1", "0.txt": b"a dog", "1.cls": b"0", "1.txt": b"a cat"}, ("0", "1")),
        ({"0.json": b'{"url": "x"}', "0.txt": b"dog", "1.json": b"{}", "1.txt": b"cat"}, ("cat", "dog")),
    ],
)
def test_where_labels_stand(members: dict[str, bytes], names: tuple[str, ...], image: bytes, tmp_path: Path) -> None:
    source = opened(write_tar(tmp_path / "a.tar", {**members, "0.jpg": image, "1.jpg": image}))
    assert source.labels.class_names == names
    assert source.labels.classes is not None
    assert source.labels.classes.tolist() == [len(names) - 1, 0]


def test_a_label_key_is_an_ending_or_a_field(image: bytes, tmp_path: Path) -> None:
    members = {"0.jpg": image, "0.cls": b"1", "0.fine.txt": b"poodle", "0.json": b'{"breed": "beagle"}'}
    path = write_tar(tmp_path / "a.tar", members)
    assert classes(opened(path, label_key="fine.txt")) == ["poodle"]
    assert classes(opened(path, label_key="breed")) == ["beagle"]
    assert classes(opened(path, label_key="cls")) == ["1"]
    other = write_tar(tmp_path / "b.tar", {"0.jpg": image, "0.Breed": b"pug", "1.jpg": image})
    assert classes(opened(write_tar(tmp_path / "c.tar", {"0.JPG": image, "0.Breed": b"pug"}), label_key="Breed")) == [
        "pug"
    ]
    with pytest.raises(DataError, match=r"1\.jpg: has no label, and other samples have one in \.breed\."):
        opened(other, label_key="breed")
    with pytest.raises(UsageError, match=r"label_key=age: .*no sample has that. Name an ending, or a field"):
        opened(path, label_key="age")


def test_labels_of_other_kinds(image: bytes, tmp_path: Path) -> None:
    soft = [{"label": [0.25, 0.75]}, {"label": [1.0, 0.0]}]
    members = {f"{n}.json": json.dumps(each).encode() for n, each in enumerate(soft)}
    source = opened(write_tar(tmp_path / "a.tar", {**members, "0.jpg": image, "1.jpg": image}))
    assert source.labels.kind == "soft"
    ages = {"0.cls": b"31.5", "1.cls": b"7"}
    path = write_tar(tmp_path / "b.tar", {**ages, "0.jpg": image, "1.jpg": image})
    found = opened(path, label_kind="real").labels.values
    assert found is not None
    assert found.tolist() == [[31.5], [7.0]]


def test_captions_are_doubted(image: bytes, tmp_path: Path) -> None:
    members = {f"{n:03d}.{end}": data for n in range(101) for end, data in (("jpg", image), ("txt", b"caption %d" % n))}
    assert (
        "101 different labels for 101 samples: are they classes?"
        in opened(write_tar(tmp_path / "a.tar", members)).notices[0]
    )


def test_classes_beside_the_tars_name_numbers(photos: Path, tmp_path: Path) -> None:
    folder = write_web_dataset(tmp_path / "tars", photos)
    source = opened(folder)
    assert classes(source)[:3] == ["cat", "cat", "dog"]
    assert source.notices == (f"class names taken from {folder}/classes.txt",)
    (folder / "classes.txt").write_text("cat")
    with pytest.raises(DataError, match=r"classes\.txt: has 1 name, and .* has the labels 0 to 1"):
        opened(folder)


def test_classes_are_read_alike_near_and_far(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_web_dataset(tmp_path / "[tars]", photos)
    (folder / "classes.txt").write_bytes("\ufeffKäfer\r\n\r\nHund".encode())
    url = put_in_memory(folder, "named")
    monkeypatch.chdir(tmp_path)
    for place in (Path("[tars]"), url):
        assert opened(place).labels.class_names == ("Käfer", "Hund")
    (folder / "classes.txt").write_text("cat\ncat")
    for place in (folder, put_in_memory(folder, "named")):
        with pytest.raises(DataError, match=f"^{re.escape(str(place))}/classes.txt: names cat twice"):
            opened(place)


def test_splits_by_the_names_of_tars_or_their_folders(image: bytes, tmp_path: Path) -> None:
    members = {"0.jpg": image, "0.cls": b"1"}
    for name in ("flat/a-train-0000.tar", "flat/a-validation-0000.tar", "deep/train/0.tar", "deep/val/0.tar"):
        write_tar(tmp_path / name, members)
    for folder in ("flat", "deep"):
        source = opened(tmp_path / folder)
        assert (len(source), "using the training split" in source.notices[0]) == (1, True)
        assert len(opened(tmp_path / folder, split="val")) == 1
        with pytest.raises(UsageError, match=r"split=test: .*has no such split \(found: train, val\)"):
            opened(tmp_path / folder, split="test")
    with pytest.raises(UsageError, match="split has no effect"):
        opened(tmp_path / "flat/a-train-0000.tar", split="train")


def test_a_split_that_is_a_tar_of_class_folders(photos: Path, tmp_path: Path) -> None:
    for name in ("train", "test"):
        write_tar(tmp_path / f"{name}.tar", images_of(photos))
    assert opened(tmp_path).location == str(tmp_path / "train.tar")
    assert opened(tmp_path, split="test").location == str(tmp_path / "test.tar")


def test_a_sample_without_an_image_is_a_broken_input(image: bytes, tmp_path: Path) -> None:
    members = {"0.jpg": image, "0.cls": b"1", "1.cls": b"0", "1.mp4": b"film"}
    source = opened(write_tar(tmp_path / "a.tar", members))
    assert list(source.keys) == ["a.tar/0.jpg", "a.tar/1"]
    assert loaded(source)[1] == [None, "has no image beside its other members"]


def test_a_sample_without_a_label_is_refused_by_its_key(image: bytes, tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {"0.jpg": image, "0.cls": b"1", "1.jpg": image})
    with pytest.raises(DataError, match=r"^a\.tar/1\.jpg: has no label, and other samples have one in \.cls\. Add it"):
        opened(path)
    assert len(opened(path, label_kind="none")) == 2


def test_several_images_of_a_sample(image: bytes, tmp_path: Path) -> None:
    members = {"0.jpg": image, "0.png": image, "0.left.jpg": image, "0.cls": b"1"}
    path = write_tar(tmp_path / "a.tar", members)
    with pytest.raises(UsageError, match=r"a\.tar: 0 has several images \(jpg, png\)\. Pick one: data_key=jpg\."):
        opened(path)
    assert list(opened(path, data_key="left.jpg").keys) == ["a.tar/0.left.jpg"]
    with pytest.raises(NoInputError, match=r"no sample has an image .*end in gif"):
        opened(path, data_key="gif")


def test_tars_without_labels_are_unlabelled(image: bytes, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_tar(tmp_path / f"t/{name}.tar", {"0.jpg": image})
    source = opened(tmp_path / "t")
    assert (source.labels.kind, len(source)) == ("none", 2)
    assert "no labels found (looked for cls, json, txt)" in source.notices[0]


def test_tars_of_captions_need_no_labels(image: bytes, tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {"0.jpg": image, "0.txt": b"a dog", "0.json": b"{}"})
    source = opened(path, task="caption", tokenizer=str(TOKENIZER))
    assert (source.labels.kind, [each for each in source.notices if "labels" in each]) == ("none", [])


def test_members_in_any_order_have_sorted_keys(image: bytes, tmp_path: Path) -> None:
    pairs = [("b.cls", b"1"), ("a.jpg", image), ("c.jpg", image), ("b.jpg", image), ("c.cls", b"0"), ("a.cls", b"2")]
    source = opened(write_tar(tmp_path / "x.tar", pairs))
    assert list(source.keys) == ["x.tar/a.jpg", "x.tar/b.jpg", "x.tar/c.jpg"]
    assert classes(source) == ["2", "1", "0"]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([("0.cls", b"1"), ("0.cls", b"2")], "holds 0.cls twice"),
        ([("0.json", b"{")], r"0\.json: is not JSON"),
        ([("0.cls", b"\xff")], r"0\.cls: is not UTF-8 text"),
        ([("0.json", b'{"label": {"a": 1}}')], "labels are neither integers nor strings"),
        ([("0.json", b'{"label": "a"}'), ("1.jpg", b"x"), ("1.json", b"1")], "labels are neither integers nor strings"),
        ([("0.json", b"[1, 2]"), ("1.jpg", b"x"), ("1.json", b"[1]")], "labels are neither integers nor strings"),
        ([("0.json", b"1" + b"0" * 400)], "labels are neither integers nor strings"),
        ([("0.json", b"[" * 900 + b"]" * 900)], "labels "),
        ([("0.cls", b"-1")], "found the label -1"),
        ([("0.cls", b"0" * (1 << 20) + b"1"), ("1.jpg", b"x"), ("1.cls", b"1")], "has no label"),
    ],
)
def test_damage_is_named(members: list[tuple[str, bytes]], words: str, image: bytes, tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", [("0.jpg", image), *members])
    with pytest.raises(DataError, match=words):
        opened(path)


def test_a_tar_that_is_named_twice(image: bytes, tmp_path: Path) -> None:
    path = write_tar(tmp_path / "a.tar", {"0.jpg": image, "0.cls": b"1"})
    with pytest.raises(DataError, match=r"^a\.tar: is named twice"):
        opened(path, path)
