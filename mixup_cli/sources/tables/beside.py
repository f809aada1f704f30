"""Tables of labels that lie beside pictures, and that only an option takes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from mixup_cli.errors import MixupGenError
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import split_of
from mixup_cli.sources.tables.matching import PictureNames
from mixup_cli.sources.tables.rows import first_rows

SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl")
MOST_FILES = 20


def tables_beside(
    root: str, others: Sequence[str], names: PictureNames, split: str | None, is_labelled: bool = False
) -> list[str]:
    """What to say about the tables in a folder, or beside it, of which a column names its pictures: first one of their
    split, which may have pictures of the same names as another. Where these have labels already, only tables that lie
    at the top of their folder count."""
    paths = [os.path.normpath(os.path.join(root, name)) for name in sorted(others) if not (is_labelled and "/" in name)]
    if not is_labelled:
        paths += [os.path.normpath(os.path.join(root, os.pardir, name)) for name in _beside(root)]
    tables = islice((Path(path) for path in paths if path.lower().endswith(SUFFIXES)), MOST_FILES)
    first = sorted(tables, key=lambda path: (split_of(path) != (split or "train"), split_of(path) is not None))
    found = next((str(path) for path in first if _names_pictures(path, names)), None)
    return (
        [] if found is None else [f"{(name := escape_name(found))} names these pictures; --labels-from {name} takes it"]
    )


def _beside(root: str) -> Iterator[str]:
    with suppress(OSError):
        yield from sorted(os.listdir(os.path.join(root, os.pardir)))


def _names_pictures(path: Path, names: PictureNames) -> bool:
    """Whether half of a column's first cells, at least, name pictures."""
    with suppress(MixupGenError):
        head = first_rows(path, names.has)
        return any(2 * sum(names.has(str(row.get(each))) for row in head) >= len(head) for each in (head or [{}])[0])
    return False
