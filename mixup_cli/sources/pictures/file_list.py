"""Image paths from a list (`files_from`): class = the parent folder's name."""
# Paths stay strings: a Path for each of two million lines takes many seconds.

from __future__ import annotations

import os
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import IO, TypeAlias

import numpy as np

from mixup_cli.choices import Task
from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.pictures.source import PictureSource
from mixup_cli.sources.pictures.walk import is_junk
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.bounded_read import LINE_LIMIT_BYTES
from mixup_cli.sources.reading.class_order import in_order
from mixup_cli.sources.reading.class_table import as_given
from mixup_cli.sources.reading.names import escape_name, names_of
from mixup_cli.sources.reading.splits import find_splits, split_kind
from mixup_cli.sources.reading.stored_files import WatchedFiles
from mixup_cli.sources.reading.takes import check_taken
from mixup_cli.wording import counted, is_url, setting

_BLOCK_BYTES = 1 << 20
_REDUNDANT = re.compile(r"(?<=/)(?:\.?/)+")


def split_nul(stream: IO[bytes], location: str) -> Iterator[bytes]:
    """The NUL-separated entries of a stream (`find -print0`), read block by block; as `open_file_list` takes them."""
    rest = b""
    while block := stream.read(_BLOCK_BYTES):
        if len(block) == _BLOCK_BYTES and not any(block):
            raise DataError(f"{location}: holds NULs and nothing between them. Is it the right file?")
        *entries, rest = (rest + block).split(b"\0")
        yield from entries
        if len(rest) > LINE_LIMIT_BYTES:
            raise DataError(f"{location}: has no NULs between its paths. Drop {setting('null')}.")
    if rest.endswith(b"\n"):
        raise DataError(f"{location}: ends with a newline, not with a NUL. Drop {setting('null')}.")
    if rest:
        yield rest


Making: TypeAlias = Callable[[str, Sequence[str], Labels, Sequence[str], SourceOptions], WatchedFiles]
"""Makes a source of paths that are relative to a root, with labels and notices."""


LISTED: dict[Task, str] = {"audio": "sounds", "video": "videos"}
"""What messages call the samples of a list, by what they are read for, unless it is images."""


def of_pictures(
    root: str, paths: Sequence[str], labels: Labels, notices: Sequence[str], options: SourceOptions
) -> PictureSource:
    """The images of a list."""
    return PictureSource(root, paths, labels, notices, max_pixels=options.max_pixels)


def open_file_list(
    lines: Iterable[bytes],
    location: str,
    options: SourceOptions,
    root: str = os.curdir,
    make: Making = of_pictures,
) -> WatchedFiles:
    """Open a list of paths of images, unless `make` takes others, one a line; `lines` may end in a newline or not, and
    blank ones are ignored.

    Paths are relative to `root`, and so are the keys. Only the first file is looked for here; the scan reports others
    that are missing. `location` names the list in messages. Raises DataError for a path that is listed twice, and for
    lines that are more or less than a path; NoInputError for an empty list.
    """
    if options.label_kind not in (None, "classes", "none"):
        problem = f"{location} is a list of images, which has classes only"
        remedy = "Leave it out, or give a folder with metadata.csv."
        raise UsageError(f"{problem}. {remedy}", field="label_kind", value=options.label_kind)
    paths, numbers = _read_paths(lines, location, root)
    if paths and root == os.curdir:
        _check_first(paths[0], f"{location}, line {numbers[0]}", location)
    keys = [escape_name(path) for path in paths]
    order = sorted(range(len(paths)), key=keys.__getitem__)
    for first, second in pairwise(order):
        if keys[first] == keys[second]:
            line, other = sorted((numbers[first], numbers[second]))
            raise DataError(f"{location}, line {other}: {keys[first]} is in line {line} already. Keep one.")
    paths, notices = _without_junk([paths[index] for index in order], location)
    if not paths:
        raise NoInputError(f"{location}: names no files (expected one path a line). Check what writes the list.")
    labels = Labels()
    if options.label_kind != "none":
        labels, more = _labels_by_parent(paths, location, options, root)
        notices += more
    source = make(root, paths, labels, notices, options)
    source.location, source.list_folder = location, os.path.abspath(root)
    source.read_as = f"a list of {LISTED.get(source.task, 'images')}"
    check_taken([source], options)
    if options.classes is not None:
        source.labels = as_given(source, options.classes)
    return source


