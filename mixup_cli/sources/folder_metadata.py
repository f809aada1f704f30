"""Pictures that a metadata file names, over the classes of all splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mixup_cli.errors import DataError, UsageError
from mixup_cli.sources.base import Labels, SourceOptions
from mixup_cli.sources.layout import Split, Taken
from mixup_cli.sources.metadata import Entry, Metadata, find_metadata, read_metadata
from mixup_cli.sources.metadata_labels import Label
from mixup_cli.sources.pictures import escape_name
from mixup_cli.sources.splits import split_kind
from mixup_cli.wording import counted, plural


@dataclass(frozen=True)
class Named:
    """What metadata say of the files of a split: `inside` is the prefix that their names need."""

    metadata: Metadata
    inside: str
    split: Split

    def rows(self) -> dict[str, Entry]:
        """By path relative to the root."""
        named = {self.inside + name: entry for name, entry in self.metadata.entries.items()}
        return {name: entry for name, entry in named.items() if name.startswith(self.split.base)}

    def of_other_splits(self, root: str, options: SourceOptions, notices: list[str]) -> Iterator[Label]:
        """The labels of other splits, which tell of classes too: in the same file, or in files of their own."""
        reader = self.metadata.reader
        if options.classes is not None or reader is None or not reader.has_names:
            return
        if self.inside != self.split.base:
            named = self.metadata.entries.items()
            entries = [entry for name, entry in named if not (self.inside + name).startswith(self.split.base)]
        else:
            entries = [entry for other in self.split.others for entry in _entries(root, other, options, notices)]
        yield from (entry.label for entry in entries if entry.label is not None)


def nearest_metadata(root: str, split: Split, options: SourceOptions) -> Named | None:
    """The metadata of the split folder, or else of the next folder above that has some."""
    parts = split.base.split("/")[:-1]
    for prefix in ("".join(f"{part}/" for part in parts[:depth]) for depth in range(len(parts), -1, -1)):
        if path := find_metadata(Path(root, prefix)):
            return Named(read_metadata(path, options), prefix, split)
    return None


def by_metadata(root: str, named: Named, pictures: Sequence[str], options: SourceOptions) -> Taken:
    """Take what the metadata name below the split, of which `pictures` are all that the walk has found."""
    metadata, rows, known = named.metadata, named.rows(), set(pictures)
    # A file that the walk does not know (another suffix, a dot-folder) counts if it is named and is there. One that is
    # not is an input that cannot be read, for the scan to refuse or leave out: here we know the line.
    gone = [name for name in rows if name not in known and not Path(root, name).is_file()]
    notices = [_missing(metadata, gone, rows[gone[0]].line, named.inside)] if gone else []
    unnamed = len(known.difference(rows))
    if unnamed:
        notices.append(f"{counted(unnamed, 'picture')} that {metadata.name} does not name left out")
    if not rows:
        return Taken([], Labels(), tuple(notices))
    elsewhere = list(named.of_other_splits(root, options, notices))
    labels, notice = _labels(metadata, list(rows.values()), elsewhere)
    return Taken(list(rows), labels, (notice, *notices))


def _entries(root: str, split: str, options: SourceOptions, notices: list[str]) -> list[Entry]:
    """What the metadata of another split say. They may be damaged, or lack labels as those of test data do; but the
    classes of the training data must be known."""
    path = find_metadata(Path(root, split))
    try:
        return [] if path is None else list(read_metadata(path, options).entries.values())
    except UsageError:  # no such column
        return []
    except DataError as problem:
        remedy = "Its classes count for all splits; --classes NAMES fixes them without it."
        if split_kind(split.split("/")[-2]) == "train":
            raise DataError(f"{problem} {remedy}") from problem
        notices.append(f"{problem} {remedy}")
        return []


def _missing(metadata: Metadata, gone: Sequence[str], line: int, inside: str) -> str:
    more = f", nor {len(gone) - 1:,} more that it names" if gone[1:] else ""
    first = escape_name(gone[0][len(inside) :])
    return f"{metadata.name}, line {line}: there is no file {first}{more}"


def _labels(metadata: Metadata, entries: Sequence[Entry], elsewhere: Sequence[Label]) -> tuple[Labels, str]:
    """The labels and groups of some rows, over the classes of these and of the labels `elsewhere`; and what to say."""
    groups = tuple(entry.group for entry in entries if entry.group is not None) or None
    if metadata.reader is None:
        columns = ", ".join(metadata.columns)
        found = f"{metadata.name} has no label column (found: {columns}): the source is unlabelled"
        return Labels(groups=groups), f"{found}. --label-column NAME picks one"
    own = [entry.label for entry in entries if entry.label is not None]
    labels = metadata.reader.labels([*own, *elsewhere], metadata.name).at(range(len(own)))
    if labels.kind == "none":
        return Labels(groups=groups), f"labels in {metadata.name}, if any, left out"
    which = f"{plural(len(metadata.reader.columns), 'column')} {', '.join(metadata.reader.columns)}"
    return replace(labels, groups=groups), f"labels taken from {metadata.name}, {which}"
