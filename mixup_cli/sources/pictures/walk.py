"""The walk over a folder tree: which files are pictures."""
# Plain os.scandir and strings: pathlib takes several times as long on 200,000 files.

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mixup_cli.errors import StorageError
from mixup_cli.sources.pictures.source import SUFFIXES
from mixup_cli.sources.reading.names import escape_name

_MANIFEST_BYTES = 16 << 20
_PAPERS = re.compile(r"(readme|licen[cs]e|copying|citation|notice|changelog)\b.*|metadata\.(csv|jsonl)", re.IGNORECASE)

JUNK = frozenset(
    (
        *("@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "$recycle.bin", "__macosx"),
        *("__pycache__", "lost+found", "system volume information"),
    )
)
"""Folders (in lower case) that systems, network disks and archivers make by themselves. What starts with a dot is left
out anyway."""


@dataclass
class Tree:
    """What a walk found outside of `JUNK`, as paths relative to its root with "/" between the parts, in any order.

    `others` are files that are no pictures (without read-me and licence files); `repeated` are links to folders that
    were read already; `sealed` are data sets of ours, finished or not, which no walk enters.
    """

    pictures: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    sealed: list[str] = field(default_factory=list)


def is_junk(folder: str) -> bool:
    """Whether a folder, by its path, is one of `JUNK` or lies in one."""
    return not JUNK.isdisjoint(folder.lower().split("/"))


def walk(root: str, exclude: Iterable[Path] = ()) -> Tree:
    """List the pictures below `root`, following links, and no folder twice.

    Linked folders come last and in order, so that a folder is found under its own name wherever it has one, whatever
    order the file system lists it in. Raises StorageError for a folder that cannot be listed.
    """
    tree = Tree()
    excluded = {identity for path in exclude if (identity := _identity(os.fspath(path)))}
    seen: set[tuple[int, int]] = set()
    pending, links = [""], list[str]()
    while pending or links:
        linked = not pending
        if linked:
            links.sort(reverse=True)
        folder = links.pop() if linked else pending.pop()
        identity = _identity(os.path.join(root, folder))
        if identity is None or (folder and identity in excluded):
            continue
        if identity in seen:
            tree.repeated.append(folder)
            continue
        seen.add(identity)
        _list_folder(root, folder, tree, (pending, links))
    return tree


def _list_folder(root: str, folder: str, tree: Tree, queues: tuple[list[str], list[str]]) -> None:
    place = os.path.join(root, folder)
    try:
        with os.scandir(place) as listing:
            entries = list(listing)
    except OSError as error:
        raise StorageError(f"{escape_name(place)}: cannot list this folder ({error.strerror})") from error
    if folder and _is_data_set(place, entries):
        tree.sealed.append(folder)
        return
    if folder:
        tree.folders.append(folder)
    prefix = f"{folder}/" if folder else ""
    for entry in entries:
        name = entry.name
        if name.startswith(".") or (name.lower() in JUNK and _is_folder(entry)):
            continue
        if _is_folder(entry):
            queues[entry.is_symlink()].append(prefix + name)
        elif name.rpartition(".")[2].lower() in SUFFIXES and "." in name:
            # A link that leads nowhere is taken too: the scan then reports it. A pipe would block, so it is not.
            if entry.is_symlink() or entry.is_file():
                tree.pictures.append(prefix + name)
        elif not _PAPERS.fullmatch(name):
            tree.others.append(prefix + name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno == errno.ELOOP:  # A link in a circle leads nowhere.
            return False
        raise StorageError(f"{escape_name(entry.path)}: cannot tell what this is ({error.strerror}).") from error


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_data_set(place: str, entries: list[os.DirEntry[str]]) -> bool:
    names = {entry.name for entry in entries if entry.name in (".mixup-gen", "manifest.json")}
    if ".mixup-gen" in names:
        return True
    if "manifest.json" not in names:
        return False
    path = os.path.join(place, "manifest.json")
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MANIFEST_BYTES:
            return False  # a pipe would block; what is larger is not worth the memory, and holds no pictures of ours
        with open(path, encoding="utf-8") as file:
            manifest = json.load(file)
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and "format_version" in manifest
