"""The image folder, as torchvision's ImageFolder and Hugging Face's imagefolder know it.

ROOT/[SPLIT/]CLASS/[…/]image      or      ROOT/[SPLIT/]metadata.csv|jsonl and images
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from mixup_cli.errors import NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.arrays.folder import arrays_in
from mixup_cli.sources.pictures.folder_classes import by_folders
from mixup_cli.sources.pictures.folder_labels import Tables
from mixup_cli.sources.pictures.layout import Folders, choose_split
from mixup_cli.sources.pictures.source import PICTURE_FILES, PictureSource
from mixup_cli.sources.pictures.walk import Tree, walk
from mixup_cli.sources.reading.base import NO_GROUPS, Source, SourceOptions
from mixup_cli.sources.reading.file_kind import TABLES_AND_TEXTS, FileKind
from mixup_cli.sources.reading.names import escape_name, names_of
from mixup_cli.sources.tables.beside import tables_beside
from mixup_cli.wording import counted, setting

Opened = TypeVar("Opened", bound=Source)

Making = Callable[[Sequence[str], Labels, Sequence[str]], Opened]
"""Makes a source of some of a tree's files, with labels and notices."""


def open_folder(path: str | Path, options: SourceOptions) -> PictureSource:
    """Open an image folder; the keys are relative to `path`, in the order of their bytes.

    The source's `notices` say which split is used and what is ignored. Raises NoInputError without any image,
    UsageError for an unknown split or label column and if it is in doubt which folders are the classes, DataError for
    damaged metadata and for a class of which no image can be read, StorageError for folders that cannot be listed.
    """
    return open_walked(path, walked(path, options), options)


def walked(path: str | Path, options: SourceOptions, kind: FileKind = PICTURE_FILES) -> Tree:
    """What a folder holds. Raises NoInputError if it does not exist, StorageError if it cannot be listed."""
    root = str(path)
    if not Path(root).is_dir():
        raise NoInputError(f"{escape_name(root)}: no such folder. Check the path.")
    return walk(root, options.exclude, kind)


def open_walked(path: str | Path, tree: Tree, options: SourceOptions) -> PictureSource:
    """As `open_folder`, after the walk."""
    make = partial(PictureSource, str(path), max_pixels=options.max_pixels)
    return open_tree(str(path), tree, options, make)


def open_tree(root: str, tree: Tree, options: SourceOptions, make: Making[Opened]) -> Opened:
    """As `open_folder`, for a tree of which perhaps only the tables of labels are in the folder `root`."""
    split = choose_split(root, Folders.of(tree.samples, tree.kind.noun), options)
    tables = Tables(root, tree, split, options)
    if (metadata := tables.nearest()) is None:
        names = tables.names(split.base)
        beside = partial(tables_beside, root, tree.others, names, tables.split_kind)
        _check_nothing_needs_metadata(root, options, beside)
        try:
            taken = by_folders(root, tree, split, options)
        except UsageError as doubt:
            raise UsageError(" ".join([str(doubt), *(f"{each}." for each in beside())])) from None
        found = beside(is_labelled=len(taken.labels.class_names) > 1)
        taken = replace(taken, notices=(*taken.notices, *found))
    else:
        taken = tables.taken(metadata)
    if not taken.paths:
        place = root + ("/" + split.base).rstrip("/")
        raise NoInputError(arrays_in(root, tree.others) or nothing_found(place, tree))
    ignored = _ignored(tree, split.base, "" if metadata is None else metadata.name, Path(root))
    # Code points sort as their UTF-8 bytes do, so this is the order of the key's bytes.
    order = sorted(range(len(taken.paths)), key=[escape_name(name) for name in taken.paths].__getitem__)
    paths = [taken.paths[index] for index in order]
    source = make(paths, taken.labels.at(order), [*split.notices, *taken.notices, *ignored])
    if taken.texts is not None:
        source.texts, source.task = [taken.texts[index] for index in order], "caption"
    if metadata is not None:
        source.read_as = f"{tree.kind.noun}s with metadata"
    return source


def _check_nothing_needs_metadata(root: str, options: SourceOptions, beside: Callable[[], list[str]]) -> None:
    for name in ("file_column", "label_column", "label_separator", "group_column"):
        value = getattr(options, name)
        if value is not None and (name, value) != ("group_column", NO_GROUPS):
            remedy = next(iter(beside()), f"Name a table with {setting('labels_from')}, or drop {setting(name)}")
            raise UsageError(f"{escape_name(root)} has no metadata.csv or .jsonl. {remedy}.", field=name, value=value)
    if options.task == "caption":
        remedy = next(iter(beside()), f"Name a table with {setting('labels_from')}")
        found = f"{escape_name(root)} has no metadata.csv or .jsonl, in which captions stand. {remedy}."
        raise UsageError(found, field="task", value=options.task)


def _ignored(tree: Tree, base: str, table: str, root: Path) -> list[str]:
    """What to say of what the walk found besides the samples; `table` is the file of labels, if any."""
    notices, kind = list[str](), tree.kind
    others = sorted(name for name in tree.others if name.startswith(base) and escape_name(str(root / name)) != table)
    if unread := [name for name in others if kind.leaves(name)]:
        notices.append(f"ignored {kind.unread_text(unread)}. Convert them to {kind.convert_to} to include them")
    if others := [name for name in others if not kind.leaves(name)]:
        notices.append(f"ignored {counted(len(others), f'non-{kind.noun} file')} ({names_of(others, 1)})")
    if tree.repeated:
        links = names_of(sorted(tree.repeated))
        notices.append(f"ignored {counted(len(tree.repeated), 'link')} to folders that were read already: {links}")
    if tree.sealed:
        notices.append(f"ignored data sets written by mixup-gen: {names_of(sorted(tree.sealed))}")
    return notices


def nothing_found(place: str, tree: Tree) -> str:
    """What to say of a tree without samples."""
    kind = tree.kind
    if unread := sorted(filter(kind.leaves, tree.others)):
        return f"{escape_name(place)}: found only {kind.unread_text(unread)}. Convert them to {kind.convert_to}."
    others = f"; found {counted(len(tree.others), 'other file')}: {names_of(sorted(tree.others), 1)}"
    found = f"no {kind.noun}s found here or in subfolders{others if tree.others else ''}"
    has_texts = tree.others and all(name.lower().endswith(TABLES_AND_TEXTS) for name in tree.others)
    texts = f"Pass {setting('tokenizer', 'tokenizer.json')} if it holds labelled texts, or give another folder."
    return f"{escape_name(place)}: {found}. {texts if has_texts else 'Give another folder.'}"
