"""The image folder, as torchvision's ImageFolder and Hugging Face's imagefolder know it.

ROOT/[SPLIT/]CLASS/[…/]picture      or      ROOT/[SPLIT/]metadata.csv|jsonl and pictures
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mixup_cli.errors import NoInputError, UsageError
from mixup_cli.sources.base import Labels, SourceOptions
from mixup_cli.sources.metadata import Entry, Metadata, find_metadata, read_metadata
from mixup_cli.sources.pictures import SUFFIXES, PictureSource, escape_name
from mixup_cli.sources.walk import Tree, walk
from mixup_cli.wording import counted, plural

_SPLITS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
    "extra": ("extra",),
    "unlabelled": ("unlabelled", "unlabeled"),
}
_SPLIT_OF = {name: split for split, names in _SPLITS.items() for name in names}


@dataclass(frozen=True)
class _Taken:
    """The pictures taken (paths relative to the root) and their labels, in the same order."""

    paths: Sequence[str]
    labels: Labels
    notices: tuple[str, ...]


def open_folder(path: str | Path, options: SourceOptions) -> PictureSource:
    """Open an image folder; the keys are relative to `path`, in the order of their bytes.

    `notices` of the source tell which split was taken and what was left out. Raises NoInputError if there is no
    picture, UsageError for a split or label column that is not there, DataError for damaged metadata, StorageError for
    folders that cannot be listed.
    """
    root = str(path)
    if not Path(root).is_dir():
        raise NoInputError(f"{escape_name(root)}: no such folder. Check the path.")
    tree = walk(root, options.exclude)
    split, notices = _choose_split(root, tree, options.split)
    base = f"{split}/" if split else ""
    pictures = [name for name in tree.pictures if name.startswith(base)]
    metadata, inside = _read_nearest_metadata(root, base, options)
    if metadata is None:
        _check_nothing_needs_metadata(root, options)
        taken = _by_folders(tree, pictures, base)
    else:
        taken = _by_metadata(root, metadata, pictures, (inside, base))
    if not taken.paths:
        raise NoInputError(_nothing_found(root + ("/" + split if split else ""), tree))
    notices += [*taken.notices, *_left_out(tree, base)]
    source = _sorted_source(root, taken, notices, options.max_pixels)
    if metadata is not None:
        source.read_as = "pictures with metadata"
    return source


def _check_nothing_needs_metadata(root: str, options: SourceOptions) -> None:
    for option, column in (("--label-column", options.label_column), ("--group-column", options.group_column)):
        if column is not None:
            raise UsageError(
                f"{option} {column}: {escape_name(root)} has no metadata.csv or .jsonl. Write one, or drop {option}."
            )


def _sorted_source(root: str, taken: _Taken, notices: Sequence[str], max_pixels: int) -> PictureSource:
    # Code points sort as their UTF-8 bytes do, so this is the order of the key's bytes.
    order = sorted(range(len(taken.paths)), key=[escape_name(name) for name in taken.paths].__getitem__)
    labels = _in_order(taken.labels, order)
    return PictureSource(root, [taken.paths[index] for index in order], labels, notices, max_pixels=max_pixels)


def _in_order(labels: Labels, order: Sequence[int]) -> Labels:
    return replace(
        labels,
        classes=None if labels.classes is None else labels.classes[order],
        values=None if labels.values is None else labels.values[order],
        groups=None if labels.groups is None else tuple(labels.groups[index] for index in order),
    )


def _choose_split(root: str, tree: Tree, wanted: str | None) -> tuple[str, list[str]]:
    """Return the split folder to take ("" if there is no split level) and what to say about it."""
    heads = sorted({name.partition("/")[0] for name in tree.pictures if "/" in name})
    splits = [name for name in heads if name.lower() in _SPLIT_OF]
    if wanted is not None:
        return _named_split(root, heads, splits, wanted), []
    if not splits or len(splits) < len(heads):
        doubtful = len(splits) > 1 or any(_SPLIT_OF[name.lower()] == "train" for name in splits)
        both = f"{_names(splits)}: taken as classes, because of {_names(sorted(set(heads) - set(splits)))}"
        return "", [f"{both}. If they are splits, --split NAME picks one"] if doubtful else []
    training = [name for name in splits if _SPLIT_OF[name.lower()] == "train"]
    candidates = splits if len(splits) == 1 else training
    if len(candidates) != 1:
        found = "several training splits" if training else "no training split"
        raise UsageError(f"{escape_name(root)}: has {found} (found: {_names(splits)}). Pass --split NAME.")
    others = [name for name in splits if name != candidates[0]]
    notice = f"{escape_name(candidates[0])}/ taken"
    return candidates[0], [f"{notice} (also there: {_names(others)}); --split NAME picks another" if others else notice]


def _named_split(root: str, heads: Sequence[str], splits: Sequence[str], wanted: str) -> str:
    if wanted in heads:
        return wanted
    synonyms = [name for name in splits if _SPLIT_OF[name.lower()] == _SPLIT_OF.get(wanted.lower())]
    if len(synonyms) == 1:
        return synonyms[0]
    if splits:
        raise UsageError(
            f"--split {wanted}: {escape_name(root)} has no such split (found: {_names(splits)}). Pass one of them."
        )
    raise UsageError(
        f"--split {wanted}: {escape_name(root)} has no split folders (found: {_names(heads) or 'none'}). Drop --split."
    )


def _by_folders(tree: Tree, pictures: Sequence[str], base: str) -> _Taken:
    """Class = first folder level below `base`; without such folders, an unlabelled source."""
    nested = [name for name in pictures if "/" in name[len(base) :]]
    if not nested:
        return _Taken(pictures, Labels(), ("no class folders: the source is unlabelled (pictures and shares only)",))
    heads = [name[len(base) :].partition("/")[0] for name in nested]
    names = {head: escape_name(head) for head in set(heads)}
    notices = []
    if loose := len(pictures) - len(nested):
        notices.append(f"{counted(loose, 'picture')} next to the class folders left out")
    folders = {name[len(base) :] for name in tree.folders if name.startswith(base)}
    if empty := sorted(name for name in folders - names.keys() if name and "/" not in name):
        notices.append(f"{counted(len(empty), 'folder')} without pictures left out, not a class: {_names(empty)}")
    if len(names) == 1:
        notices.append(
            f"one class only ({_names(list(names))}): every label is the same. Is the source one folder deeper?"
        )
    class_names = tuple(sorted(names.values()))
    numbers = {name: number for number, name in enumerate(class_names)}
    classes = np.fromiter((numbers[names[head]] for head in heads), np.int32, len(heads))
    return _Taken(nested, Labels(class_names, classes), tuple(notices))


def _read_nearest_metadata(root: str, base: str, options: SourceOptions) -> tuple[Metadata | None, str]:
    """Return the metadata of the split folder, or else of the root, and the prefix its file names need."""
    for prefix in dict.fromkeys((base, "")):
        if path := find_metadata(Path(root, prefix)):
            return read_metadata(path, options), prefix
    return None, ""


def _by_metadata(root: str, metadata: Metadata, pictures: Sequence[str], prefixes: tuple[str, str]) -> _Taken:
    """Take what the metadata name below the split: `prefixes` are those of the file names and of the split."""
    inside, base = prefixes
    known = set(pictures)
    rows = {inside + name: entry for name, entry in metadata.entries.items() if (inside + name).startswith(base)}
    # A file that the walk does not know (another suffix, a dot-folder) counts if it is named and is there. One that is
    # not is an input that cannot be read, for the scan to refuse or leave out: here we know the line.
    gone = [name for name in rows if name not in known and not Path(root, name).is_file()]
    notices = [_missing(metadata, gone, rows[gone[0]].line, inside)] if gone else []
    unnamed = len(known.difference(rows))
    if unnamed:
        notices.append(f"{counted(unnamed, 'picture')} that {metadata.name} does not name left out")
    if not rows:
        return _Taken([], Labels(), tuple(notices))
    labels, notice = _metadata_labels(metadata, list(rows.values()))
    return _Taken(list(rows), labels, (notice, *notices))


def _missing(metadata: Metadata, gone: Sequence[str], line: int, inside: str) -> str:
    more = f", nor {len(gone) - 1:,} more that it names" if gone[1:] else ""
    first = escape_name(gone[0][len(inside) :])
    return f"{metadata.name}, line {line}: there is no file {first}{more}"


def _metadata_labels(metadata: Metadata, entries: Sequence[Entry]) -> tuple[Labels, str]:
    """The labels and groups of some rows, and what to say about them."""
    groups = tuple(entry.group for entry in entries if entry.group is not None) or None
    if metadata.reader is None:
        columns = ", ".join(metadata.columns)
        found = f"{metadata.name} has no label column (found: {columns}): the source is unlabelled"
        return Labels(groups=groups), f"{found}. --label-column NAME picks one"
    labels = metadata.reader.labels([entry.label for entry in entries if entry.label is not None], metadata.name)
    if labels.kind == "none":
        return Labels(groups=groups), f"labels in {metadata.name}, if any, left out"
    which = f"{plural(len(metadata.reader.columns), 'column')} {', '.join(metadata.reader.columns)}"
    return replace(labels, groups=groups), f"labels taken from {metadata.name}, {which}"


def _left_out(tree: Tree, base: str) -> list[str]:
    notices = []
    if others := sorted(name for name in tree.others if name.startswith(base)):
        count = counted(len(others), "file")
        notices.append(f"{count} that {'is' if len(others) == 1 else 'are'} no picture ignored ({_names(others, 1)})")
    if tree.repeated:
        links = _names(sorted(tree.repeated))
        notices.append(f"{counted(len(tree.repeated), 'link')} to folders that were read already ignored: {links}")
    if tree.sealed:
        notices.append(f"data sets written by mixup-gen left out: {_names(sorted(tree.sealed))}")
    return notices


def _nothing_found(place: str, tree: Tree) -> str:
    looked_for = ", ".join("." + suffix for suffix in sorted(SUFFIXES))
    others = f"; {counted(len(tree.others), 'other file')} there" if tree.others else ""
    found = f"no pictures found (looked for {looked_for}, in sub-folders too{others})"
    return f"{escape_name(place)}: {found}. Give another folder."


def _names(names: Sequence[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(escape_name(name) for name in names[:limit]) + more
