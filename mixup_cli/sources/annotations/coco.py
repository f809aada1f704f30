"""COCO's JSON: pictures, annotations and categories in one file, referring to each other by ids of any value.

Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014; https://cocodataset.org/#format-data. A box is x, y,
width and height in pixels from 0, fractions too. Class numbers are given in the order of the categories' ids. Outlines
of objects (`segmentation`) are read for the task segment.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from mixup_cli.choices import Task
from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.objects import Keypoints
from mixup_cli.sources.annotations.beside import files_in, split_folders
from mixup_cli.sources.annotations.notes import CORRECT, MOST_ID, Notes, Numbers, Outline, checked_names, shown
from mixup_cli.sources.annotations.source import Annotated, AnnotatedPictures
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name, names_of
from mixup_cli.sources.reading.splits import of_one_split, split_in
from mixup_cli.wording import counted, encodable, json_problem

READ_AS = "COCO annotations"

FOLDERS = ("annotations", "Annotations", ".")
"""Where files of annotations lie in the folder of a data set; Roboflow has one in the folder of each split …"""

KIND_WORDS = ("instances", "person_keypoints", "_annotations.coco", "annotations")
"""… and how their names begin, the likeliest first; `instances_train2017` is of the pictures `train2017`."""

TABLES = ("images", "annotations", "categories")

MOST_KEYPOINTS = 1000
LOOKED_FOR = 100
"""Pictures that a folder is looked through for."""

Entry = Mapping[str, Any]


def looks_like_coco(path: Path, task: Task | None = None) -> bool:
    """Whether it is a JSON file, or a folder with annotations in one, of pictures."""
    if path.is_file():
        return path.suffix.lower() == ".json"
    return path.is_dir() and bool(_files_in(path, task))


def is_coco(file: Path) -> bool:
    """Whether a file has the words in it that COCO's annotations have."""
    try:
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return all(content.find(f'"{table}"'.encode()) >= 0 for table in TABLES)
    except (OSError, ValueError):  # ValueError: an empty file
        return False


def open_coco(path: Path, options: SourceOptions) -> AnnotatedPictures:
    """The pictures of an annotation file, or of the one in a folder that is of the wanted split; or of `labels_from`,
    which is then about the pictures in a folder. Raises DataError for what is not such a file, UsageError if it is in
    doubt which to take."""
    root, notices, ignored = path if path.is_dir() else path.parent, list[str](), frozenset[str]()
    if path.is_dir() and options.labels_from is not None:
        file, ignored = Path(options.labels_from), frozenset({"split"})
    elif path.is_dir():
        files = _files_in(path, options.task)
        named = {str(each): each.stem if split_in(each.stem) else each.parent.name for each in files}
        chosen, notices = of_one_split(named, options.split, str(path))
        if len(chosen) > 1:
            found = f"{path}: has several files of annotations ({names_of(chosen)})."
            raise UsageError(found, "Name one of them as the source.")
        file = Path(chosen[0])
    else:
        file, ignored = path, frozenset({"split", "labels_from"})
    reader = _Reader(escape_name(str(file)), _content(file), reads_outlines=options.task == "segment")
    paths = reader.paths()
    place = str(_place_of(file, root, paths))
    return Annotated(str(path), place, paths, reader.notes(), READ_AS, notices, ignored).opened(options)


def _files_in(folder: Path, task: Task | None) -> list[Path]:
    """Files of annotations in a folder, those of the likeliest kind."""
    first = "person_keypoints" if task == "pose" else KIND_WORDS[0]
    inside = [[folder / place] for place in FOLDERS] + [split_folders(folder)]
    places = [[file for each in folders for file in files_in(each, ".json")] for folders in inside]
    for kind in dict.fromkeys((first, *KIND_WORDS)):
        for files in places:
            if found := [each for each in files if each.name.startswith(kind) and is_coco(each)]:
                return found
    return []


