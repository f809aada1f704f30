"""Tables of labels beside images, which are read only if an option names them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from mixup_cli.errors import MixupGenError
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import split_of
from mixup_cli.sources.tables.matching import PictureNames
from mixup_cli.sources.tables.rows import first_rows
from mixup_cli.wording import setting

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl")
MOST_FILES = 20


def tables_beside(
    root: str, others: Sequence[str], names: PictureNames, split: str | None, is_labelled: bool = False
) -> list[str]:
    """A notice about a table in a folder, or beside it, of which a column names the folder's images.

    Tables of the same split come first, since other splits can have images of the same names. If the images have
    labels already, only tables at the top of their folder count.
    """
    paths = [os.path.join(root, name) for name in sorted(others) if not (is_labelled and "/" in name)]
    if not is_labelled:
        with suppress(OSError):
            paths += [os.path.join(root, os.pardir, name) for name in sorted(os.listdir(os.path.join(root, os.pardir)))]
    tables = islice((Path(os.path.normpath(path)) for path in paths if path.lower().endswith(SUFFIXES)), MOST_FILES)
    for path in sorted(tables, key=lambda path: (split_of(path) != (split or "train"), split_of(path) is not None)):
        if _names_pictures(path, names):
            table = escape_name(str(path))
            return [f"{table} names these {names.noun}s; {setting('labels_from', table)} reads labels from it"]
    return []


def _names_pictures(path: Path, names: PictureNames) -> bool:
    """Whether at least half of a column's first cells name images, and another column can have the labels."""
    with suppress(MixupGenError):
        head = first_rows(path, names.has)
        if all(len(row) < 2 for row in head):  # a list of a split, say
            return False
        return any(2 * sum(names.has(str(row.get(each))) for row in head) >= len(head) for each in (head or [{}])[0])
    return False
