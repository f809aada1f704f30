"""Samples that a table of labels names, over the classes of all splits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.pictures.layout import Folders, Split, Taken, descend
from mixup_cli.sources.pictures.walk import Tree
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.file_kind import FileKind
from mixup_cli.sources.reading.names import escape_name, names_of
from mixup_cli.sources.reading.splits import files_of_other_splits, split_kind, split_of
from mixup_cli.sources.tables.labels import Label, separator_hint
from mixup_cli.sources.tables.matching import PictureNames
from mixup_cli.sources.tables.metadata import Entry, Metadata, Place, find_metadata, pictures_of, read_metadata
from mixup_cli.wording import counted, plural, setting

_MANY_CLASSES = 100
"""Up to this count, classes may have few images each without a notice."""


@dataclass(frozen=True)
class Tables:
    """The tables of labels for a split of the tree at `root`."""

    root: str
    tree: Tree
    split: Split
    options: SourceOptions

    def names(self, base: str) -> PictureNames:
        """The samples below `base`."""
        return PictureNames([name for name in self.tree.samples if name.startswith(base)], self.tree.kind)

    @property
    def split_kind(self) -> str | None:
        """The split of the images, by the name of their folder."""
        return split_kind(Path(self.root, self.split.base).absolute().name)

    def nearest(self) -> Metadata | None:
        """The table that was named, or that of the split folder, or else of the next folder above that has one."""
        if self.options.labels_from is not None:
            return read_metadata(Path(self.options.labels_from), self.options, self.names(self.split.base))
        _, path = next(self._found(), ("", None))
        return None if path is None else read_metadata(path, self.options, self.names(self.split.base))

    def _found(self) -> Iterator[tuple[str, Path]]:
        """The tables in the split folder and above, and the prefix that the names in them need."""
        folders = self.split.base.split("/")[:-1]
        for depth in range(len(folders), -1, -1):
            prefix = "".join(f"{folder}/" for folder in folders[:depth])
            if path := find_metadata(Path(self.root, prefix)):
                yield prefix, path

    def _inside(self) -> str:
        """The prefix that the names in the nearest table need."""
        return "" if self.options.labels_from is not None else next(self._found(), ("", None))[0]

    def taken(self, metadata: Metadata) -> Taken:
        """The images below the split that a table names."""
        names = self.names(self.split.base)
        found, notices = pictures_of(metadata, names, Place(self.root, self.split.base, self._inside()))
        if self.options.labels_from is not None:
            kinds = {split_of(Path(self.options.labels_from)), self.split_kind} - {None}
            if len(kinds) > 1:
                notices.append(f"{metadata.name} and the folder of the images have the names of different splits")
        if (column := metadata.split_column) is not None:
            remedy = "For one split, keep only its rows"
            notices.append(f"column {column} of {metadata.name} names splits, and all rows are used. {remedy}")
        if unnamed := len(names.known.difference(found.values())):
            notices.append(f"ignored {counted(unnamed, self.tree.kind.noun)} that {metadata.name} does not name")
        elsewhere = self._labels_elsewhere(metadata, {*found}, notices)
        labels, more = _labels(metadata, [metadata.entries[name] for name in found], elsewhere, self.tree.kind)
        texts = None
        if metadata.text_column is not None:
            texts = [metadata.entries[name].text for name in found]
            said = f"captions taken from {metadata.name}, column {metadata.text_column}"
            more = [said, *(more if metadata.reader is not None else ())]
        return Taken(list(found.values()), labels, (*more, *notices), texts)

    def _labels_elsewhere(self, metadata: Metadata, found: set[str], notices: list[str]) -> list[Label]:
        """The labels of other splits, whose classes count too: from this table, other tables, or class folders."""
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
                elif reader.kind == "classes":
                    folders = Folders.of(self.tree.samples, self.tree.kind.noun)
                    labels += map(escape_name, folders.below(descend(folders, other, self.options)))
        return [*labels, *(entry.label for entry in entries if entry.label is not None)]

    def _entries(self, path: Path, is_training: bool, options: SourceOptions, notices: list[str]) -> list[Entry]:
        """The rows of another split's table. It may be damaged, or lack labels as that of test data does; but the
        classes of the training data must be known."""
        try:
            return list(read_metadata(path, options, self.names("")).entries.values())
        except UsageError:  # no such column
            return []
        except DataError as problem:
            fixed = setting("classes", "NAMES")
            found = f"{problem} Its classes count for all splits; {fixed} sets them without it."
            if is_training:
                raise DataError(found) from problem
            notices.append(found)
            return []


def _labels(
    metadata: Metadata, entries: Sequence[Entry], elsewhere: Sequence[Label], kind: FileKind
) -> tuple[Labels, list[str]]:
    """The labels and groups of some rows, over the classes of these and of the labels `elsewhere`; and notices."""
    groups = tuple(entry.group for entry in entries if entry.group is not None) or None
    if metadata.reader is None:
        found = f"{metadata.name} has no label column (found: {', '.join(metadata.columns)}): the source is unlabelled"
        return Labels(groups=groups), [f"{found}. {setting('label_column', 'NAME')} picks one"]
    own = [entry.label for entry in entries if entry.label is not None]
    labels = metadata.reader.labels([*own, *elsewhere], metadata.name).at(range(len(own)))
    if labels.kind == "none":
        return Labels(groups=groups), [f"ignored the labels in {metadata.name}, if any"]
    which = f"{plural(len(metadata.reader.columns), 'column')} {names_of(metadata.reader.columns, 8)}"
    files = "" if metadata.file_column == "file_name" else f"; column {metadata.file_column} names the {kind.noun}s"
    notices = [f"labels taken from {metadata.name}, {which}{files}"]
    if labels.kind == "classes" and (separator := separator_hint(labels)):
        splits = f"{setting('label_separator', repr(separator))} splits them"
        notices.append(f"{which} may hold several classes in a cell ({escape_name(labels.class_names[-1])}); {splits}")
    if labels.classes is not None:
        lacking = sorted({*range(len(labels.class_names))} - {*labels.classes.tolist()})
        names = names_of([labels.class_names[number] for number in lacking])
        notices += [f"classes of other rows, without {kind.one} here: {names}"] if lacking else []
    if labels.kind == "classes" and (count := len({*own})) > max(len(own) // 2, _MANY_CLASSES):
        notices.append(f"{which} has {count:,} different names for {counted(len(own), kind.noun)}: are they classes?")
    return replace(labels, groups=groups), notices
