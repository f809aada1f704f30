"""Captions of images, wherever they stand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixup_cli.errors import DataError, UsageError
from mixup_cli.sources import Source, SourceOptions, open_source
from tests.labelled_texts import TOKENIZER, words_tokenizer
from tests.packed_sources import write_tar
from tests.small_captions import CAPTIONS, WRITERS, images, write_captioned


def opened(path: Path, **options: Any) -> Source:
    return open_source([path], SourceOptions(**{"task": "caption", "tokenizer": str(TOKENIZER), **options}))


def texts(source: Source) -> list[str]:
    assert source.captions is not None
    return [*source.captions.texts]


@pytest.mark.parametrize("kind", WRITERS)
def test_captions_are_found(kind: str, tmp_path: Path) -> None:
    source = opened(WRITERS[kind](tmp_path / "set"))
    assert (source.task, texts(source), source.labels.kind) == ("caption", [*CAPTIONS.values()], "none")
    assert dict(source.how_read)["length"] == 2 * 21 + 2


def test_a_table_elsewhere_names_captions_and_classes(tmp_path: Path) -> None:
    folder = write_captioned(tmp_path / "set")
    rows = "".join(f"{name},{number % 2},said {number}\n" for number, name in enumerate(CAPTIONS))
    (tmp_path / "t.csv").write_text(f"image,kind,words\n{rows}")
    table = {"labels_from": str(tmp_path / "t.csv"), "text_column": "words"}
    assert texts(opened(folder, **table))[3] == "said 3"
    source = opened(folder, **table, label_column="kind")
    assert source.labels.class_names == ("0", "1")
    with pytest.raises(UsageError, match=r"t\.csv: which column has the captions\? Found: kind, words\."):
        opened(folder, labels_from=table["labels_from"])


def test_several_sources_are_one(tmp_path: Path) -> None:
    both = [write_captioned(tmp_path / "a"), WRITERS["txt in a tar"](tmp_path / "b")]
    source = open_source(both, SourceOptions(task="caption", tokenizer=str(TOKENIZER)))
    assert texts(source) == 2 * [*CAPTIONS.values()]
    with pytest.raises(UsageError, match=r"is read as CIFAR, which has no captions\. Captions are read from images"):
        opened(Path("sample_data/cifar-10-sample.tar.gz"))


def test_a_member_beside_an_image_is_a_caption_or_a_class(tmp_path: Path) -> None:
    image = images()["00.png"]
    members = {"0.png": image, "0.txt": b"a dog", "0.cls": b"1", "1.png": image, "1.cls": b"0", "1.txt": b"\xff"}
    members |= {"2.png": image, "2.cls": b"0", "2.json": json.dumps({"said": "a cat", "text": 5}).encode()}
    source = opened(write_tar(tmp_path / "a.tar", members))
    assert source.captions is not None
    assert texts(source) == ["a dog", "", ""]
    assert source.captions.problems == {
        1: "has a caption that is not UTF-8 text, or not JSON (found b'\\xff')",
        2: "has no caption (found 5)",
    }
    assert source.labels.class_names == ("0", "1")
    assert texts(opened(tmp_path / "a.tar", text_column="said")) == ["", "", "a cat"]


def test_without_any_caption_it_is_refused(tmp_path: Path) -> None:
    folder = write_captioned(tmp_path / "set", dict.fromkeys(CAPTIONS, ""))
    with pytest.raises(DataError, match=r"00\.png: has an empty caption, and so it is with all others\."):
        opened(folder)
    (folder / "metadata.csv").unlink()
    with pytest.raises(UsageError, match=r"has no metadata\.csv or \.jsonl, in which captions stand"):
        opened(folder)


def test_what_is_cut_is_said(tmp_path: Path) -> None:
    folder = write_captioned(tmp_path / "set")
    assert not any("is cut (" in each for each in opened(folder).notices)
    said = "the longest caption has 21 tokens, and rows have room for 28: of captions that are joined"
    assert any(each.startswith(said) for each in opened(folder, length=30).notices)


def test_a_tokenizer_that_sees_the_space_between_captions_is_named(tmp_path: Path) -> None:
    words = sorted({word for text in CAPTIONS.values() for word in text.split()})
    plain = words_tokenizer(tmp_path / "words.json", [*words, "▁"])
    folder, said = write_captioned(tmp_path / "set"), "makes other tokens of two captions with a space between them"
    assert not any(said in each for each in opened(folder, tokenizer=str(plain)).notices)
    changed = json.loads(plain.read_text())
    changed["pre_tokenizer"] = {"type": "Split", "pattern": {"String": " "}, "behavior": "Isolated", "invert": False}
    plain.write_text(json.dumps(changed))
    source = opened(folder, tokenizer=str(plain))
    assert any(said in each for each in source.notices)
    assert source.captions is not None
    assert np.diff(source.captions.starts).tolist()[1] == 3
