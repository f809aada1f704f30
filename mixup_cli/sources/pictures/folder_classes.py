"""Class folders: the samples of a split, over the classes of all splits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.pictures.layout import Folders, Split, Taken, class_level, descend
from mixup_cli.sources.pictures.walk import Tree, is_junk
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.class_order import in_order
from mixup_cli.sources.reading.names import escape_name, names_of
from mixup_cli.sources.reading.splits import find_splits, has_labels, split_in
from mixup_cli.wording import counted, setting


def by_folders(root: str, tree: Tree, split: Split, options: SourceOptions) -> Taken:
    """Class = first folder level below the split; without such folders, an unlabelled source.

    Raises UsageError if it is in doubt which folders are the classes, DataError for a class of which no image can be
    read.
    """
    folders = Folders.of(tree.samples, tree.kind.noun)
    base, notices = split.base, list[str]()
    if split.doubt is not None:
        raise UsageError(split.doubt)
    if options.label_kind != "none":
        base, notices = class_level(root, folders, split.base, options)
    heads = folders.below(base)
    _check_readable(root, tree, base, heads)
    inside = [name for name in tree.samples if name.startswith(base)]
    nested = [name for name in inside if "/" in name[len(base) :]]
    if options.label_kind == "none":
        return Taken(nested or inside, Labels(), ())
    names, found = class_names(folders, base, split, options)
    if not names:
        found = found or [f"no class folders: the source is unlabelled ({tree.kind.noun}s and shares only)"]
        return Taken(inside, Labels(), (*notices, *found))
    if loose := len(inside) - len(nested):
        notices.append(f"ignored {counted(loose, tree.kind.noun)} beside the class folders")
    notices += [*_empty_folders(tree, base, {*heads, *names, *(options.classes or ())}), *found]
    if len(names) == 1 and options.classes is None:
        notices.append(
            f"one class only ({names_of(list(heads))}): every label is the same. Is the source one folder deeper?"
        )
    if options.classes is None and not split.base:
        notices += _numbered_apart(root, {*heads})
    numbers = {name: number for number, name in enumerate(names)}
    of_head = {head: numbers[escape_name(head)] for head in heads}
    classes = (of_head[name[len(base) :].partition("/")[0]] for name in nested)
    return Taken(nested, Labels(names, np.fromiter(classes, np.int32, len(nested))), tuple(notices))


def class_names(folders: Folders, base: str, split: Split, options: SourceOptions) -> tuple[tuple[str, ...], list[str]]:
    """The classes of all splits, sorted, and notices; none if the images in `base` have no class.

    A split with one folder only, which no other split has, holds images without a class, as Kaggle's `test/test` does,
    if there is a split with several. So does a split whose name says unlabelled, or to be predicted.
    """
    taken = folders.below(base)
    if options.classes is not None or not taken:
        return in_order(map(escape_name, taken)), []
    if not has_labels(split.base):
        return (), [f"{escape_name(base)} is unlabelled, by its name"]
    labelled = filter(has_labels, split.others)
    splits = {base: {*taken}, **{other: _classes_of(folders, other, taken) for other in labelled}}
    lonely = {name: names_of(sorted(splits[name])) for name in splits if _is_lonely(name, splits)}
    if base in lonely:
        return (), [f"{escape_name(base)} holds one folder ({lonely[base]}), which no other split has: unlabelled"]
    notices = [
        f"{escape_name(name)} holds one folder ({only}), which no other split has: not a class"
        for name, only in lonely.items()
    ]
    splits = {name: names for name, names in splits.items() if name not in lonely}
    elsewhere = {name for other, names in splits.items() if other != base for name in names}
    if elsewhere and not elsewhere & taken.keys():
        notices.append(f"{escape_name(base)} shares no class with the other splits: all of their classes are numbered")
    if lacking := sorted(elsewhere - taken.keys()):
        have = "has" if len(lacking) == 1 else "have"
        found = f"{counted(len(lacking), 'class')} of other splits {have} no {folders.noun}s in {escape_name(base)}"
        notices.append(f"{found}: {names_of(lacking)}")
    return in_order(escape_name(name) for each in splits.values() for name in each), notices


def _classes_of(folders: Folders, split: str, taken: Mapping[str, bool]) -> set[str]:
    """The class folders of another split; none if it is in doubt which they are."""
    heads = folders.below(descend(folders, split, SourceOptions()))
    return {*heads} if any(heads.values()) or heads.keys() & taken.keys() else set()


def _is_lonely(name: str, splits: Mapping[str, set[str]]) -> bool:
    others = [names for other, names in splits.items() if other != name]
    shared = any(splits[name] & names for names in others)
    return len(splits[name]) == 1 and not shared and any(len(names) > 1 for names in others)


def _numbered_apart(root: str, heads: set[str]) -> list[str]:
    """A notice if the source is itself a split, and one beside it has some of its classes and others."""
    place = Path(root).absolute()
    if split_in(place.name) is None:
        return []
    for other in sorted(place.parent.glob("*/")):
        if len({*find_splits({place.name: True, other.name: True}).values()}) < 2:
            continue
        names = {each.name for each in other.glob("*/") if not each.name.startswith(".") and not is_junk(each.name)}
        if names & heads and names - heads:
            return [
                f"{escape_name(other.name)}/ beside it also has {names_of(sorted(names - heads))}: its classes have "
                f"other numbers. For the same numbers, give {escape_name(str(place.parent))} with {setting('split')}, "
                f"or pass {setting('classes')}"
            ]
    return []


def _empty_folders(tree: Tree, base: str, known: set[str]) -> list[str]:
    """A notice for folders that are not a class of any split."""
    below = {name[len(base) :] for name in tree.folders if name.startswith(base)}
    empty = sorted(name for name in below if name and "/" not in name and not {name, escape_name(name)} & known)
    if not empty:
        return []
    inside = sorted(name for name in tree.others if name[len(base) :].partition("/")[0] in empty)
    files = f" (found {counted(len(inside), 'other file')}: {names_of(inside, 1)})" if inside else ""
    return [f"ignored {counted(len(empty), 'folder')} without {tree.kind.noun}s, not a class: {names_of(empty)}{files}"]


def _check_readable(root: str, tree: Tree, base: str, heads: Mapping[str, bool]) -> None:
    """Raises DataError if all samples of a folder are in unsupported formats: its class would vanish."""
    missed: dict[str, list[str]] = {}
    for name in sorted(filter(tree.kind.leaves, tree.others)):
        head, slash, _ = name[len(base) :].partition("/")
        if name.startswith(base) and slash and heads and head not in heads:
            missed.setdefault(head, []).append(name)
    for head, names in missed.items():
        raise DataError(
            f"{escape_name(root)}: the class {escape_name(head)} would be lost: it holds only "
            f"{tree.kind.unread_text(names)}. Convert them to {tree.kind.convert_to}, or move that folder away."
        )
