"""Every kind of source chooses its split by one rule, and says the same of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixup_cli.errors import UsageError
from mixup_cli.sources import Source, SourceOptions, open_source
from mixup_cli.sources.reading.splits import one_split
from tests.labelled_texts import TOKENIZER
from tests.mask_scenes import write_pairs
from tests.packed_sources import hugging_face_of, images_of, write_tar
from tests.picture_folders import pictures
from tests.small_captions import write_coco_captions
from tests.small_objects import (
    coco_content,
    labelme_content,
    voc_text,
    write_images,
    write_voc,
    yolo_lines,
)
from tests.small_sounds import encoded, put, tone
from tests.unit.sources.arrays.test_idx import mnist
from tests.unit.sources.cifar.cifar_archives import FOLDERS, cifar_files


def class_folders(root: Path, split: str) -> None:
    pictures(root / split, "cat/0.png", "dog/0.png")


def sounds(root: Path, split: str) -> None:
    for name in ("yes", "no"):
        put(root / split / name / "0.wav", encoded(tone(200)))


def tars(root: Path, split: str) -> None:
    pictures(root.with_name(split), "0.png")
    write_tar(root / f"{split}-000.tar", images_of(root.with_name(split)) | {"0.cls": b"0"})


def rows() -> Any:
    """One row of features and a label."""
    datasets = pytest.importorskip("datasets")
    features = {"features": datasets.Sequence(datasets.Value("float32")), "label": datasets.Value("int64")}
    return hugging_face_of([{"features": [1.0, 2.0], "label": 0}], datasets.Features(features))


def saved(root: Path, split: str) -> None:
    rows().save_to_disk(root / split)
    known = [each.name for each in root.iterdir() if each.is_dir()]
    (root / "dataset_dict.json").write_text(json.dumps({"splits": known}))


def parquet(root: Path, split: str) -> None:
    rows().to_parquet(root / f"{split}-00000.parquet")


def texts(root: Path, split: str) -> None:
    (root / f"{split}.csv").write_text("text,label\na spider,1\n")


def idx(root: Path, split: str) -> None:
    mnist(root, f"{split}-")


def stl10(root: Path, split: str) -> None:
    (root / f"{split}_X.bin").write_bytes(bytes(2 * 3 * 96 * 96))
    (root / f"{split}_y.bin").write_bytes(bytes([1, 2]))


def arrays(root: Path, split: str) -> None:
    known = dict(np.load(root / "a.npz")) if (root / "a.npz").exists() else {}
    known |= {f"x_{split}": np.zeros((2, 4, 4, 3), np.uint8), f"y_{split}": np.arange(2)}
    np.savez(root / "a.npz", **known)


def cifar(root: Path, split: str) -> None:
    for name, data in cifar_files("10", "python").items():
        if name == "batches.meta" or name.startswith("test") == (split == "test"):
            put(root / FOLDERS["10", "python"] / name, data)


def coco(root: Path, split: str) -> None:
    write_images(root / f"{split}2017")
    (root / "annotations").mkdir(exist_ok=True)
    (root / f"annotations/instances_{split}2017.json").write_text(json.dumps(coco_content()))


def captions(root: Path, split: str) -> None:
    write_coco_captions(root, f"{split}2017")


def yolo(root: Path, split: str) -> None:
    listing = root / "data.yaml"
    known = listing.read_text() if listing.exists() else "names: [bird, cat, dog]\n"
    listing.write_text(f"{split}: images/{split}\n{known}")
    write_images(root / f"images/{split}")
    put(root / f"labels/{split}/a.txt", yolo_lines("a").encode())


def voc_lists(root: Path, split: str) -> None:
    if not (root / "JPEGImages").exists():
        write_voc(root)
    put(root / f"ImageSets/Main/{split}.txt", b"a\nb\n")


def voc_folders(root: Path, split: str) -> None:
    write_images(root / split)
    (root / split / "a.xml").write_text(voc_text("a"))


def labelme(root: Path, split: str) -> None:
    write_images(root / split)
    (root / split / "a.json").write_text(json.dumps(labelme_content("a")))


def masks_in_splits(root: Path, split: str) -> None:
    write_pairs(root / split, count=2)


def splits_in_masks(root: Path, split: str) -> None:
    for name, data in images_of(write_pairs(root.with_name(split), count=2)).items():
        half, _, file = name.partition("/")
        put(root / half / split / file, data)


KINDS: dict[str, tuple[Callable[[Path, str], None], str]] = {
    "class folders": (class_folders, "val"),
    "sounds": (sounds, "val"),
    "WebDataset": (tars, "val"),
    "Hugging Face, saved": (saved, "val"),
    "Hugging Face, Parquet": (parquet, "val"),
    "texts": (texts, "val"),
    "IDX": (idx, "val"),
    "STL-10": (stl10, "unlabeled"),
    "arrays": (arrays, "val"),
    "CIFAR": (cifar, ""),
    "COCO": (coco, "val"),
    "COCO captions": (captions, "val"),
    "YOLO": (yolo, "val"),
    "VOC's lists": (voc_lists, "val"),
    "VOC in folders": (voc_folders, "val"),
    "labelme": (labelme, "val"),
    "masks in splits": (masks_in_splits, "val"),
    "splits in masks": (splits_in_masks, "val"),
}
"""What writes one split of each kind, and the name of a further one beside train and test, if it can have one."""

TASKS = {"texts": "text", "COCO captions": "caption"}


def opened(kind: str, root: Path, split: str | None = None) -> Source:
    tokenizer = TOKENIZER if kind in TASKS else None
    options = SourceOptions(split=split, task=TASKS.get(kind), tokenizer=tokenizer)  # type: ignore[arg-type]
    return open_source([root / "a.npz" if kind == "arrays" else root], options)


Write = Callable[[str, Iterable[str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes some splits of a kind into a folder."""
    root = tmp_path / "data"

    def written(kind: str, splits: Iterable[str]) -> Path:
        root.mkdir()
        for each in splits:
            KINDS[kind][0](root, each)
        return root

    return written


