"""Picture paths from a list (`--files-from FILE|-`): class = the parent folder's name."""
# Paths stay strings: a Path for each of two million lines takes many seconds.

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import IO

import numpy as np

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.sources.base import Labels, SourceOptions
from mixup_cli.sources.bounded_read import LINE_LIMIT_BYTES
from mixup_cli.sources.pictures import PictureSource, escape_name
from mixup_cli.sources.takes import check_taken

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
            raise DataError(f"{location}: has no NULs, and -0 is for lists that have. Drop -0.")
    if rest.endswith(b"\n"):
        raise DataError(f"{location}: ends with a newline, and -0 is for lists with NULs. Drop -0.")
    if rest:
        yield rest


def open_file_list(
    lines: Iterable[bytes], location: str, options: SourceOptions, root: str = os.curdir
) -> PictureSource:
    """Open a list of picture paths, one a line; `lines` may end in a newline or not, and blank ones are ignored.

    Paths are relative to `root`, and so are the keys. Files are not looked at here: a missing one is a
    problem that the scan reports. `location` names the list in messages. Raises DataError for a path that stands in
    the list twice, NoInputError for an empty list.
    """
    if options.label_kind not in (None, "classes", "none"):
        raise UsageError(
            f"--label-kind {options.label_kind}: {location} is a list of pictures, which has classes only. Leave it "
            "out, or name a folder with metadata.csv."
        )
    paths, numbers = _read_paths(lines, location, root)
    if not paths:
        raise NoInputError(f"{location}: names no files (expected one path a line). Check what makes the list.")
    keys = [escape_name(path) for path in paths]
    order = sorted(range(len(paths)), key=keys.__getitem__)
    for first, second in pairwise(order):
        if keys[first] == keys[second]:
            line, other = sorted((numbers[first], numbers[second]))
            raise DataError(f"{location}, line {other}: {keys[first]} stands in line {line} already. Keep one.")
    paths = [paths[index] for index in order]
    labels = Labels() if options.label_kind == "none" else _labels_by_parent(paths, root)
    source = PictureSource(root, paths, labels, max_pixels=options.max_pixels)
    source.location, source.list_folder = location, os.path.abspath(root)
    source.read_as = "a list of pictures"
    check_taken([source], options)
    return source


def _read_paths(lines: Iterable[bytes], location: str, root: str) -> tuple[list[str], array[int]]:
    """The paths, cleaned of what does not tell files apart ("./", "//"), and the number of each one's line."""
    here = os.path.abspath(root).rstrip(os.sep) + os.sep
    paths: list[str] = []
    numbers = array("q")
    for number, line in enumerate(lines, start=1):
        entry = line.removesuffix(b"\n").removesuffix(b"\r") if line.endswith(b"\n") else line
        if not entry.strip():
            continue
        if b"\0" in entry:
            raise DataError(f"{location}, line {number}: holds a NUL. If NULs stand between the paths, pass -0.")
        path = os.fsdecode(entry)
        path = path.removeprefix(here)  # So that the keys do not tell where that folder lies.
        if os.sep != "/":
            path = path.replace(os.sep, "/")
        if "//" in path or "./" in path:
            path = _REDUNDANT.sub("", path)
            path = path[2:] if path.startswith("./") else path
        paths.append(path)
        numbers.append(number)
    return paths, numbers


def _labels_by_parent(paths: list[str], root: str) -> Labels:
    parents: dict[str, str] = {}
    codes: list[str] = []
    for path in paths:
        folder = path.rpartition("/")[0]
        if folder not in parents:
            # "..", "." and "" have no name of their own until they are resolved.
            parents[folder] = escape_name(os.path.basename(os.path.abspath(os.path.join(root, folder))))
        codes.append(parents[folder])
    names = tuple(sorted(set(parents.values())))
    numbers = {name: number for number, name in enumerate(names)}
    classes = np.fromiter((numbers[code] for code in codes), np.int32, len(codes))
    return Labels(names, classes)
