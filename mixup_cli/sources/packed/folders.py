"""Archives and stores that hold what a folder of images, videos or sounds holds: the same rules, keys and bytes as for
the folder itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.packed import zips
from mixup_cli.sources.packed.copies import opened_as
from mixup_cli.sources.packed.media import PackedPictures, media_for
from mixup_cli.sources.packed.places import Packed, Places, Span
from mixup_cli.sources.packed.tars import Member
from mixup_cli.sources.pictures.walk import Tree
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.containers import Container, StoredFile
from mixup_cli.sources.reading.encoded import Undecodable
from mixup_cli.sources.reading.names import escape_name, inner_name
from mixup_cli.sources.sounds.folder import LISTS, TABLES
from mixup_cli.sources.tables.beside import MOST_FILES, SUFFIXES
from mixup_cli.sources.tables.metadata import HUGGING_FACE, OF_DATA_SETS
from mixup_cli.storage.stores import Status, Store

_TABLES = {*HUGGING_FACE, *OF_DATA_SETS, *LISTS.values(), *(each.rpartition("/")[2] for each in TABLES)}
"""The names of tables that folders have."""


def open_zip(container: Container, options: SourceOptions) -> Packed:
    """A zip of class folders, or of samples with metadata."""
    return _open(container.name, [container], zips.members(container), options)


def open_tar(container: Container, found: Iterable[Member], options: SourceOptions) -> Packed:
    """The same as a tar, whose members are known."""
    return _open(container.name, [container], {each.name: each.place for each in found}, options)


def open_stored_folder(store: Store, sizes: Mapping[str, int], options: SourceOptions) -> Packed:
    """The same as files of a store, with their sizes."""
    files = [StoredFile(store, name, Status(size, "")) for name, size in sizes.items()]
    spans: dict[str, Span | str] = {}
    for number, each in enumerate(files):
        spans[inner_name(each.file, escape_name(store.url), spans)] = Span(number, 0, each.size, each.size)
    return _open(store.url, files, spans, options)


def _open(
    location: str, containers: Sequence[Container], members: Mapping[str, Span | str], options: SourceOptions
) -> Packed:
    shown, media = escape_name(location), media_for(options.task)
    for medium in (*media, media[0]):
        tree = Tree.of(members, medium.files)
        if tree.samples:
            break
    else:
        is_archive = location == containers[0].name
        if inner := next((escape_name(each) for each in tree.others if each.endswith(".tar")), None):
            remedy = "Unpack it, and give these" if is_archive else "Give these, or their folder"
            raise NoInputError(f"{shown}: holds archives, such as {inner}. {remedy}.")
        if is_archive and not any(map(tree.kind.leaves, tree.others)):
            found = f"{shown}: an archive without {tree.kind.noun}s, and without a plain file of CIFAR"
            raise DataError(f"{found}, such as data_batch_1. Give another, or fetch it again.")

    def places(paths: Sequence[str]) -> Places:
        return containers, [members.get(path, "cannot read (it is not in the archive)") for path in paths]

    def make(paths: Sequence[str], labels: Labels, notices: Sequence[str]) -> Packed:
        keys = [escape_name(path) for path in paths]
        return medium.packed(location, keys, labels, notices, places=places(paths), **medium.how(options))

    def copy_and_open(root: Path) -> Packed:
        beside = {*sorted(name for name in tree.others if name.lower().endswith(SUFFIXES))[:MOST_FILES]}
        tables = [name for name in members if name in beside or name.rpartition("/")[2] in _TABLES]
        _copy(PackedPictures(location, tables, Labels(), places=places(tables), max_pixels=0), tables, root)
        return medium.open_tree(str(root), tree, options, make)  # type: ignore[no-any-return]

    return opened_as(shown, PurePosixPath(location).stem or "root", copy_and_open)


def _copy(members: Packed, names: Sequence[str], root: Path) -> None:
    """Copy members to their places below `root`."""
    root.mkdir()
    for index, name in enumerate(names):
        place = root / name
        try:
            data = members.read(index)
        except Undecodable as problem:
            raise DataError(f"{place}: {problem}. Make the archive again.") from None
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
