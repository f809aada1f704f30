"""sources.csv: every input of a data set, with its hash and whether it was used. Its own hash is the fingerprint."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.sources.base import Labels, Loaded
from mixup_cli.sources.loaded import LoadedColumn

HEADER = ("source_index", "key", "label", "bytes", "sha256", "status")
USED = "ok"


@dataclass(frozen=True)
class SourceTable:
    """One entry per input, in the order of `source_index`. `labels` are class names, empty where there is none."""

    keys: Sequence[str]
    labels: Sequence[str]
    loaded: LoadedColumn

    @cached_property
    def csv(self) -> bytes:
        """The bytes of sources.csv: RFC 4180 with plain newlines, UTF-8."""
        text = _Rows()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(HEADER)
        rows = enumerate(zip(self.keys, self.labels, self.loaded, strict=True))
        writer.writerows((i, key, label, x.stored_bytes, x.sha256, x.problem or USED) for i, (key, label, x) in rows)
        return text.getvalue().encode()

    @property
    def fingerprint(self) -> str:
        """sha256 of the bytes of sources.csv: 64 hex digits."""
        return hashlib.sha256(self.csv).hexdigest()

    @property
    def usable(self) -> NDArray[np.int64]:
        """The indices of the inputs that can be mixed: int64 (n,)."""
        return np.delete(np.arange(len(self.keys), dtype=np.int64), list(self.loaded.problems))

    def skipped(self) -> Iterator[tuple[int, str, str]]:
        """(source_index, key, reason) of every input that was left out."""
        for index, reason in self.loaded.problems.items():
            yield index, self.keys[index], reason


class _Rows(io.StringIO):
    """Takes rows that end with CR LF and ends them with LF. The csv module quotes no CR unless rows end with one."""

    def write(self, row: str) -> int:
        return super().write(row.removesuffix("\r\n") + "\n")


def label_texts(labels: Labels, count: int) -> list[str]:
    """The `label` column: each sample's class name, or nothing for soft and missing labels."""
    if labels.classes is None:
        return [""] * count
    return [labels.class_names[number] for number in labels.classes]


def read_table(data: bytes, name: str) -> SourceTable:
    """The table that sources.csv holds. Raises DataError where it is damaged; `name` is for the message."""
    csv.field_size_limit(1 << 24)
    try:
        rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
        if tuple(rows[0]) != HEADER:
            raise ValueError(f"its first line is not {','.join(HEADER)}")
        loaded = LoadedColumn.of(
            [Loaded(int(size), sha, None if status == USED else status) for _, _, _, size, sha, status in rows[1:]]
        )
    except (ValueError, IndexError, csv.Error) as problem:
        raise DataError(f"{name}: not a list of sources ({problem}). Restore it, or start anew with --force.") from None
    return SourceTable([row[1] for row in rows[1:]], [row[2] for row in rows[1:]], loaded)


def first_difference(before: SourceTable, now: SourceTable) -> str | None:
    """What changed between two looks at a source, in words, or None. Names the first input that differs."""
    for old, new in zip(before.keys, now.keys, strict=False):
        if old != new:
            return f"{min(old, new)} is {'gone' if old < new else 'new'}"
    if len(before.keys) != len(now.keys):
        longer = max(before.keys, now.keys, key=len)
        which = "gone" if longer is before.keys else "new"
        return f"{longer[min(len(before.keys), len(now.keys))]} is {which}"
    columns = zip(before.keys, before.labels, now.labels, before.loaded, now.loaded, strict=True)
    for key, old_label, new_label, old_state, new_state in columns:
        if old_label != new_label:
            return f"{key} was of class {old_label!r} and is of {new_label!r}"
        if old_state != new_state:
            return f"{key} has other content than before"
    return None
