"""The lists in COCO's JSON, which refer to each other by ids of any value: pictures, annotations, categories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from mixup_cli.errors import DataError
from mixup_cli.fields.objects import Keypoints
from mixup_cli.sources.annotations.notes import CORRECT, MOST_WHOLE, Notes, Numbers, Outline, checked_names, shown
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.wording import counted, encodable

MOST_KEYPOINTS = 1000
LOOKED_FOR = 100
"""Files that a folder is looked through for."""

Entry = Mapping[str, Any]

OUTLINE = "segmentation"
_OF_PICTURES, _OF_CATEGORIES = ("id", "file_name", "width", "height"), ("id", "name", "keypoints", "isthing")
_OF_OBJECTS = ("id", "image_id", "category_id", "bbox", "iscrowd", "keypoints", OUTLINE, "size", "counts")
READ = frozenset((*_OF_PICTURES, *_OF_CATEGORIES, *_OF_OBJECTS, "segments_info"))
"""What is read of entries."""


class Reader:
    """One file of annotations. Raises DataError where an entry is not what the format says."""

    def __init__(self, name: str, content: Entry, *, reads_outlines: bool = False) -> None:
        self.name, self._reads_outlines = name, reads_outlines
        self.pictures = dict(self._by_id(content, "images"))
        self.categories = dict(sorted(self._by_id(content, "categories")))
        self.annotations = content["annotations"]

    def _by_id(self, content: Entry, table: str) -> Iterator[tuple[int, Entry]]:
        seen: set[int] = set()
        for number, entry in enumerate(content[table]):
            where = f"{self.name}: {table}[{number}]"
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
        for number, picture in self.pictures.items():
            path = below(picture.get("file_name"), f"{self.name}: image {shown(number)}")
            if path in found:
                raise DataError(f"{self.name}: {escape_name(path)} is the file of several images.", CORRECT)
            found[path] = None
        return [*found]

    def notes(self) -> Notes:
        """The objects of all pictures."""
        places = {identity: place for place, identity in enumerate(self.pictures)}
        classes = {identity: place for place, identity in enumerate(self.categories)}
        names = [category.get("name") for category in self.categories.values()]
        notes = Notes(checked_names(names, self.name), self._keypoints())
        for place, (identity, picture) in enumerate(self.pictures.items()):
            where = f"{self.name}: image {shown(identity)}"
            notes.sized(where, place, picture.get("width"), picture.get("height"))
        for _, entry, where in self.annotated():
            picture_place = self.referred(entry, "image_id", places, where)
            self._add(notes, where, entry, picture_place, self.referred(entry, "category_id", classes, where))
        return notes

    def annotated(self) -> Iterator[tuple[int, Entry, str]]:
        """The annotations, each with its id and where it stands."""
        seen: set[int] = set()
        for number, entry in enumerate(self.annotations):
            where = f"{self.name}: annotations[{number}]"
            if not isinstance(entry, dict):
                raise DataError(f"{where}: is {shown(entry)}, expected an object of JSON.", CORRECT)
            identity = entry.get("id", number)
            if not is_whole(identity) or identity in seen:
                raise DataError(f"{where}: its id is {shown(identity)}, expected another whole number.", CORRECT)
            seen.add(identity)
            yield identity, entry, where

    def referred(self, entry: Entry, key: str, known: Mapping[int, int], where: str) -> int:
        """The place of the picture or the category that an annotation names."""
        identity = entry.get(key)
        if not is_whole(identity) or identity not in known:
            raise DataError(f"{where}: its {key} is {shown(identity)}, which the file does not have.", CORRECT)
        return known[identity]

    def _add(self, notes: Notes, where: str, entry: Entry, picture: int, class_number: int) -> None:
        box, points = entry.get("bbox"), (entry.get("keypoints") or ()) if notes.keypoints else ()
        if not are_numbers(box) or len(box) != 4:
            raise DataError(f"{where}: its bbox is {shown(box)}, expected a list of four numbers.", CORRECT)
        if not are_numbers(points):
            raise DataError(f"{where}: its keypoints are {shown(points)}, expected a list of numbers.", CORRECT)
        notes.add(
            where,
            picture,
            box=(box[0], box[1], box[0] + box[2], box[1] + box[3]),
            class_number=class_number,
            number=entry.get("id", len(notes)),
            crowd=bool(entry.get("iscrowd")),
            points=points,
            outline=_outline(entry.get(OUTLINE), where) if self._reads_outlines else None,
        )

    def _keypoints(self) -> Keypoints | None:
        """The keypoints that categories name; all must have the same."""
        named: set[tuple[str, ...]] = set()
        for category in self.categories.values():
            if names := category.get("keypoints"):
                where = f"{self.name}: category {shown(category['id'])}"
                if not isinstance(names, list) or len(names) > MOST_KEYPOINTS:
                    expected = f"a list of at most {MOST_KEYPOINTS} names"
                    raise DataError(f"{where}: its keypoints are {shown(names)}, expected {expected}.", CORRECT)
                named.add(checked_names(names, where, "keypoint"))
        if len(named) > 1:
            raise DataError(f"{self.name}: categories have {counted(len(named), 'list')} of keypoints.", CORRECT)
        return next((keypoints_of(names) for names in named), None)


def first_with(places: Iterable[Path], paths: Sequence[str]) -> Path | None:
    """The first folder with one of the first files, whose paths are relative to it."""
    return next((each for each in places if any((each / path).is_file() for path in paths[:LOOKED_FOR])), None)


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


def packed(outline: object) -> object:
    """What `segmentation` says, its polygons (lists of at least three corners) as arrays: a fifth of the memory."""
    polygons = outline if isinstance(outline, list) else ()
    if not polygons or not all(are_numbers(each) and len(each) >= 6 and len(each) % 2 == 0 for each in polygons):
        return outline
    return tuple(np.array(polygon, np.float64) for polygon in polygons)


def _outline(value: object, where: str) -> Outline:
    """What `segmentation` says, once it is `packed`. Raises DataError for what is neither polygons nor run lengths."""
    if isinstance(value, dict | tuple):
        return value
    if value is None or value == []:
        return None
    found = f"{where}: its segmentation is {shown(value)}, expected polygons of 3 corners or more, or run lengths."
    raise DataError(found, CORRECT)


def is_whole(value: object) -> TypeGuard[int]:
    """Whether it is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def are_numbers(values: object) -> TypeGuard[Numbers]:
    """Whether it is a list of numbers that floats hold, finite or not."""
    if not isinstance(values, list | tuple):
        return False
    return all(isinstance(each, float) or (is_whole(each) and abs(each) <= MOST_WHOLE) for each in values)
