"""Lines that begin with their label: `LABEL TEXT`, as in TREC, and fastText's `__label__a __label__b text`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mixup_cli.sources.reading.bounded_read import lines_of
from mixup_cli.sources.tables.rows import TableRow, check_is_text, codec_of, readable, start_of

LABEL, TEXT = "label", "text"
"""The columns of such lines."""

FASTTEXT = "__label__"
_FIRST_WORD = re.compile(r"[ \t]*([^ \t]+)[ \t]*(.*)", re.DOTALL)


def labelled_lines(path: Path, name: str, encoding: str) -> Iterator[tuple[int, TableRow]]:
    """Each line that is not empty, with its number: its label, the first word, and its text. Of fastText's lines the
    label is a list where there are several. Raises DataError for what is not text in this encoding."""
    with readable(path, name, encoding), path.open(encoding=codec_of(encoding)) as file:
        check_is_text(start_of(path, name), name)
        for number, line in enumerate(lines_of(file, name), 1):
            if line := line.strip():
                yield number, _row(line)


def _row(line: str) -> TableRow:
    label, text = _first_word(line)
    if not label.startswith(FASTTEXT):
        return {LABEL: label, TEXT: text}
    labels = [label.removeprefix(FASTTEXT)]
    while text.startswith(FASTTEXT):
        label, text = _first_word(text)
        labels.append(label.removeprefix(FASTTEXT))
    return {LABEL: labels if len(labels) > 1 else labels[0], TEXT: text}


def _first_word(text: str) -> tuple[str, str]:
    found = _FIRST_WORD.fullmatch(text)
    return ("", "") if found is None else (found[1], found[2])
