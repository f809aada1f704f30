"""Archives and stores that hold what an image folder holds: the same rules, keys and bytes as for the folder itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.packed import tars, zips
from mixup_cli.sources.packed.copies import opened_as
from mixup_cli.sources.packed.pictures import PackedPictures, Span, Spans
from mixup_cli.sources.pictures.decode import Undecodable
from mixup_cli.sources.pictures.folder import open_tree
from mixup_cli.sources.pictures.folder_classes import is_unread
from mixup_cli.sources.pictures.walk import Tree
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.containers import Container, StoredFile
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.tables.beside import MOST_FILES, SUFFIXES
from mixup_cli.sources.tables.metadata import HUGGING_FACE, OF_DATA_SETS
from mixup_cli.storage.stores import Status, Store


def open_zip(container: Container, options: SourceOptions) -> PackedPictures:
    """A zip of class folders, or of images with metadata."""
    return _open(container.name, [container], zips.members(container), options)


def open_tar(container: Container, found: Iterable[tars.Member], options: SourceOptions) -> PackedPictures:
    """The same as a tar, whose members are known."""
    spans: dict[str, Span | str] = {}
    for name, start, stop, problem, _ in found:
        if name in spans:
            where = escape_name(container.name)
            raise DataError(f"{where}: holds {escape_name(name)} twice. Make the archive again with one of them.")
        spans[name] = problem or Span(0, start, stop, stop - start)
    return _open(container.name, [container], spans, options)


def open_stored_folder(store: Store, sizes: Mapping[str, int], options: SourceOptions) -> PackedPictures:
    """The same as files of a store, with their sizes."""
    files = [StoredFile(store, name, Status(size, "")) for name, size in sizes.items()]
    spans = {each.file: Span(number, 0, each.size, each.size) for number, each in enumerate(files)}
    return _open(str(store), files, spans, options)


def _open(
    shown: str, containers: Sequence[Container], members: Mapping[str, Span | str], options: SourceOptions
) -> PackedPictures:
    tree = Tree.of(members)
    if not tree.pictures and (inner := next((each for each in tree.others if each.endswith(".tar")), None)):
        raise NoInputError(
            f"{escape_name(shown)}: holds archives, such as {escape_name(inner)}. Unpack it, and give these."
        )

    if not tree.pictures and len(containers) == 1 and not any(map(is_unread, tree.others)):
        found = f"{escape_name(shown)}: an archive without images, and without a plain file of CIFAR"
        raise DataError(f"{found}, such as data_batch_1. Give another, or fetch it again.")

    def make(paths: Sequence[str], labels: Labels, notices: Sequence[str]) -> PackedPictures:
        found = [members.get(path, "cannot read (it is not in the archive)") for path in paths]
        spans = Spans.of(containers, found)
        return PackedPictures(shown, [escape_name(path) for path in paths], labels, notices, spans, options.max_pixels)

    def copy_and_open(root: Path) -> PackedPictures:
        everything = PackedPictures(
            shown, [*members], Labels(), (), Spans.of(containers, [*members.values()]), options.max_pixels
        )
        _copy_tables(everything, tree, root)
        return open_tree(str(root), tree, options, make)

    return opened_as(escape_name(shown), PurePosixPath(shown).stem or "root", copy_and_open)


def _copy_tables(members: PackedPictures, tree: Tree, root: Path) -> None:
    """Copy the members that may be tables of labels to their places below `root`."""
    root.mkdir()
    beside = sorted(name for name in tree.others if name.lower().endswith(SUFFIXES))[:MOST_FILES]
    for index, name in enumerate(members.keys):
        place = root / name
        if name not in beside and place.name not in (*HUGGING_FACE, *OF_DATA_SETS):
            continue
        try:
            data = members.read(index)
        except Undecodable as problem:
            raise DataError(f"{place}: {problem}. Make the archive again.") from None
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
