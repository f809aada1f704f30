"""Kinds of files that hold a sample each, known by the endings of their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mixup_cli.sources.reading.names import names_of
from mixup_cli.wording import counted

TABLES_AND_TEXTS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson")
"""Endings of files that may hold labels, lists, or labelled texts."""


@dataclass(frozen=True)
class FileKind:
    """What a walk over folders takes for samples. `noun` is what messages call one. Endings are in lower case, without
    the dot: of `suffixes` that are read, and of `unread` files that their owner takes for samples, which are ignored,
    and never silently. `convert_to` names a format or two to convert these to."""

    noun: str
    suffixes: frozenset[str]
    unread: frozenset[str]
    convert_to: str

    @property
    def one(self) -> str:
        """The noun with its article."""
        return f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.noun}"

    def has(self, name: str) -> bool:
        """Whether a file is a sample, by its name."""
        return _ending(name) in self.suffixes

    def leaves(self, name: str) -> bool:
        """Whether a file is a sample in an unsupported format, by its name."""
        return _ending(name) in self.unread

    def unread_text(self, names: Sequence[str]) -> str:
        """How many samples in which unsupported formats, with the first one's name."""
        kinds = Counter("." + _ending(name) for name in names)
        what = "an unsupported format" if len(kinds) == 1 else "unsupported formats"
        return f"{counted(len(names), self.noun)} in {what} ({', '.join(sorted(kinds))}: {names_of(names, 1)})"


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""
