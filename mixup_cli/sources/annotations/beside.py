"""Formats with a file for each picture: which belong together, and objects that know their class by its name."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mixup_cli.errors import DataError
from mixup_cli.sources.annotations.notes import CORRECT, Notes, Numbers, Outline, checked_names, shown
from mixup_cli.sources.pictures.walk import is_picture, walk
from mixup_cli.sources.reading.class_order import in_order
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import one_split, split_kind
from mixup_cli.sources.tables.matching import without_ending
from mixup_cli.storage.json_files import content_of
from mixup_cli.wording import encodable, quoted, setting

FILE_BYTES = 256 << 20
"""More than any file about one picture has, even with the picture in it."""

START_BYTES = 1 << 12


@dataclass(frozen=True)
class Draft:
    """An object as a file has it: where that stands, its box, and the name of its class."""

    where: str
    box: Numbers
    name: object
    crowd: bool = False
    outline: Outline = None


@dataclass(frozen=True)
class Said:
    """What a file says of a picture: its objects, its width and height, and how it is called."""

    where: str
    drafts: Sequence[Draft]
    size: tuple[object, object] = (None, None)
    picture: object = None


def notes_of(said: Mapping[str, Said], pictures: Sequence[str], classes: Sequence[str] | None) -> Notes:
    """What files say of some pictures, by these. The classes are those given, or else those of all files. Raises
    DataError for a class without a name, and for one that is not among those given."""
    names = _classes_of(said.values()) if classes is None else tuple(classes)
    notes, numbers = Notes(names), {name: number for number, name in enumerate(names)}
    for place, picture in enumerate(pictures):
        if (found := said.get(picture)) is None:
            continue
        notes.sized(found.where, place, *found.size)
        for draft in found.drafts:
            class_number = numbers.get(encodable(str(draft.name)))
            if class_number is None:
                problem = f"{draft.where}: has the class {shown(draft.name)}, which is not given."
                raise DataError(problem, f"Add it to {setting('classes')}.")
            box, crowd = draft.box, draft.crowd
            number, outline = len(notes), draft.outline
            notes.add(
                draft.where, place, box=box, class_number=class_number, number=number, crowd=crowd, outline=outline
            )
    return notes


def _classes_of(said: Iterable[Said]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for draft in (draft for each in said for draft in each.drafts):
        if not isinstance(draft.name, str) or not draft.name.strip():
            raise DataError(f"{draft.where}: has the class {shown(draft.name)}, expected a name.", CORRECT)
        found[encodable(draft.name)] = None
    return checked_names(in_order(found), "classes")


def split_folders(path: Path) -> list[Path]:
    """The folders in a folder that have the names of splits."""
    with os.scandir(path) as entries:
        return sorted(Path(each.path) for each in entries if split_kind(each.name) and each.is_dir())


def files_in(folder: Path, suffix: str) -> list[Path]:
    """The files of this suffix in a folder; none where there is no such folder."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(Path(each.path) for each in entries if each.name.endswith(suffix) and each.is_file())


def held_in(path: Path, holds: Callable[[Path], bool]) -> list[str]:
    """The folders that hold annotations of a kind: `path` itself, as "", or folders of splits in it."""
    if not path.is_dir():
        return []
    return [""] if holds(path) else [each.name for each in split_folders(path) if holds(each)]


def chosen_folder(path: Path, found: Sequence[str], wanted: str | None) -> tuple[str, list[str], frozenset[str]]:
    """The folder of the wanted split, of those that `held_in` found: "", or a name with "/" behind it. Also notices,
    and the options that have no effect. Raises UsageError where that is in doubt."""
    if [*found] == [""]:
        return "", [], frozenset({"split"})
    chosen, notices = one_split({name: name for name in found}, wanted, escape_name(str(path)))
    return f"{chosen}/", notices, frozenset()


def listed(path: Path, lists: str, wanted: str | None, notices: list[str]) -> list[str] | None:
    """The names of the pictures, without endings, that the list of a split in a folder of lists has; None
    without lists."""
    found = {each.stem: each for each in files_in(path / lists, ".txt") if split_kind(each.stem)}
    if not found:
        return None
    chosen, said = one_split({name: name for name in found}, wanted, escape_name(str(path)))
    notices += said
    names: dict[str, None] = {}
    name = escape_name(str(found[chosen]))
    lines = content_of(found[chosen], FILE_BYTES).decode("utf-8", "surrogateescape").splitlines()
    for number, line in enumerate(lines, 1):
        if not (words := line.split()):
            continue
        if "/" in words[0] or "\0" in words[0]:
            raise DataError(f"{name}, line {number}: {quoted(words[0], 60)} is not the name of a picture.", CORRECT)
        names[words[0]] = None
    return [*names]


@dataclass(frozen=True)
class Pairs:
    """Pictures with the file about each, None for one without; and files about pictures that are not there. Paths are
    relative to the same folder."""

    pictures: dict[str, str | None]
    alone: list[str]

    @classmethod
    def of(cls, pictures: Iterable[str], files: Iterable[str], moved: Callable[[str], str] = str) -> Pairs:
        """Those of one name, but for its ending; `moved` says where the picture of a file lies. Raises DataError for
        two pictures of one name."""
        by_stem: dict[str, str] = {}
        for picture in sorted(pictures):
            stem = without_ending(picture)
            if (other := by_stem.setdefault(stem, picture)) != picture:
                found = f"{escape_name(other)} and {escape_name(picture)}: both have the name {escape_name(stem)}."
                raise DataError(found, "Rename one of them.")
        found_of: dict[str, str | None] = dict.fromkeys(by_stem.values())
        alone = []
        for file in sorted(files):
            picture_of = by_stem.get(moved(without_ending(file)))
            if picture_of is None:
                alone.append(file)
            else:
                found_of[picture_of] = file
        return cls(found_of, alone)


def pairs_below(root: Path, folders: Sequence[str], suffix: str, exclude: Sequence[Path]) -> Pairs:
    """The pictures below some folders of `root`, as `held_in` gives them, with the files of this suffix beside them."""
    pictures, files = list[str](), list[str]()
    for folder in folders:
        tree, before = walk(str(root / folder), exclude), f"{folder}/" if folder else ""
        pictures += [before + name for name in tree.samples]
        files += [before + name for name in tree.others if name.lower().endswith(suffix)]
    return Pairs.of(pictures, files)


def first_holds(folder: Path, suffix: str, marks: Sequence[bytes]) -> bool:
    """Whether the first file of this suffix in a folder holds all of these words. Of JSON, which has its keys in any
    order, more than its start is read."""
    for file in files_in(folder, suffix)[:1]:
        with file.open("rb") as stream:
            start = stream.read(FILE_BYTES if suffix == ".json" else START_BYTES)
        return all(mark in start.replace(b"\0", b"") for mark in marks)  # without the zeros of UTF-16
    return False


def missing_picture(file: str, said: Said) -> str:
    """The picture that a file names, where none of the file's own name stands beside it. If it is missing, the scan
    reports it. Raises DataError for a name that leads out of the folder."""
    name = said.picture.replace("\\", "/") if isinstance(said.picture, str) else ""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(file), name))
    if not is_picture(name) or path.startswith(("/", "..")) or "\0" in path or path != encodable(path):
        found = f"{said.where}: stands beside no image of its name, and names {shown(said.picture)}."
        raise DataError(found, "Remove it, or add its image.")
    return path