def _check_first(path: str, where: str, location: str) -> None:
    """Raises DataError if the first line is not the path of a file, and something similar is."""
    if os.path.lexists(path):
        return
    table = "FILE" if location == "-" else location
    with_labels = f"Use generate FOLDER {setting('labels_from', table)} for paths with labels."
    here = f"Run this in {os.path.dirname(location)}: paths begin at the current folder."
    variants = [
        (path.strip("\"' "), "Remove quotes and spaces around it."),
        *((before, with_labels) for before in (path.rsplit(None, 1)[0], *(path.rsplit(each, 1)[0] for each in ",;\t"))),
        (path.replace("\\", "/"), "Write / between folders."),
        (os.path.join(os.path.dirname(location), path), here),
    ]
    for variant, remedy in variants:
        if variant != path and os.path.isfile(variant):
            raise DataError(f"{where}: no such file {escape_name(path)}; found {escape_name(variant)}. {remedy}")


def _read_paths(lines: Iterable[bytes], location: str, root: str) -> tuple[list[str], array[int]]:
    """The paths, cleaned of what does not distinguish files ("./", "//"), and the number of each one's line."""
    here = os.path.abspath(root).rstrip(os.sep) + os.sep
    paths: list[str] = []
    numbers = array("q")
    for number, line in enumerate(lines, start=1):
        entry = line.removesuffix(b"\n").removesuffix(b"\r") if line.endswith(b"\n") else line
        if not entry.strip():
            continue
        if b"\0" in entry:
            raise DataError(f"{location}, line {number}: holds a NUL. Pass {setting('null')} if NULs separate paths.")
        path = os.fsdecode(entry)
        path = path.removeprefix(here)  # keys do not depend on where that folder lies
        if os.sep != "/":
            path = path.replace(os.sep, "/")
        if "//" in path or "./" in path:
            if is_url(path):
                remedy = "Give the URL of their folder or tars as the source."
                raise DataError(f"{location}, line {number}: a URL, and lists hold local paths only. {remedy}")
            path = _REDUNDANT.sub("", path).removeprefix("./")
        paths.append(path)
        numbers.append(number)
    return paths, numbers


def _without_junk(paths: list[str], location: str) -> tuple[list[str], list[str]]:
    """The paths outside of folders that systems make, and a notice about the others."""
    junk = {folder for folder in {path.rpartition("/")[0] for path in paths} if is_junk(folder)}
    kept = [path for path in paths if path.rpartition("/")[0] not in junk] if junk else paths
    ignored = counted(len(paths) - len(kept), "path")
    return kept, [f"{location}: ignored {ignored} in folders such as {names_of(sorted(junk), 1)}"] if junk else []


def _labels_by_parent(paths: list[str], location: str, options: SourceOptions, root: str) -> tuple[Labels, list[str]]:
    """Raises UsageError if a class would be a split, and was not asked for."""
    parents: dict[str, str] = {}
    for path in paths:
        folder = path.rpartition("/")[0]
        if folder not in parents:
            # "..", "." and "" have no name until they are resolved.
            parents[folder] = os.path.abspath(os.path.join(root, folder))
    folders = dict.fromkeys(parents.values())
    splits = {folder: split_kind(os.path.basename(os.path.dirname(folder))) for folder in folders}
    if options.classes is None:
        _check_no_splits(splits, location)
    class_of = {name: escape_name(os.path.basename(folder)) for name, folder in parents.items()}
    names = in_order(class_of.values())
    numbers = {name: number for number, name in enumerate(names)}
    classes = np.fromiter((numbers[class_of[path.rpartition("/")[0]]] for path in paths), np.int32, len(paths))
    notices = []
    if len(kinds := sorted({kind for kind in splits.values() if kind})) > 1:
        notices.append(f"{location}: has images of several splits ({', '.join(kinds)}), which will be mixed")
    if len(names) == 1:
        notices.append(f"{location}: one class only ({names[0]}): every label is the same")
    return Labels(names, classes), notices


def _check_no_splits(splits: dict[str, str | None], location: str) -> None:
    """`splits` has the folders of images, and the split of the folder around each. In a split, one of several folders
    may have the name of a split; not the only one."""
    beside = Counter(map(os.path.dirname, splits))
    in_doubt = (each for each, around in splits.items() if around is None or beside[os.path.dirname(each)] == 1)
    if found := sorted(find_splits({os.path.basename(folder): True for folder in in_doubt})):
        raise UsageError(
            f"{location}: has images in {names_of(found)}, which is the name of a split. Pass "
            f"{setting('label_kind', 'none')} for images without classes, or {setting('classes')}, with the names of "
            "all folders, if they are the classes."
        )