def _content(file: Path) -> Entry:
    name = escape_name(str(file))
    try:
        with file.open("rb") as stream:
            content = json.load(stream)
    except OSError as problem:
        raise NoInputError(f"{name}: cannot be read ({problem.strerror}).", "Check the path.") from problem
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{name}: is not JSON ({json_problem(problem)}).", "Fetch it again.") from None
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in TABLES):
        found = f"{name}: lacks one of the lists {', '.join(TABLES)}, which COCO's annotations have."
        raise DataError(found, "Give a file of annotations, or a folder of images.")
    return content


def _place_of(file: Path, root: Path, paths: Sequence[str]) -> Path:
    """The folder that file names are relative to: the first with one of the first pictures."""
    split = file.stem
    for kind in KIND_WORDS:
        split = split.removeprefix(f"{kind}_")
    folders = dict.fromkeys([root, file.parent, file.parent.parent])
    places = [folder / name for folder in folders for name in (".", "images", split, f"images/{split}")]
    for place in places:
        if any((place / path).is_file() for path in paths[:LOOKED_FOR]):
            return place
    if not paths:
        return root
    tried = ", ".join(dict.fromkeys(escape_name(str(place)) for place in places))
    found = f"{escape_name(str(file))}: its first image, {escape_name(paths[0])}, is in none of {tried}."
    raise DataError(found, "Put the images in one of these folders.")


class _Reader:
    """One file of annotations. Raises DataError where an entry is not what the format says."""

    def __init__(self, name: str, content: Entry, *, reads_outlines: bool = False) -> None:
        self._name, self._reads_outlines = name, reads_outlines
        self._pictures = dict(self._by_id(content, "images"))
        self._categories = dict(sorted(self._by_id(content, "categories")))
        self._annotations = content["annotations"]

    def _by_id(self, content: Entry, table: str) -> Iterator[tuple[int, Entry]]:
        seen: set[int] = set()
        for number, entry in enumerate(content[table]):
            where = f"{self._name}: {table}[{number}]"
            identity = entry.get("id") if isinstance(entry, dict) else None
            if not isinstance(identity, int) or isinstance(identity, bool):
                raise DataError(f"{where}: has the id {shown(identity)}, expected a whole number.", CORRECT)
            if identity in seen:
                raise DataError(f"{where}: has the id {shown(identity)} of an earlier one.", CORRECT)
            seen.add(identity)
            yield identity, entry

    def paths(self) -> list[str]:
        """The file of each picture, relative to a folder to be found. Raises DataError for names that leave it."""
        found: dict[str, None] = {}
        for number, picture in self._pictures.items():
            path = below(picture.get("file_name"), f"{self._name}: image {shown(number)}")
            if path in found:
                raise DataError(f"{self._name}: {escape_name(path)} is the file of several images.", CORRECT)
            found[path] = None
        return [*found]

    def notes(self) -> Notes:
        """The objects of all pictures."""
        places = {identity: place for place, identity in enumerate(self._pictures)}
        classes = {identity: place for place, identity in enumerate(self._categories)}
        names = [category.get("name") for category in self._categories.values()]
        notes = Notes(checked_names(names, self._name), self._keypoints())
        for place, (identity, picture) in enumerate(self._pictures.items()):
            where = f"{self._name}: image {shown(identity)}"
            notes.sized(where, place, picture.get("width"), picture.get("height"))
        seen: set[int] = set()
        for number, entry in enumerate(self._annotations):
            where = f"{self._name}: annotations[{number}]"
            if not isinstance(entry, dict):
                raise DataError(f"{where}: is {shown(entry)}, expected an object of JSON.", CORRECT)
            identity = entry.get("id", number)
            if not _is_whole(identity) or identity in seen:
                raise DataError(f"{where}: its id is {shown(identity)}, expected another whole number.", CORRECT)
            seen.add(identity)
            picture_place = self._referred(entry, "image_id", places, where)
            self._add(notes, where, entry, picture_place, self._referred(entry, "category_id", classes, where))
        return notes

    def _referred(self, entry: Entry, key: str, known: Mapping[int, int], where: str) -> int:
        """The place of the picture or the category that an annotation names."""
        identity = entry.get(key)
        if not _is_whole(identity) or identity not in known:
            raise DataError(f"{where}: its {key} is {shown(identity)}, which the file does not have.", CORRECT)
        return known[identity]

    def _add(self, notes: Notes, where: str, entry: Entry, picture: int, class_number: int) -> None:
        box, points = entry.get("bbox"), (entry.get("keypoints") or ()) if notes.keypoints else ()
        if not _are_numbers(box) or len(box) != 4:
            raise DataError(f"{where}: its bbox is {shown(box)}, expected a list of four numbers.", CORRECT)
        if not _are_numbers(points):
            raise DataError(f"{where}: its keypoints are {shown(points)}, expected a list of numbers.", CORRECT)
        notes.add(
            where,
            picture,
            box=(box[0], box[1], box[0] + box[2], box[1] + box[3]),
            class_number=class_number,
            number=entry.get("id", len(notes)),
            crowd=bool(entry.get("iscrowd")),
            points=points,
            outline=_outline(entry.get("segmentation"), where) if self._reads_outlines else None,
        )

    def _keypoints(self) -> Keypoints | None:
        """The keypoints that categories name; all must have the same."""
        named: set[tuple[str, ...]] = set()
        for category in self._categories.values():
            if names := category.get("keypoints"):
                where = f"{self._name}: category {shown(category['id'])}"
                if not isinstance(names, list) or len(names) > MOST_KEYPOINTS:
                    expected = f"a list of at most {MOST_KEYPOINTS} names"
                    raise DataError(f"{where}: its keypoints are {shown(names)}, expected {expected}.", CORRECT)
                named.add(checked_names(names, where, "keypoint"))
        if len(named) > 1:
            raise DataError(f"{self._name}: categories have {counted(len(named), 'list')} of keypoints.", CORRECT)
        return next((keypoints_of(names) for names in named), None)


