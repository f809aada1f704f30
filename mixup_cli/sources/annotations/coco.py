"""COCO's JSON: pictures, annotations and categories in one file, referring to each other by ids of any value.

Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014; https://cocodataset.org/#format-data. A box is x, y,
width and height in pixels from 0, fractions too. Class numbers are given in the order of the categories' ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.fields.objects import Keypoints
from mixup_cli.sources.annotations.notes import MOST_ID, Notes
from mixup_cli.sources.annotations.source import Annotated, AnnotatedPictures
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import of_one_split
from mixup_cli.wording import counted

READ_AS = "COCO annotations"

FOLDERS = ("annotations", "Annotations", ".")
"""Where files of annotations lie in the folder of a data set …"""

KIND_WORDS = ("instances", "person_keypoints", "annotations", "_annotations.coco", "")
"""… and how their names begin, the likeliest first; `instances_train2017` is of the pictures `train2017`."""

Entry = Mapping[str, Any]


def looks_like_coco(path: Path) -> bool:
    """Whether it is a JSON file, or a folder with annotations in one, of pictures."""
    if path.is_file():
        return path.suffix.lower() == ".json"
    return path.is_dir() and bool(_files_in(path))


def open_coco(path: Path, options: SourceOptions) -> AnnotatedPictures:
    """The pictures of an annotation file, or of the one in a folder that is of the wanted split. Raises DataError for
    what is not such a file, UsageError if it is in doubt which to take."""
    files, notices = [path], []
    if path.is_dir():
        found = _files_in(path)
        files, notices = of_one_split({str(each): each.stem for each in found}, options.split, str(path))
        files = [Path(each) for each in files]
    if len(files) > 1:
        files = [each for each in files if each.name.startswith(_kind_of(files[0]))][:1] or files[:1]
    return _opened(files[0], path if path.is_dir() else path.parent, notices).opened(options)


def _files_in(folder: Path) -> list[Path]:
    """Files of annotations in a folder, those of the likeliest kind."""
    for kind in KIND_WORDS[:-1]:
        for place in FOLDERS:
            if found := sorted((folder / place).glob(f"{kind}*.json")):
                return found
    return []


def _kind_of(file: Path) -> str:
    return next(kind for kind in KIND_WORDS if file.stem.startswith(kind))


def _opened(file: Path, root: Path, notices: Sequence[str]) -> Annotated:
    reader = _Reader(str(file), _content(file))
    paths = reader.paths()
    place = _place_of(file, root, paths)
    return Annotated(str(place), paths, reader.notes(), READ_AS, notices)


def _content(file: Path) -> Entry:
    try:
        with file.open("rb") as stream:
            content = json.load(stream)
    except OSError as problem:
        raise NoInputError(f"{file}: cannot be read ({problem.strerror}).") from problem
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{file}: is not JSON ({str(problem) or 'nested too deeply'}).", "Fetch it again.") from None
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in TABLES):
        found = f"{file}: lacks one of the lists {', '.join(TABLES)}, which COCO's annotations have."
        raise DataError(found, "Give a file of annotations, or a folder of images.")
    return content


TABLES = ("images", "annotations", "categories")


def _place_of(file: Path, root: Path, paths: Sequence[str]) -> Path:
    """The folder that file names are relative to: the first with the first picture."""
    split = file.stem
    for kind in KIND_WORDS:
        split = split.removeprefix(f"{kind}_")
    folders = [root, file.parent, file.parent.parent]
    places = [folder / name for folder in folders for name in (".", "images", split, f"images/{split}")]
    for place in places if paths else ():
        if (place / paths[0]).is_file():
            return place
    if not paths:
        return root
    tried = ", ".join(dict.fromkeys(escape_name(str(place)) for place in places))
    found = f"{file}: its first picture, {escape_name(paths[0])}, is in none of {tried}."
    raise DataError(found, "Put the pictures in one of these folders.")


class _Reader:
    """One file of annotations. Raises DataError where an entry is not what the format says."""

    def __init__(self, name: str, content: Entry) -> None:
        self._name = name
        self._pictures = dict(self._by_id(content, "images"))
        self._categories = dict(sorted(self._by_id(content, "categories")))
        self._annotations = content["annotations"]

    def _by_id(self, content: Entry, table: str) -> Iterator[tuple[int, Entry]]:
        seen = set()
        for number, entry in enumerate(content[table]):
            where = f"{self._name}: {table}[{number}]"
            identity = entry.get("id") if isinstance(entry, dict) else None
            if not _is_whole(identity):
                raise DataError(f"{where}: has the id {identity!r:.50}, expected a whole number.", REMEDY)
            if identity in seen:
                raise DataError(f"{where}: has the id {identity} of an earlier one.", REMEDY)
            seen.add(identity)
            yield identity, entry

    def paths(self) -> list[str]:
        """The file of each picture, relative to a folder to be found. Raises DataError for names that leave it."""
        found = []
        for number, picture in self._pictures.items():
            name = picture.get("file_name")
            if not isinstance(name, str) or not name or name.startswith("/") or ".." in name.split("/") or "\0" in name:
                where = f"{self._name}: image {number}"
                raise DataError(f"{where}: has the file name {name!r:.80}, expected one below its folder.", REMEDY)
            found.append(name)
        if len({*found}) < len(found):
            twice = next(name for name in found if found.count(name) > 1)
            raise DataError(f"{self._name}: {escape_name(twice)} is the file of several images.", REMEDY)
        return found

    def notes(self) -> Notes:
        """The objects of all pictures."""
        places = {identity: place for place, identity in enumerate(self._pictures)}
        classes = {identity: place for place, identity in enumerate(self._categories)}
        notes = Notes(tuple(self._class_names()), self._keypoints())
        seen: set[int] = set()
        for number, entry in enumerate(self._annotations):
            where = f"{self._name}: annotations[{number}]"
            if not isinstance(entry, dict):
                raise DataError(f"{where}: is {entry!r:.50}, expected an object of JSON.", REMEDY)
            for key, known, table in (("image_id", places, "images"), ("category_id", classes, "categories")):
                if not _is_whole(entry.get(key)) or entry[key] not in known:
                    found = f"{where}: its {key} is {entry.get(key)!r:.50}, which is not in {table}."
                    raise DataError(found, REMEDY)
            identity = entry.get("id", number)
            if not _is_whole(identity) or identity in seen:
                raise DataError(f"{where}: its id is {identity!r:.50}, expected another whole number.", REMEDY)
            seen.add(identity)
            box, points = entry.get("bbox"), entry.get("keypoints") or () if notes.keypoints else ()
            if not _are_numbers(box, 4) or not _are_numbers(points):
                what = "keypoints" if _are_numbers(box, 4) else "bbox"
                raise DataError(f"{where}: its {what} is {entry.get(what)!r:.50}, expected numbers.", REMEDY)
            notes.add(
                where,
                places[entry["image_id"]],
                box=(box[0], box[1], box[0] + box[2], box[1] + box[3]),
                class_number=classes[entry["category_id"]],
                number=identity,
                crowd=bool(entry.get("iscrowd")),
                points=points,
            )
        return notes

    def _class_names(self) -> list[str]:
        names = [category.get("name") for category in self._categories.values()]
        for name in names:
            if not isinstance(name, str) or not name or names.count(name) > 1:
                raise DataError(f"{self._name}: a category has the name {name!r:.50}, expected another text.", REMEDY)
        return names

    def _keypoints(self) -> Keypoints | None:
        """The keypoints that categories name; all must have the same."""
        named = {tuple(each["keypoints"]) for each in self._categories.values() if each.get("keypoints")}
        if len(named) > 1:
            raise DataError(f"{self._name}: categories have {counted(len(named), 'list')} of keypoints.", REMEDY)
        return next((keypoints_of(names) for names in named), None)


REMEDY = "Correct the file."


def keypoints_of(names: Sequence[str]) -> Keypoints:
    """Keypoints by their names: `left_eye` and `right_eye` change places in a mirror."""
    swapped = [
        name.replace("left", "\0").replace("right", "left").replace("\0", "right") if isinstance(name, str) else name
        for name in names
    ]
    places = {name: place for place, name in enumerate(names)}
    mirrored = tuple(places.get(other, place) for place, other in enumerate(swapped))
    return Keypoints(tuple(map(str, names)), mirrored)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_numbers(values: object, count: int | None = None) -> bool:
    """Whether they are numbers that floats hold, finite or not, and as many as expected."""
    if not isinstance(values, list | tuple) or count not in (None, len(values)):
        return False
    return all(isinstance(each, float) or (_is_whole(each) and abs(each) <= MOST_ID) for each in values)
