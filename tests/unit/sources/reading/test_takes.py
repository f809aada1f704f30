"""No option of a source is accepted that has no effect on it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from mixup_cli.errors import UsageError
from mixup_cli.sources import open_source
from mixup_cli.sources.pictures.file_list import open_file_list
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.sources.reading.takes import OF_THE_RUN, TAKES
from tests.small_clips import write_videos
from tests.small_sounds import encoded, noise, put

SAMPLES = np.zeros((4, 8, 8, 3), np.uint8)
CLASSES = np.array([0, 1, 0, 1])
SAMPLE_DATA = Path("sample_data")

CIFAR = ("astronaut", "brick", "cat", "clock", "coffee", "grass", "gravel", "photographer", "retina", "rocket")
CLASS_NAMES = (*CIFAR, "dog", "0", "1")
"""All that a sample of some kind of source is of."""

OTHER_THAN_DEFAULT: dict[str, Any] = {
    "split": "train",
    "classes": CLASS_NAMES,
    "label_level": "fine",
    "labels_from": "labels.csv",
    "file_column": "file_name",
    "label_column": "label",
    "label_separator": "|",
    "label_kind": "none",
    "group_column": "group",
    "task": "classify",
    "ignore_index": 0,
    "box_origin": 0,
    "flip_pairs": "0-1",
    "tokenizer": "sample_data/texts/tokenizer.json",
    "length": 9,
    "text_column": "text",
    "encoding": "latin-1",
    "data_key": "images",
    "label_key": "labels",
    "frames": 3,
    "stride": 5,
    "clips": 2,
    "max_pixels": 1_000_000,
    "rate": 4000,
    "seconds": 0.1,
    "short": "loop",
    "features": "logmel:8",
    "donors_from": "donors",
}


def _class_folders(folder: Path) -> Path:
    for name in ("train/cat/0.png", "train/dog/0.png"):
        (folder / name).parent.mkdir(parents=True)
        Image.fromarray(SAMPLES[0]).save(folder / name)
    return folder


def _with_metadata(folder: Path) -> Path:
    _class_folders(folder)
    (folder / "metadata.csv").write_text(
        "file_name,label,group,text\ntrain/cat/0.png,cat,a,x y\ntrain/dog/0.png,dog,b,z\n"
    )
    return folder


def _npy(folder: Path) -> Path:
    np.save(folder / "images.npy", SAMPLES)
    np.save(folder / "labels.npy", CLASSES)
    np.save(folder / "group.npy", CLASSES)
    return folder / "images.npy"


def _h5(folder: Path) -> Path:
    with h5py.File(folder / "x.h5", "w") as file:
        file["images"], file["labels"], file["group"] = SAMPLES, CLASSES, CLASSES
        file["x_train"], file["y_train"] = SAMPLES, CLASSES
    return folder / "x.h5"


def _idx(folder: Path) -> Path:
    header = bytes([0, 0, 8, 3]) + np.array([4, 8, 8], ">u4").tobytes()
    (folder / "train-images-idx3-ubyte").write_bytes(header + SAMPLES[..., 0].tobytes())
    labels = bytes([0, 0, 8, 1]) + np.array([4], ">u4").tobytes()
    (folder / "train-labels-idx1-ubyte").write_bytes(labels + CLASSES.astype(np.uint8).tobytes())
    return folder


def _stl10(folder: Path) -> Path:
    (folder / "class_names.txt").write_text("cat\ndog\n")
    for split in ("train", "test"):
        (folder / f"{split}_X.bin").write_bytes(bytes(4 * 3 * 96 * 96))
        (folder / f"{split}_y.bin").write_bytes(bytes([1, 2, 1, 2]))
    return folder


def _sounds(folder: Path) -> Path:
    for name in ("train/cat/0.wav", "train/dog/0.wav"):
        put(folder / "sounds" / name, encoded(noise(0)))
    return folder / "sounds"


def _donors(folder: Path, are_sounds: bool) -> Path:
    folder.mkdir()
    if are_sounds:
        put(folder / "deep/0.wav", encoded(noise(1)))
    else:
        Image.fromarray(SAMPLES[0]).save(folder / "0.png")
    return folder


def _texts(folder: Path) -> Path:
    (folder / "train.csv").write_text("text,label,group\nwho lives?,cat,a\nwhere is it?,dog,b\n")
    return folder


MAKERS = {
    "class folders of sounds": _sounds,
    "class folders": _class_folders,
    "images with metadata": _with_metadata,
    "labelled texts": _texts,
    "CIFAR": lambda _: SAMPLE_DATA / "cifar-10-sample.tar.gz",
    "IDX": _idx,
    "STL-10": _stl10,
    "class folders of videos": lambda folder: write_videos(folder, ("train/cat/0.mp4", "train/dog/0.mp4")),
    "a .npy file": _npy,
    "an array file": _h5,
}


def opened(kind: str, folder: Path, options: SourceOptions) -> Source:
    if kind == "a list of images":
        return open_file_list([b"cat/0.png", b"dog/0.png"], "list.txt", options)
    return open_source([MAKERS[kind](folder)], options)


OF_ITSELF = [name for name in OTHER_THAN_DEFAULT if name != "donors_from"]
EVERY = [(kind, name) for kind in [*MAKERS, "a list of images"] for name in OF_ITSELF]
"""A tokenizer makes texts of a source whatever it is."""


@pytest.mark.parametrize(("kind", "name"), [each for each in EVERY if each[1] != "tokenizer" or "list" in each[0]])
def test_an_option_has_an_effect_or_is_refused_by_name(kind: str, name: str, tmp_path: Path) -> None:
    value = OTHER_THAN_DEFAULT[name]
    if kind == "IDX" and name == "label_key":
        value = "train-labels-idx1-ubyte"
    if "sounds" in kind and name == "task":
        value = "audio"
    is_file = kind == "a .npy file" and name in ("label_key", "group_column")
    given: dict[str, Any] = {name: f"{value}.npy" if is_file else value}
    is_video = kind == "class folders of videos"
    if is_video and name == "task":
        given[name] = "video"
    if name == "labels_from":
        given[name] = tmp_path / "labels.csv"
        noun = "sounds" if "sounds" in kind else "videos" if is_video else "images"
        ending = {"sounds": "wav", "videos": "mp4", "images": "png"}[noun]
        given[name].write_text(f"file_name,label\ntrain/cat/0.{ending},cat\n")
    if kind == "images with metadata" and name in ("length", "text_column"):
        given |= {"task": "caption", "tokenizer": OTHER_THAN_DEFAULT["tokenizer"]}
    if kind == "labelled texts":
        given |= {"task": "text", "tokenizer": OTHER_THAN_DEFAULT["tokenizer"]}
    options = SourceOptions(**given)
    if name == "labels_from" and kind.startswith("class folders"):
        assert opened(kind, tmp_path, options).read_as == f"{noun} with metadata"
    elif name in TAKES[kind]:
        assert opened(kind, tmp_path, options).read_as == kind
    else:
        with pytest.raises(UsageError, match=rf"^{name}\b"):
            opened(kind, tmp_path, options)


@pytest.mark.parametrize("kind", MAKERS)
def test_donors_of_their_own_stand_behind_it_or_are_refused_by_name(kind: str, tmp_path: Path) -> None:
    given: dict[str, Any] = {"donors_from": str(_donors(tmp_path / "donors", "sounds" in kind))}
    if kind == "labelled texts":
        given |= {"task": "text", "tokenizer": OTHER_THAN_DEFAULT["tokenizer"]}
    if "donors_from" in TAKES[kind]:
        source = opened(kind, tmp_path, SourceOptions(**given))
        assert source.labels.base_count == len(source) - 1
    else:
        with pytest.raises(UsageError, match=r"^donors_from\b"):
            opened(kind, tmp_path, SourceOptions(**given))


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(("name", "other"), [("label_column", "label_key"), ("label_key", "label_column")])
def test_the_option_that_names_the_labels_of_this_kind_is_the_remedy(
    kind: str, name: str, other: str, tmp_path: Path
) -> None:
    texts = {"task": "text", "tokenizer": OTHER_THAN_DEFAULT["tokenizer"]} if kind == "labelled texts" else {}
    if name in TAKES[kind] or (kind.startswith("class folders") and name == "label_column"):
        return
    with pytest.raises(UsageError) as raised:
        opened(kind, tmp_path, SourceOptions(**{name: "y", **texts}))
    assert raised.value.remedy.startswith(f"Pass {other}=y." if other in TAKES[kind] else "Leave it out.")


def test_a_long_list_of_kinds_is_cut_and_names_of_classes_are_not_shown_as_python_has_them() -> None:
    with pytest.raises(UsageError) as raised:
        open_source([SAMPLE_DATA / "objects"], SourceOptions(classes=("dog", "cat")))
    assert str(raised.value).startswith("classes: ")
    assert str(raised.value).endswith(" and 20 more.")


def test_the_table_knows_every_option_and_no_other() -> None:
    known = {each.name for each in fields(SourceOptions)} - {*OF_THE_RUN}
    assert set().union(*TAKES.values()) == known == OTHER_THAN_DEFAULT.keys()


def test_of_several_sources_one_must_take_an_option_and_all_must_take_the_split(tmp_path: Path) -> None:
    (tmp_path / "arrays").mkdir()
    (tmp_path / "pictures").mkdir()
    both = [_npy(tmp_path / "arrays"), _class_folders(tmp_path / "pictures")]
    with pytest.raises(UsageError, match=r"^split=train: .*images\.npy is read as a \.npy file, where"):
        open_source(both, SourceOptions(split="train"))
    assert len(open_source(both, SourceOptions(label_key="labels.npy"))) == 6
