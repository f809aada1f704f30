"""The walk over a folder tree: which files are samples, images unless another kind is asked for."""
# Plain os.scandir and strings: pathlib takes several times as long on 200,000 files.

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from mixup_cli.errors import MixupGenError, StorageError
from mixup_cli.sources.pictures.source import PICTURE_FILES
from mixup_cli.sources.reading.file_kind import FileKind
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.storage.json_files import content_of

_MANIFEST_BYTES = 16 << 20
_PAPERS = re.compile(r"(readme|licen[cs]e|copying|citation|notice|changelog)\b.*|metadata\.(csv|jsonl)", re.IGNORECASE)

JUNK = frozenset(
    (
        *("@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot", "$recycle.bin", "__macosx"),
        *("__pycache__", "lost+found", "system volume information"),
    )
)
"""Folders (in lower case) that systems, network disks and archivers make. The walk ignores dot-folders anyway."""


@dataclass
class Tree:
    """What a walk found outside of `JUNK`, as paths relative to its root with "/" between folders, in any order.

    `samples` are files of this `kind`, `others` are not (without read-me and licence files); `repeated` are links to
    folders that were read already; `sealed` are data sets of ours, finished or not, which no walk enters.
    """

    kind: FileKind = PICTURE_FILES
    samples: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    sealed: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, paths: Iterable[str], kind: FileKind = PICTURE_FILES) -> Self:
        """The tree of these files, which lie in an archive or in a store."""
        tree, seen = cls(kind), dict[str, bool]()
        for path in paths:
            folder, _, name = path.rpartition("/")
            if folder not in seen:
                seen[folder] = is_junk(folder) or folder.startswith(".") or "/." in folder
            if not (seen[folder] or name.startswith(".")):
                tree.add(path, name)
        shown = (folder.split("/") for folder, is_hidden in seen.items() if not is_hidden)
        tree.folders = sorted({"/".join(parts[:end]) for parts in shown for end in range(1, len(parts) + 1)} - {""})
        return tree

    def add(self, path: str, name: str) -> None:
        """Sort a file in by its name."""
        if self.kind.has(name):
            self.samples.append(path)
        elif not _PAPERS.fullmatch(name):
            self.others.append(path)


def is_picture(name: str) -> bool:
    """Whether a file is an image, by its name."""
    return PICTURE_FILES.has(name)


def is_junk(folder: str) -> bool:
    """Whether a folder, by its path, is one of `JUNK` or lies in one."""
    return not JUNK.isdisjoint(folder.lower().split("/"))


def walk(root: str, exclude: Iterable[Path] = (), kind: FileKind = PICTURE_FILES) -> Tree:
    """List the samples below `root`, following links, and no folder twice.

    Linked folders come last and in order, so that a folder is found under its real name if it has one in the tree,
    whatever order the file system lists it in. Raises StorageError for a folder that cannot be listed.
    """
    tree = Tree(kind)
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
        # A broken link to a sample counts too: the scan then reports it. A pipe would block, so it does not count.
        elif not tree.kind.has(name) or entry.is_symlink() or entry.is_file():
            tree.add(prefix + name, name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link in a circle leads nowhere
            return False
        raise StorageError(f"{escape_name(entry.path)}: cannot read its file type ({error.strerror}).") from error


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_data_set(place: str, entries: list[os.DirEntry[str]]) -> bool:
    names = {entry.name for entry in entries if entry.name in (".mixup-gen", "manifest.json")}
    if names != {"manifest.json"}:
        return ".mixup-gen" in names
    try:
        manifest = json.loads(content_of(Path(place, "manifest.json"), _MANIFEST_BYTES))
    except (MixupGenError, OSError, ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and "format_version" in manifest
