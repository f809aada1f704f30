"""Tables, lists, plans and settings of every wrong type."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.makers.pictures import encoded, good
from tests.labelled_texts import QUESTIONS, TOKENIZER

DEEP = 200_000


def metadata(folder: Path, name: str, content: bytes) -> None:
    """Pictures with a metadata file."""
    (folder / "pictures").mkdir()
    for number in range(3):
        (folder / f"pictures/{number}.png").write_bytes(encoded("PNG"))
    (folder / "pictures" / name).write_bytes(content)


METADATA_CSV = {
    "nothing": b"",
    "a header alone": b"file_name,label\n",
    "no file_name": b"file,label\nelsewhere,a\n",
    "a file that is not there": b"file_name,label\n9.png,a\n",
    "a file outside": b"file_name,label\n../../outside/secret,a\n",
    "an absolute path": b"file_name,label\n/etc/passwd,a\n",
    "the same file twice": b"file_name,label\n0.png,a\n./0.png,b\n",
    "a row that is too short": b"file_name,label\n0.png\n",
    "an empty label": b"file_name,label\n0.png,\n",
    "an open quotation mark": b'file_name,label\n"0.png,a\n',
    "another encoding": "file_name,label\n0.png,é\n".encode("utf-16"),
    "a line of 10 MB": b"file_name,label\n0.png," + b"a" * (10 << 20) + b"\n",
    "a header of 10 MB": b"," * (10 << 20) + b"\n",
    "a cell of 200 kB": b"file_name,label\n0.png," + b"a" * 200_000 + b"\n",
    "a NUL": b"file_name,label\n0.p\0ng,a\n",
    "a picture's bytes": encoded("PNG"),
}

METADATA_JSONL = {
    "nothing": b"\n",
    "no JSON": b"{",
    "a list": b"[1]\n",
    "a number": b"1\n",
    "null": b"null\n",
    "file_name is a number": b'{"file_name": 1.5, "label": "a"}\n',
    "file_name is null": b'{"file_name": null, "label": "a"}\n',
    "file_name is half a letter": b'{"file_name": "\\ud800.png", "label": "a"}\n',
    "the label is an object": b'{"file_name": "0.png", "label": {"a": 1}}\n',
    "the label is a list": b'{"file_name": "0.png", "label": ["a"]}\n',
    "the label is null": b'{"file_name": "0.png", "label": null}\n',
    "the label is half a letter": b'{"file_name": "0.png", "label": "\\udc00"}\n',
    "200,000 brackets": b"[" * DEEP + b"\n",
    "a number of 10,000 digits": b'{"file_name": "0.png", "label": ' + b"9" * 10_000 + b"}\n",
    "a line of 10 MB": b'{"file_name": "' + b"a" * (10 << 20) + b'"}\n',
    "another encoding": b"\xff\xfe{}\n",
}

FORMULAS = b"file_name,label\n0.png,=1+1\n1.png,\"=cmd|' /C calc'!A0\"\n2.png,@SUM(1)\n"

LISTS = {
    "a path that stands twice": b"0.png\n./0.png\n",
    "a NUL": b"0.png\0 1.png\n",
    "nothing": b"\n\n",
    "a line of 10 MB": b"a" * (10 << 20),
    "a file that is not there": b"nowhere/0.png\n",
}


def file_list(folder: Path, name: str) -> None:
    good(folder)
    (folder / "list").write_bytes(LISTS[name])


def list_without_end(folder: Path, count_bytes: int) -> None:
    """A list for -0 in which no NUL stands."""
    with (folder / "list").open("wb") as file:
        for _ in range(count_bytes >> 20):
            file.write(b"a" * (1 << 20))


HEADER = b"index,method,parent_0,parent_1,part_0,part_1,top,left,bottom,right,mask_seed\n"
ROW = b"0,mixup,0,1,32768,32768,,,,,\n"

PLANS: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "a header alone": lambda: HEADER,
    "no header": lambda: ROW,
    "another header": lambda: b"a,b\n1,2\n",
    "a column twice": lambda: HEADER.replace(b"mask_seed", b"mask_seed,mask_seed") + ROW,
    "a million columns": lambda: b"," * 1_000_000 + b"\n",
    "4,000 parents": lambda: b",".join(b"parent_%d" % number for number in range(4000)) + b"\n",
    "100,000 parents": lambda: b",".join(b"parent_%d" % number for number in range(100_000)) + b"\n",
    "a line of 10 MB": lambda: HEADER + b"0,mixup," + b"0" * (10 << 20) + b"\n",
    "a header of 10 MB": lambda: b"a" * (10 << 20),
    "a formula": lambda: HEADER + ROW.replace(b"32768", b"=1+1", 1),
    "a formula as method": lambda: HEADER + ROW.replace(b"mixup", b"=cmd|' /C calc'!A0"),
    "a number of 10,000 digits": lambda: HEADER + ROW.replace(b"32768", b"9" * 10_000, 1),
    "not a number": lambda: HEADER + ROW.replace(b"32768", b"nan", 1),
    "a parent that is not there": lambda: HEADER + ROW.replace(b",0,1,", b",0,99,"),
    "a negative parent": lambda: HEADER + ROW.replace(b",0,1,", b",0,-1,"),
    "parts that are too much": lambda: HEADER + ROW.replace(b"32768", b"65536"),
    "no method": lambda: HEADER + ROW.replace(b"mixup", b""),
    "a row that is too short": lambda: HEADER + b"0,mixup\n",
    "an open quotation mark": lambda: HEADER + b'"0,mixup\n',
    "another encoding": lambda: HEADER + "0,mïxup\n".encode("utf-16"),
    "NULs": lambda: bytes(1000),
    "Parquet that is none": lambda: b"PAR1" + bytes(99) + b"PAR1",
    "Parquet with a length of 4 GB": lambda: b"PAR1" + bytes(9) + b"\xff\xff\xff\xff" + b"PAR1",
}


def plan(folder: Path, name: str) -> None:
    good(folder)
    (folder / "plan.csv").write_bytes(PLANS[name]())


CONFIGS: dict[str, bytes] = {
    "no TOML": b"seed = ",
    "200,000 brackets": b"seed = " + b"[" * DEEP,
    "20,000 brackets": b"seed = " + b"[" * 20_000,
    "20,000 tables": b"seed." * 10_000 + b"a = 1",
    "a number of 10,000 digits": b"seed = " + b"9" * 10_000,
    "another encoding": "seed = 1 # é".encode("latin-1"),
    "an unknown option": b"sede = 1",
    "a list": b"seed = [1]",
    "a table": b"[seed]\na = 1",
    "a date": b"seed = 2020-01-01",
    "not a number": b"seed = nan",
    "a number for a flag": b"quiet = 5",
    "a text for a flag": b"quiet = 'maybe'",
    "a flag for a number": b"seed = true",
    "an infinite size": b"shard-size = '" + b"9" * 400 + b"GiB'",
    "a path with a NUL": b'out = "a\\u0000b"',
    "a number beyond all": b"seed = 99999999999999999999999999",
    "a negative number": b"workers = -1",
    "a name that clears the terminal": b'"\\u001b[2J\\n" = 1',
    "a megabyte": b"#" * (1 << 20),
}


def config(folder: Path, name: str) -> None:
    good(folder)
    (folder / "c.toml").write_bytes(CONFIGS[name])


SETTINGS = {
    "MIXUP_GEN_SEED": ("x", "9" * 5000, "1.5", "-1"),
    "MIXUP_GEN_QUIET": ("maybe",),
    "MIXUP_GEN_ALPHA": ("x", "-1", "nan", "inf"),
    "MIXUP_GEN_SIZE": ("0", "-1", "9" * 400, "1e3", "1x2x3"),
    "MIXUP_GEN_SHARD_SIZE": ("9" * 400, "0", "1 LiB", "nan"),
    "MIXUP_GEN_FILL": ("inf", "1e999", "0,,0", "-1"),
    "MIXUP_GEN_METHOD": (":", "mixup:nan", "mixup:1:alpha=inf", "mixup:" + "a=" * 9000),
    "MIXUP_GEN_PASSES": ("9" * 30,),
    "MIXUP_GEN_SAMPLES": ("9" * 30, "9" * 18),
    "MIXUP_GEN_CROP_AREA": ("nan,nan", "1"),
    "MIXUP_GEN_VALUE_RANGE": ("0,inf", "nan,1"),
    "MIXUP_GEN_NORMALIZE": ("0/0", "/", "nan/1", "1e308/1", "0/1e-320"),
    "MIXUP_GEN_WINDOW": ("0", "9" * 30),
    "MIXUP_GEN_WORKERS": ("0", "9" * 30),
    "MIXUP_GEN_MAX_PIXELS": ("0", "x"),
    "MIXUP_GEN_CONFIG": ("nowhere.toml", "/dev/zero", "."),
    "MIXUP_GEN_PLAN": ("nowhere.csv", "/dev/zero", "."),
    "MIXUP_GEN_FILES_FROM": ("nowhere", "/dev/zero", "."),
}
"""Values that no option takes, for the variable of each."""

WRONG = ["null", "true", "1", '"text"', "[]", "[[]]", "{}", "1e400", '{"a": ' * 150 + "1" + "}" * 150]
"""One JSON value of each type."""


@dataclass(frozen=True)
class WrongValue:
    """A JSON object in which one `field` has a wrong `value`; `text` is all of it."""

    field: str
    value: str
    text: str


def every_wrong_type(plain: dict[str, object]) -> list[WrongValue]:
    """A JSON object with each of its values replaced by each wrong one: for each field as many as WRONG has."""
    return [
        WrongValue(field, value, json.dumps({**plain, field: "@"}).replace('"@"', value))
        for field in plain
        for value in WRONG
    ]


NO_JSON = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "null": b"null",
    "200,000 brackets": b"[" * DEEP,
    "900 objects in objects": b'{"recipe": ' * 900 + b"1" + b"}" * 900,
    "half a letter": b'{"source": "\\ud800", "recipe": {"\\ud800": 1}}',
    "a number of 10,000 digits": b'{"recipe": ' + b"9" * 10_000 + b"}",
    "another encoding": '{"recipe": "é"}'.encode("latin-1"),
    "a line end in a key": b'{"a\\nb\\u001b[2J": 1}',
}


LABELLED = {
    "nothing": b"",
    "a header alone": b"text,label\n",
    "Latin-1": "text,label\nun café,a\n".encode("latin-1"),
    "UTF-16": "text,label\nwho?,a\n".encode("utf-16"),
    "NULs": bytes(1000),
    "a NUL in a text": b"text,label\nwho\0lives,a\nwhere,b\n",
    "a text of blanks": b"text,label\n  ,a\nwhere,b\n",
    "no label": b"text,label\nwho?,\n",
    "a row that is too short": b"text,label\nwho?\n",
    "an open quotation mark": b'text,label\n"who?,a\n',
    "a line of 10 MB": b"text,label\n" + b"a" * (10 << 20) + b",a\n",
    "a cell of 200 kB": b"text,label\n" + b"a " * 100_000 + b",a\n",
    "two columns of one name": b"text,text,label\nwho?,where?,a\n",
    "no column of texts": b"left,right,label\nwho?,where?,a\n",
    "half a letter": b'{"text": "\\ud800", "label": "a"}\n',
    "a number for a text": b'{"text": 1e400, "label": "a"}\n',
    "an object for a text": b'{"text": {"a": [1]}, "label": "a"}\n',
    "200,000 brackets": b"[" * DEEP + b"\n",
    "no text behind the label": b"__label__a\n",
    "labels alone": b"__label__a __label__b\n",
    "a picture's bytes": encoded("PNG"),
    "Parquet that is none": b"PAR1" + bytes(99) + b"PAR1",
}


def labelled(folder: Path, name: str) -> None:
    """Texts with what is wrong with them, and a tokenizer that is right."""
    (folder / "t.csv").write_bytes(LABELLED[name])
    (folder / "tokenizer.json").write_bytes(TOKENIZER.read_bytes())


def _with_model(**model: object) -> bytes:
    return json.dumps({"model": model}).encode()


def _changed(**changes: object) -> bytes:
    return json.dumps({**json.loads(TOKENIZER.read_bytes()), **changes}).encode()


_PADDING: dict[str, object] = {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None}
_PADDING |= {"pad_id": 1 << 31, "pad_type_id": 0, "pad_token": "x"}

TOKENIZERS: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no JSON": lambda: b"{",
    "another object": lambda: b'{"a": 1}',
    "200,000 brackets": lambda: b"[" * DEEP,
    "another encoding": lambda: "{}".encode("utf-16"),
    "a pickle": lambda: b"\x80\x04cos\nsystem\n(S'touch IT-RAN'\ntR.",
    "no vocabulary": lambda: _with_model(type="BPE", vocab={}, merges=[]),
    "a number beyond 2**24": lambda: _with_model(type="WordLevel", vocab={"a": 1 << 24, "b": 0}, unk_token="b"),
    "a negative number": lambda: _with_model(type="WordLevel", vocab={"a": -1}, unk_token="a"),
    "an unknown token that is not there": lambda: _with_model(type="WordLevel", vocab={"a": 0}, unk_token="b"),
    "a score that is infinite": lambda: b'{"model": {"type": "Unigram", "vocab": [["a", 1e999]]}}',
    "merges of nothing": lambda: _with_model(type="BPE", vocab={"a": 0}, merges=[["x", "y"]]),
    "a pattern that is none": lambda: _changed(
        pre_tokenizer={"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated", "invert": False}
    ),
    "special tokens that are not there": lambda: _changed(
        post_processor={"type": "BertProcessing", "sep": ["[SEP]", 1 << 31], "cls": ["[CLS]", 1 << 31]}
    ),
    "a padding beyond the vocabulary": lambda: _changed(
        padding=_PADDING,
        added_tokens=[],
        model={"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "b"},
    ),
}


def tokenizer(folder: Path, name: str) -> None:
    """A tokenizer with what is wrong with it, and texts that are right."""
    (folder / "t.csv").write_bytes(QUESTIONS.read_bytes())
    (folder / "tokenizer.json").write_bytes(TOKENIZERS[name]())
