"""Labelled texts as sources: formats, columns, tokens, and what is wrong with some of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.target import Target
from mixup_cli.sources import SourceOptions, open_source
from mixup_cli.sources.texts.source import TextSource
from mixup_cli.storage.loaded import Loaded
from tests.labelled_texts import QUESTIONS, ROWS, TOKENIZER, WRITERS, words_tokenizer

PAD, UNK, CLS, SEP = range(4)


def opened(path: Path, tokenizer: Path = TOKENIZER, **options: Any) -> TextSource:
    source = open_source([path], SourceOptions(tokenizer=str(tokenizer), **options))
    assert isinstance(source, TextSource)
    return source


def loaded(source: TextSource) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], list[Loaded]]:
    """Ids, mask, and what became of each sample."""
    targets, rooms = [], []
    for signal in source.signals.values():
        form = signal.survey().array_form
        assert form is not None
        targets.append(Target(form))
        rooms.append(np.empty((len(source), *form.shape), form.dtype))
    found = source.load_signals(0, len(source), targets, tuple(rooms))
    return rooms[0], rooms[1], found


def written(folder: Path, rows: Any = ROWS, kind: str = "csv") -> Path:
    name, write = WRITERS[kind]
    write(folder / name, rows)
    return folder / name


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_gives_the_tokens_that_the_library_makes(kind: str, tmp_path: Path) -> None:
    source = opened(written(tmp_path, kind=kind))
    ids, mask, found = loaded(source)
    encodings = Tokenizer.from_file(str(TOKENIZER)).encode_batch([text for text, _ in ROWS])
    length = max(len(each.ids) for each in encodings)
    assert ids.dtype == np.uint16
    np.testing.assert_array_equal(ids, [each.ids + [PAD] * (length - len(each.ids)) for each in encodings])
    np.testing.assert_array_equal(mask, [[1] * len(each.ids) + [0] * (length - len(each.ids)) for each in encodings])
    np.testing.assert_array_equal(source.content, [[1, len(each.ids) - 1] for each in encodings])
    assert source.labels.classes is not None
    assert [source.labels.class_names[number] for number in source.labels.classes] == [label for _, label in ROWS]
    assert [each.problem for each in found] == [None] * len(ROWS)
    assert source.stored_bytes() == [len(text.encode()) for text, _ in ROWS] == [each.stored_bytes for each in found]


def test_the_hash_of_a_sample_covers_its_text_and_its_tokens(tmp_path: Path) -> None:
    source = opened(written(tmp_path))
    form = source.survey().array_form
    assert form is not None
    ids = np.empty((len(source), *form.shape), form.dtype)
    (first, *_) = source.load(0, len(source), Target(form), ids)
    assert first.sha256 == hashlib.sha256(ROWS[0][0].encode() + b"\0" + ids[0].astype("<i4").tobytes()).hexdigest()


def test_the_recipe_gets_the_hash_of_the_tokenizer_and_the_length(tmp_path: Path) -> None:
    source = opened(written(tmp_path), length=9)
    digest = hashlib.sha256(TOKENIZER.read_bytes()).hexdigest()
    assert source.how_read == (("tokenizer", digest), ("length", 9), ("padding", PAD))
    assert source.void == PAD


def test_texts_are_cut_and_padded_to_a_length(tmp_path: Path) -> None:
    source = opened(written(tmp_path), length=6)
    ids, mask, _ = loaded(source)
    assert ids.shape == (4, 6)
    assert (mask == 1).all()
    assert (ids[:, -1] == SEP).all(), "special tokens are kept"
    assert (np.asarray(source.content) == [1, 5]).all()
    assert "cut 4 texts to 6 tokens (length)" in source.notices
    assert loaded(opened(written(tmp_path), length=100))[0].shape == (4, 100)
    with pytest.raises(UsageError, match=r"length=2: the tokenizer adds 2 special tokens, which leaves no room"):
        opened(written(tmp_path), length=2)


def test_the_longest_text_has_512_tokens(tmp_path: Path) -> None:
    source = opened(written(tmp_path, [("who " * 700, "a"), ("who lives?", "b")]))
    assert loaded(source)[0].shape == (2, 512)
    assert "cut 1 text to 512 tokens (length)" in source.notices


WORDS = [word for text, _ in ROWS for word in text.split()]


def padding(name: str, number: int, direction: str = "Right") -> dict[str, object]:
    """A tokenizer's own padding, in its JSON."""
    said = {"strategy": "BatchLongest", "direction": direction, "pad_to_multiple_of": None}
    return {**said, "pad_id": number, "pad_type_id": 0, "pad_token": name}


