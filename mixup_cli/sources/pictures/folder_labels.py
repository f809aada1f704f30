"""Pictures that a table of labels names, over the classes of all splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.pictures.layout import Folders, Split, Taken, descend
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name, names_of
from mixup_cli.sources.reading.splits import files_of_other_splits, split_kind, split_of
from mixup_cli.sources.tables.labels import Label, separator_hint
from mixup_cli.sources.tables.matching import PictureNames
from mixup_cli.sources.tables.metadata import Entry, Metadata, Place, find_metadata, pictures_of, read_metadata
from mixup_cli.wording import counted, plural

_MANY_CLASSES = 100
"""So many classes may have few pictures each; of more, something is said."""


@dataclass(frozen=True)
class Tables:
    """The tables of labels for a split of the tree at `root`, of which `pictures` are all."""

    root: str
    pictures: Sequence[str]
    split: Split
    options: SourceOptions

    def names(self, base: str) -> PictureNames:
        """The pictures below `base`."""
        return PictureNames([name for name in self.pictures if name.startswith(base)])

    @property
    def split_kind(self) -> str | None:
        """Which split the pictures are of, by the name of their folder."""
        return split_kind(Path(self.root, self.split.base).absolute().name)

    def nearest(self) -> Metadata | None:
        """The table that was named, or that of the split folder, or else of the next folder above that has one."""
        if self.options.labels_from is not None:
            return read_metadata(Path(self.options.labels_from), self.options, self.names(self.split.base))
        for prefix in self._prefixes():
            if path := find_metadata(Path(self.root, prefix)):
                return read_metadata(path, self.options, self.names(self.split.base))
        return None

    def _prefixes(self) -> list[str]:
        parts = self.split.base.split("/")[:-1]
        return ["".join(f"{part}/" for part in parts[:depth]) for depth in range(len(parts), -1, -1)]

    def _inside(self) -> str:
        """The prefix that the names in the nearest table need."""
        if self.options.labels_from is not None:
            return ""
        return next((prefix for prefix in self._prefixes() if find_metadata(Path(self.root, prefix))), "")

    def taken(self, metadata: Metadata) -> Taken:
        """What a table names below the split."""
        inside, names = self._inside(), self.names(self.split.base)
        found, notices = pictures_of(metadata, names, Place(self.root, self.split.base, inside))
        if self.options.labels_from is not None:
            kinds = {split_of(Path(self.options.labels_from)), self.split_kind} - {None}
            if len(kinds) > 1:
                notices.append(f"{metadata.name} has the name of another split than the folder of the pictures")
        if (column := metadata.split_column) is not None:
            notices.append(
                f"column {column} of {metadata.name} names splits, and all of them are taken. For one split, keep only "
                "its rows"
            )
        if unnamed := len(names.known.difference(found.values())):
            notices.append(f"{counted(unnamed, 'picture')} that {metadata.name} does not name left out")
        elsewhere = self._labels_elsewhere(metadata, {*found}, notices)
        labels, told = _labels(metadata, [metadata.entries[name] for name in found], elsewhere)
        return Taken(list(found.values()), labels, (*told, *notices))

    def _labels_elsewhere(self, metadata: Metadata, found: set[str], notices: list[str]) -> list[Label]:
        """The labels of other splits, which tell of classes too: in the same table, in tables of their own, or as class
        folders."""
        reader = metadata.reader
        if self.options.classes is not None or reader is None or not reader.has_names:
            return []
        entries = [entry for name, entry in metadata.entries.items() if name not in found]
        labels: list[Label] = []
        if self.options.labels_from is not None:
            known = replace(self.options, file_column=metadata.file_column, label_column=reader.columns[0])
            for table in files_of_other_splits(Path(self.options.labels_from)):
                entries += self._entries(table, split_of(table) == "train", known, notices)
        elif self._inside() == self.split.base:
            for other in self.split.others:
                if (path := find_metadata(Path(self.root, other))) is not None:
                    entries += self._entries(path, split_kind(other.split("/")[-2]) == "train", self.options, notices)
                if reader.kind == "classes" and find_metadata(Path(self.root, other)) is None:
                    labels += self._class_folders(other)
        return [*labels, *(entry.label for entry in entries if entry.label is not None)]

    def _class_folders(self, split: str) -> list[str]:
        folders = Folders.of(self.pictures)
        return [escape_name(name) for name in folders.below(descend(folders, split, self.options))]

    def _entries(self, path: Path, is_training: bool, options: SourceOptions, notices: list[str]) -> list[Entry]:
        """What the table of another split says. It may be damaged, or lack labels as that of test data does; but the
        classes of the training data must be known."""
        try:
            return list(read_metadata(path, options, self.names("")).entries.values())
        except UsageError:  # no such column
            return []
        except DataError as problem:
            remedy = "Its classes count for all splits; --classes NAMES fixes them without it."
            if is_training:
                raise DataError(f"{problem} {remedy}") from problem
            notices.append(f"{problem} {remedy}")
            return []


def _labels(metadata: Metadata, entries: Sequence[Entry], elsewhere: Sequence[Label]) -> tuple[Labels, list[str]]:
    """The labels and groups of some rows, over the classes of these and of the labels `elsewhere`; and what to say."""
    groups = tuple(entry.group for entry in entries if entry.group is not None) or None
    if metadata.reader is None:
        columns = ", ".join(metadata.columns)
        found = f"{metadata.name} has no label column (found: {columns}): the source is unlabelled"
        return Labels(groups=groups), [f"{found}. --label-column NAME picks one"]
    own = [entry.label for entry in entries if entry.label is not None]
    labels = metadata.reader.labels([*own, *elsewhere], metadata.name).at(range(len(own)))
    if labels.kind == "none":
        return Labels(groups=groups), [f"labels in {metadata.name}, if any, left out"]
    which = f"{plural(len(metadata.reader.columns), 'column')} {names_of(metadata.reader.columns, 8)}"
    files = "" if metadata.file_column == "file_name" else f"; column {metadata.file_column} names the pictures"
    notices = [f"labels taken from {metadata.name}, {which}{files}"]
    if labels.kind == "classes" and (separator := separator_hint(labels)):
        notices.append(
            f"{which} may hold several classes in a cell ({escape_name(labels.class_names[-1])}); "
            f"--label-separator '{separator}' takes them apart"
        )
    if labels.classes is not None and (
        lacking := sorted({*range(len(labels.class_names))} - {*labels.classes.tolist()})
    ):
        notices.append(
            f"classes of other rows, without a picture here: {names_of([labels.class_names[n] for n in lacking])}"
        )
    if labels.kind == "classes" and (count := len({*own})) > max(len(own) // 2, _MANY_CLASSES):
        notices.append(f"{which} has {count:,} different names for {counted(len(own), 'picture')}: are they classes?")
    return replace(labels, groups=groups), notices