@pytest.mark.parametrize("kind", KINDS)
def test_the_only_split_is_read_and_named(kind: str, write: Write) -> None:
    root = write(kind, ["test"])
    assert any(each.endswith(": using the test split, the only one") for each in opened(kind, root).notices)
    assert not any("using the" in each for each in opened(kind, root, "testing").notices)
    with pytest.raises(UsageError, match=r"^split=train: .*: has no such split \(found: test\)\. Pass one of them\.$"):
        opened(kind, root, "train")


@pytest.mark.parametrize("kind", KINDS)
def test_of_several_the_training_split_is_read_and_the_others_are_named(kind: str, write: Write) -> None:
    root = write(kind, ["train", "test"])
    said = r": using the training split; split=NAME picks another (test)"
    assert any(each.endswith(said) for each in opened(kind, root).notices)
    assert not any("using the" in each for each in opened(kind, root, "train").notices)
    with pytest.raises(UsageError, match=r"split=extra: .*: has no such split \(found: test, train\)"):
        opened(kind, root, "extra")


@pytest.mark.parametrize("kind", [kind for kind, (_, further) in KINDS.items() if further])
def test_of_several_without_a_training_split_none_is_read(kind: str, write: Write) -> None:
    root = write(kind, ["test", KINDS[kind][1]])
    with pytest.raises(UsageError, match=r"data[^:]*: has no training split \(found: test, \w+\)\. Pass split=NAME\.$"):
        opened(kind, root)


@pytest.mark.parametrize(
    ("names", "wanted", "chosen"),
    [
        ("train trainval val", None, "train"),
        ("train trainval val", "trainval", "trainval"),
        ("train_a train_b", "train_b", "train_b"),
        ("en fr", "fr", "fr"),
        ("trainval", None, "trainval"),
    ],
)
def test_the_exact_name_goes_before_its_kind(names: str, wanted: str | None, chosen: str) -> None:
    assert one_split({name: name for name in names.split()}, wanted, "x")[0] == chosen


@pytest.mark.parametrize(
    ("names", "remedy"),
    [({"a": "train_a", "b": "train_b"}, r"Pass split=NAME\."), ({"a": "train", "b": "train"}, "Name one of them as")],
)
def test_several_of_one_kind_are_in_doubt(names: dict[str, str], remedy: str) -> None:
    with pytest.raises(UsageError, match=rf"^x: has several that could be meant \(a, b\)\. {remedy}"):
        one_split(names, None, "x")
