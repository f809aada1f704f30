"""COCO's captions: every annotation is a sample, with its picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources import Source, SourceOptions, open_source
from mixup_cli.sources.annotations.coco_captions import CaptionedPictures
from tests.labelled_texts import TOKENIZER
from tests.small_captions import coco_captions, images, write_coco_captions

TARGET = Target(Form((6, 8, 3), "uint8", "hwc"))


def opened(path: Path, **options: object) -> Source:
    return open_source([path], SourceOptions(**{"task": "caption", "tokenizer": str(TOKENIZER), **options}))  # type: ignore[arg-type]


def test_every_caption_is_a_sample(tmp_path: Path) -> None:
    source = opened(write_coco_captions(tmp_path / "coco"))
    assert (source.task, source.read_as, source.labels.kind) == ("caption", "COCO captions", "none")
    assert list(source.keys) == sorted(source.keys)
    content = coco_captions()
    names = {each["id"]: each["file_name"] for each in content["images"]}
    texts = {f"{names[each['image_id']]}#{each['id']}": each["caption"].strip() for each in content["annotations"]}
    assert source.captions is not None
    assert dict(zip(source.keys, source.captions.texts, strict=True)) == texts
    assert source.notices[:2] == (
        f"read as COCO captions: {len(names) - 1} images with {len(texts)} captions, each a sample",
        "left out 1 image without captions",
    )


def test_a_picture_is_read_once_for_its_captions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, read = opened(write_coco_captions(tmp_path / "coco")), list[int]()
    assert isinstance(source, CaptionedPictures)
    once = source.read

    def counting(index: int) -> bytes:
        read.append(index)
        return once(index)

    monkeypatch.setattr(source, "read", counting)
    values = np.zeros((len(source), *TARGET.form.shape), np.uint8)
    loaded = source.load_signals(1, len(source), [TARGET], (values[1:],))
    loaded = source.load_signals(0, 1, [TARGET], (values[:1],)) + loaded
    assert len(read) == len({key.partition("#")[0] for key in source.keys}) + 1
    assert len({each.sha256 for each in loaded}) == len(source), "captions are part of hashes"
    assert source.examine_signals(0, len(source), [TARGET]) == loaded
    for index, key in enumerate(source.keys):
        alone = np.zeros((1, *TARGET.form.shape), np.uint8)
        assert source.load_signals(index, index + 1, [TARGET], (alone,)) == loaded[index : index + 1]
        np.testing.assert_array_equal(alone[0], values[index])
        assert once(index) == images()[key.partition("#")[0]]
    assert source.changed() is None


def test_one_picture_that_is_broken_breaks_all_its_samples(tmp_path: Path) -> None:
    folder = write_coco_captions(tmp_path / "coco")
    (folder / "train2017/01.png").write_bytes(b"no picture")
    source = opened(folder)
    loaded = source.load(0, len(source), TARGET, np.zeros((len(source), *TARGET.form.shape), np.uint8))
    broken = [key for key, each in zip(source.keys, loaded, strict=True) if each.problem]
    assert broken == [key for key in source.keys if key.startswith("01.png#")]
    assert len(broken) == 5


def test_the_file_and_the_folder_can_be_named(tmp_path: Path) -> None:
    folder = write_coco_captions(tmp_path / "coco")
    file = folder / "annotations/captions_train2017.json"
    keys = [*opened(folder).keys]
    assert [*opened(file).keys] == [*opened(folder / "train2017", labels_from=str(file)).keys] == keys
    write_coco_captions(folder, "val2017")
    assert [*opened(folder).keys] == [*opened(folder, split="val").keys] == keys
    with pytest.raises(
        UsageError, match=r"text_column=x: .* is read as COCO captions, where text_column has no effect"
    ):
        opened(folder, text_column="x")
    with pytest.raises(UsageError, match=r"split=val: .* has no effect"):
        opened(file, split="val")
    with pytest.raises(DataError, match=r"lacks one of the lists .*; captions are read with task=caption\."):
        open_source([file])


def test_objects_are_not_captions(tmp_path: Path) -> None:
    folder = write_coco_captions(tmp_path / "coco")
    content = coco_captions()
    for each in content["annotations"]:
        each["bbox"] = each.pop("caption")
    file = folder / "annotations/captions_train2017.json"
    file.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"captions_train2017\.json: has no captions \(found 55 annotations\)\."):
        opened(file)