def keypoints_of(names: Sequence[str]) -> Keypoints:
    """Keypoints by their names: `left_eye` and `right_eye` change places in a mirror."""
    swapped = [name.replace("left", "\0").replace("right", "left").replace("\0", "right") for name in names]
    places = {name: place for place, name in enumerate(names)}
    return Keypoints(tuple(names), tuple(places.get(other, place) for place, other in enumerate(swapped)))


def below(name: object, where: str) -> str:
    """A file name as a path below its folder. Raises DataError for one that leads out of it."""
    parts = [part for part in name.split("/") if part not in ("", ".")] if isinstance(name, str) else []
    leads_out = isinstance(name, str) and (name.startswith("/") or ".." in parts or "\0" in name)
    if not parts or leads_out or (path := "/".join(parts)) != encodable(path):
        raise DataError(f"{where}: has the file name {shown(name)}, expected a path below its folder.", CORRECT)
    return path


def _outline(value: object, where: str) -> Outline:
    """What `segmentation` says: polygons of at least three corners, or run lengths. Raises DataError for what is not
    such."""
    if isinstance(value, dict):
        return value
    if value is None or value == []:
        return None
    polygons = value if isinstance(value, list) else [None]
    if not all(_are_numbers(polygon) and len(polygon) >= 6 and len(polygon) % 2 == 0 for polygon in polygons):
        found = f"{where}: its segmentation is {shown(value)}, expected polygons of 3 corners or more, or run lengths."
        raise DataError(found, CORRECT)
    return tuple(np.array(polygon, np.float64) for polygon in polygons)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_numbers(values: object) -> TypeGuard[Numbers]:
    """Whether it is a list of numbers that floats hold, finite or not."""
    if not isinstance(values, list | tuple):
        return False
    return all(isinstance(each, float) or (_is_whole(each) and abs(each) <= MOST_ID) for each in values)