def test_padding_before_the_text(tmp_path: Path) -> None:
    tokenizer = words_tokenizer(tmp_path / "t.json", ["<p>", *WORDS], padding=padding("<p>", 3, "Left"))
    source = opened(written(tmp_path), tokenizer)
    ids, mask, _ = loaded(source)
    lengths = np.array([len(text.split()) + 2 for text, _ in ROWS])
    before = lengths.max() - lengths
    np.testing.assert_array_equal(mask, np.arange(lengths.max()) >= before[:, None])
    assert (ids[mask == 0] == 3).all()
    np.testing.assert_array_equal(source.content, np.stack([before + 1, [lengths.max() - 1] * 4], axis=1))


@pytest.mark.parametrize("name", ["[PAD]", "<pad>", "<|endoftext|>"])
def test_padding_by_the_usual_names(name: str, tmp_path: Path) -> None:
    source = opened(written(tmp_path), words_tokenizer(tmp_path / "t.json", [name, *WORDS]))
    assert source.void == 3
    assert not any("padding" in each for each in source.notices)


def test_a_tokenizer_without_padding_pads_with_0_and_says_so(tmp_path: Path) -> None:
    source = opened(written(tmp_path), words_tokenizer(tmp_path / "t.json", WORDS))
    assert source.void == 0
    assert f"{tmp_path / 't.json'}: has no token for padding; number 0 stands behind texts" in source.notices


def test_a_large_vocabulary(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(70_000)]
    source = opened(
        written(tmp_path, [("w69999 w1", "a"), ("w3", "b")]), words_tokenizer(tmp_path / "t.json", ["[PAD]", *words])
    )
    ids, _, _ = loaded(source)
    assert ids.dtype == np.float32
    np.testing.assert_array_equal(ids, [[1, 70_003, 5, 2], [1, 7, 2, 3]])


BROKEN = {
    "": "has an empty text",
    "  ": "has an empty text",
    "a\0b": "holds a NUL character, which no text has",
    "\ud800": "holds half a character",
    "\x01\x02": "has no tokens, once it is taken apart",
}


@pytest.mark.parametrize(("text", "problem"), BROKEN.items())
def test_a_text_that_cannot_be_used_is_a_broken_input(text: str, problem: str, tmp_path: Path) -> None:
    path = written(tmp_path, [*ROWS, (text, "place")], "json lines")
    source = opened(path)
    found = loaded(source)[2]
    assert [each.problem is None for each in found] == [True] * 4 + [False]
    assert problem in str(found[-1].problem)
    assert source.name_of(4) == f"{path}, line 5"
    assert source.keys[4] == "00005"


