"""Labelled texts in every format that is read, and a tokenizer for them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet
from tokenizers import Tokenizer, models, pre_tokenizers, processors

TEXTS_FOLDER = Path(__file__).parents[1] / "sample_data" / "texts"
TOKENIZER, QUESTIONS = TEXTS_FOLDER / "tokenizer.json", TEXTS_FOLDER / "questions.csv"

ROWS = [
    ("how many legs does a spider have, on land?", "number"),
    ("who wrote the story of the white whale?", "person"),
    ("where do penguins live in the winter?", "place"),
    ("how deep is the ocean in this place?", "number"),
]
"""Texts with a comma, and their labels."""

Rows = Sequence[tuple[str, str]]


def _delimited(separator: str, header: Sequence[str] | None) -> Callable[[Path, Rows], None]:
    def write(path: Path, rows: Rows) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=separator).writerows([*([header] if header else []), *rows])

    return write


def _json_lines(path: Path, rows: Rows) -> None:
    path.write_text("".join(json.dumps({"sentence": text, "label": label}) + "\n" for text, label in rows))


def _parquet(path: Path, rows: Rows) -> None:
    texts, labels = zip(*rows, strict=True)
    parquet.write_table(pa.table({"label": labels, "content": texts}), path)


def _lines(before: str) -> Callable[[Path, Rows], None]:
    def write(path: Path, rows: Rows) -> None:
        path.write_text("".join(f"{before}{label} {text}\n" for text, label in rows), encoding="utf-8")

    return write


WRITERS: dict[str, tuple[str, Callable[[Path, Rows], None]]] = {
    "csv": ("t.csv", _delimited(",", ("Text", "Label"))),
    "csv, usual names of neither": ("t.csv", _delimited(",", ("ask", "kind"))),
    "csv without a header": ("t.csv", _delimited(",", None)),
    "semicolons": ("t.csv", _delimited(";", ("question", "category"))),
    "tsv": ("t.tsv", _delimited("\t", ("sentence", "label-coarse"))),
    "tsv by its first line": ("train.txt", _delimited("\t", ("sentence", "label"))),
    "json lines": ("t.jsonl", _json_lines),
    "json lines by their first line": ("t.txt", _json_lines),
    "parquet": ("t.parquet", _parquet),
    "lines": ("train_5500.label", _lines("")),
    "fastText": ("t.txt", _lines("__label__")),
}
"""A file's name, and what writes texts and labels into it."""


def words_tokenizer(path: Path, words: Sequence[str], **changes: Any) -> Path:
    """A tokenizer of whole words, numbered as they come behind [UNK], [CLS] and [SEP], with `changes` of its JSON."""
    names = ["[UNK]", "[CLS]", "[SEP]", *dict.fromkeys(words)]
    made = Tokenizer(models.WordLevel({name: number for number, name in enumerate(names)}, "[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    made.add_special_tokens([name for name in names if name.startswith(("[", "<"))])
    path.write_text(json.dumps({**json.loads(made.to_str()), **changes}))
    return path