@pytest.mark.parametrize("value", [None, 7, ["a text", "another"]])
def test_what_is_not_a_text(value: object, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(
        '{"text": "who lives?", "label": "a"}\n' + json.dumps({"text": value, "label": "b"})
    )
    assert "has no text" in str(loaded(opened(tmp_path / "t.jsonl"))[2][1].problem)


def test_another_encoding_is_named(tmp_path: Path) -> None:
    for name, content in (("t.csv", "text,label\nwho?,a\nà qui le café?,b\n"), ("t.txt", "a who?\nb à qui le café?\n")):
        path = tmp_path / name
        path.write_bytes(content.encode("latin-1"))
        line, byte = (3, 1) if name == "t.csv" else (2, 3)
        expected = (
            rf"{name}, line {line}: is not UTF-8 text \(byte {byte} is 0xe0; is it Latin-1 or Windows-1252\?\)\. "
        )
        with pytest.raises(DataError, match=expected + r"Pass encoding=latin-1, or save it as UTF-8\."):
            opened(path)
        ids, _, _ = loaded(opened(path, encoding="latin-1"))
        assert ids[1, :5].tolist() == Tokenizer.from_file(str(TOKENIZER)).encode("à qui le café?").ids[:5]


def test_a_byte_that_an_encoding_does_not_have(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes(b"a who?\nb what \x81?\n")
    with pytest.raises(DataError, match=r"t\.txt, line 2: is not windows-1252 \(byte 8 is 0x81\)\. Pass another enc"):
        opened(tmp_path / "t.txt", encoding="windows-1252")


def test_rows_without_a_label(tmp_path: Path) -> None:
    path = written(tmp_path, [*ROWS, ("who lives here in the sea?", "")])
    with pytest.raises(
        DataError, match=r"t\.csv, line 6: column Label has no usable label .*, or pass on_error=skip\."
    ):
        opened(path)
    source = opened(path, on_error="skip")
    assert len(source) == 4
    assert f"left out 1 row without a label ({path}, line 6)" in source.notices


def test_several_classes_of_a_text(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("__label__a __label__b who lives?\n__label__b where is it?\n")
    with pytest.raises(DataError, match="For lists of names pass label_kind=multi"):
        opened(tmp_path / "t.txt")
    source = opened(tmp_path / "t.txt", label_kind="multi")
    with pytest.raises(DataError, match="column label has no finite number"):
        opened(tmp_path / "t.txt", label_kind="soft")
    np.testing.assert_array_equal(source.labels.values, [[1, 1], [0, 1]])


def test_columns_that_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("title,body,coarse,fine,author\nwho lives here?,in the sea,a,b,1\nwhere is it?,in the land,c,d,2\n")
    with pytest.raises(UsageError, match=r"which column has the labels\? Found: title, coarse, fine, author"):
        opened(path)
    source = opened(path, text_column="title", label_column="fine", group_column="author")
    assert source.labels.class_names == ("b", "d")
    assert source.labels.groups == ("1", "2")
    for field in ("text_column", "label_column", "group_column"):
        asked: dict[str, Any] = {"label_column": "fine", field: "x"}
        with pytest.raises(UsageError, match=rf"{field}=x: .*t\.csv has no such column \(found: title, body"):
            opened(path, **asked)


@pytest.mark.parametrize("labels", [("pos", "neg", "pos"), ("1", "0", "1")])
def test_a_first_line_whose_label_occurs_again_is_a_row(labels: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("".join(f"{label}\t{text}\n" for label, text in zip(labels, ["hello", "no", "good"], strict=True)))
    with pytest.raises(UsageError, match=r"which column has the texts\? Found: 1, 2\."):
        opened(path)
    assert len(opened(path, text_column="2")) == 3


@pytest.mark.parametrize("header", ["body,good", "first,last", "words,0,1", "title"])
def test_a_header_stays_one(header: str, tmp_path: Path) -> None:
    path, (text, *others) = tmp_path / "t.csv", header.split(",")
    row = ",".join(["hello", *(each if each in ("good", "0", "1") else "a" for each in others)])
    path.write_text(f"{header}\n{row}\n{row}\n")
    several: dict[str, Any] = {"label_column": "0,1", "label_kind": "multi"} if "0" in others else {}
    assert len(opened(path, text_column=text, **several)) == 2


def test_columns_in_doubt(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("premise,hypothesis,label\nit is so,it was so,a\n")
    with pytest.raises(
        UsageError, match=r"which column has the texts\? Found: premise, hypothesis, label\. Pass text_"
    ):
        opened(tmp_path / "t.csv")


def test_columns_that_were_chosen_are_named(tmp_path: Path) -> None:
    def notices(header: str, row: str, **options: Any) -> tuple[str, ...]:
        path = tmp_path / f"{header}.csv"
        path.write_text(f"{header}\n" + "".join(f"{row}\n".format(n) for n in range(9)))
        return opened(path, **options).notices

    swapped = notices("product,department", 'mug {0},"Home, garden and all kitchen appliances"')
    assert "texts of column department, labels of column product" in swapped
    assert "each label occurs once. If another column has the texts, pass text_column" in swapped
    assert "texts of column text, labels of column label" in notices("text,sentiment,label", "who?,good,a")
    assert notices("text,label", "who?,a") == ()
    assert notices("what,kind", "who?,a", text_column="what", label_column="kind") == ()


def test_texts_without_labels(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"text": "who lives?"}\n{"text": "where is it?"}\n')
    assert opened(tmp_path / "t.jsonl").labels.kind == "none"
    assert opened(QUESTIONS, label_kind="none").labels.kind == "none"


def test_classes_are_named_by_their_numbers(tmp_path: Path) -> None:
    source = opened(written(tmp_path, [("who lives?", "1"), ("where is it?", "0")]), classes=("place", "person"))
    assert source.labels.class_names == ("place", "person")


def test_a_folder_has_splits(tmp_path: Path) -> None:
    for name, count in (("train", 4), ("test", 2)):
        written(tmp_path, ROWS[:count]).rename(tmp_path / f"{name}.csv")
    assert len(opened(tmp_path)) == 4
    assert len(opened(tmp_path, split="test")) == 2
    with pytest.raises(UsageError, match=r"where split has no effect\. Leave it out\.$"):
        opened(tmp_path / "test.csv", split="test")
    with pytest.raises(UsageError, match="has no such split"):
        opened(tmp_path, split="val")


def test_a_tokenizer_beside_the_texts_is_not_one_of_them(tmp_path: Path) -> None:
    written(tmp_path)
    for name in ("mine.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes(TOKENIZER.read_bytes())
    assert len(opened(tmp_path, tmp_path / "mine.json")) == len(ROWS)


def test_files_with_other_columns_leave_a_doubt() -> None:
    """The sample has a table of captions beside that of questions."""
    with pytest.raises(UsageError, match=r"which of captions\.csv, questions\.csv has the texts\? Name that file\."):
        opened(QUESTIONS.parent)


def test_a_table_of_captions_is_not_of_texts(tmp_path: Path) -> None:
    for place in (tmp_path, written(tmp_path)):
        with pytest.raises(UsageError, match=r"^labels_from=c\.csv: .* Pass task=caption for captions of images\."):
            opened(place, labels_from="c.csv")


def test_files_of_one_split_follow_each_other(tmp_path: Path) -> None:
    for number in range(2):
        written(tmp_path, ROWS[2 * number : 2 * number + 2], "parquet").rename(tmp_path / f"train-{number}.parquet")
    source = opened(tmp_path)
    assert list(source.keys) == [f"train-{file}.parquet/0000{row}" for file in (0, 1) for row in (1, 2)]
    np.testing.assert_array_equal(loaded(source)[0], loaded(opened(written(tmp_path, kind="parquet")))[0])


def test_what_has_no_effect_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="encoding"):
        opened(written(tmp_path, kind="parquet"), encoding="latin-1")
    np.savez(tmp_path / "x.npz", x=np.zeros((3, 4)))
    with pytest.raises(UsageError, match="where length has no effect"):
        open_source([tmp_path / "x.npz"], SourceOptions(length=9))


def test_texts_need_a_tokenizer() -> None:
    with pytest.raises(UsageError, match=r"questions\.csv: texts need a tokenizer.* Pass tokenizer=tokenizer\.json"):
        open_source([QUESTIONS], SourceOptions(task="text"))
    with pytest.raises(DataError, match=r"an unknown kind of file\. Pass tokenizer=tokenizer\.json if it"):
        open_source([QUESTIONS])


def test_another_file_is_answered_with_what_a_source_can_be(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Notes\n")
    known = r"a folder of images, sounds or videos, .* labelled texts with tokenizer=tokenizer\.json; or a list"
    with pytest.raises(DataError, match=rf"an unknown kind of file\. Give {known}"):
        open_source([tmp_path / "README.md"])


def test_files_that_change_are_noticed(tmp_path: Path) -> None:
    path, tokenizer = written(tmp_path), tmp_path / "t.json"
    tokenizer.write_bytes(TOKENIZER.read_bytes())
    for changed in (path, tokenizer):
        source = opened(path, tokenizer)
        assert source.changed() is None
        changed.write_bytes(changed.read_bytes() + b"\n")
        assert source.changed() == str(changed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a tokenizer"),
        (b"{}", "is not a tokenizer"),
        (b"[" * 100_000, "is not a tokenizer"),
        (b'{"model": {"type": "BPE", "vocab": {}, "merges": []}}', "its vocabulary is empty"),
        (b'{"model": {"type": "WordLevel", "vocab": {"a": 16777216}, "unk_token": "a"}}', "16777215 is the largest"),
        (b'{"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "b"}}', "cannot take a text apart"),
    ],
)
def test_files_that_are_no_tokenizers(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.json").write_bytes(content)
    with pytest.raises(DataError, match=rf"t\.json: .*{message}.* Give the tokenizer\.json of a model"):
        opened(QUESTIONS, tmp_path / "t.json")


def test_a_tokenizer_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match=r"t\.json: no such file"):
        opened(QUESTIONS, tmp_path / "t.json")
    with pytest.raises(NoInputError, match=r": is a folder\. Name the tokenizer\.json in it\."):
        opened(QUESTIONS, tmp_path)
