"""COCO's JSON: pictures, annotations and categories in one file, referring to each other by ids of any value.

Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014; https://cocodataset.org/#format-data. A box is x, y,
width and height in pixels from 0, fractions too. Class numbers are given in the order of the categories' ids. Outlines
of objects (`segmentation`) are read for the task segment.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

from mixup_cli.choices import Task
from mixup_cli.errors import DataError, NoInputError
from mixup_cli.sources.annotations.beside import files_in, split_folders
from mixup_cli.sources.annotations.coco_tables import OUTLINE, READ, Entry, Reader, first_with, packed
from mixup_cli.sources.annotations.panoptic import PREFIX, PanopticMaps, PanopticReader, is_panoptic
from mixup_cli.sources.annotations.panoptic import READ_AS as PANOPTIC
from mixup_cli.sources.annotations.source import Annotated, AnnotatedPictures
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import one_split, split_in
from mixup_cli.wording import counted, json_problem, setting

READ_AS = "COCO annotations"

FOLDERS = ("annotations", "Annotations", ".")
"""Where files of annotations lie in the folder of a data set; Roboflow has one in the folder of each split …"""

KIND_WORDS = ("instances", "person_keypoints", "_annotations.coco", "annotations", PREFIX)
"""… and how their names begin, the likeliest first; `instances_train2017` is of the pictures `train2017`."""

TABLES = ("images", "annotations", "categories")
KEYS = frozenset((*TABLES, *READ))
"""All that is read of a file; what else it says is dropped at once."""

CAPTIONS = "captions"
"""How the names of files with captions begin. They have no categories."""

CAPTION_WORDS = (*TABLES[:2], "caption")


def looks_like_coco(path: Path, task: Task | None) -> bool:
    """Whether it is a JSON file, or a folder with annotations in one, of pictures."""
    if path.is_file():
        return path.suffix.lower() == ".json"
    return path.is_dir() and bool(_files_in(path, task))


def is_coco(file: Path, words: Sequence[str] = TABLES) -> bool:
    """Whether a file has the words in it that COCO's annotations have."""
    try:
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return all(content.find(f'"{word}"'.encode()) >= 0 for word in words)
    except (OSError, ValueError):  # ValueError: an empty file
        return False


def open_coco(path: Path, options: SourceOptions) -> AnnotatedPictures:
    """The pictures of an annotation file, or of the one in a folder that is of the wanted split; or of `labels_from`,
    which is then about the pictures in a folder. Raises DataError for what is not such a file, UsageError if it is in
    doubt which to take."""
    file, notices, ignored = chosen_file(path, options)
    root = path if path.is_dir() else path.parent
    return _annotated(path, root, file, (notices, ignored), options).opened(options)


def chosen_file(path: Path, options: SourceOptions) -> tuple[Path, list[str], frozenset[str]]:
    """The file of annotations of what was named; notices, and the options that have no effect. Raises UsageError where
    that is in doubt."""
    if not path.is_dir():
        return path, [], frozenset({"split", "labels_from"})
    if options.labels_from is not None:
        return Path(options.labels_from), [], frozenset({"split"})
    files = _files_in(path, options.task)
    kinds = {str(each): split_in(each.stem) or split_in(each.parent.name) or "" for each in files}
    chosen, notices = one_split(kinds, options.split, escape_name(str(path)))
    return Path(chosen), notices, frozenset()


def _annotated(
    path: Path, root: Path, file: Path, how: tuple[list[str], frozenset[str]], options: SourceOptions
) -> Annotated:
    """What a file says. Its content, hundreds of megabytes for COCO's own, is gone when this returns."""
    (notices, ignored), reads_outlines = how, options.task == "segment"
    content, name = content_of(file, KEYS if reads_outlines else KEYS - {OUTLINE}), escape_name(str(file))
    if is_panoptic(content):
        return _panoptic(path, root, file, PanopticReader(name, content), how, options)
    reader = Reader(name, content, reads_outlines=reads_outlines)
    paths = reader.paths()
    place = str(place_of(file, root, paths))
    return Annotated(str(path), place, paths, reader.notes(), READ_AS, notices, ignored)


def _panoptic(
    path: Path,
    root: Path,
    file: Path,
    reader: PanopticReader,
    how: tuple[list[str], frozenset[str]],
    options: SourceOptions,
) -> Annotated:
    """What a file of segments says, with the index maps of its pictures unless objects alone are asked for."""
    (notices, ignored), paths = how, reader.paths()
    place = str(place_of(file, root, paths))
    if reader.left_out:
        notices.append(f"left out {counted(reader.left_out, 'image')} without segments")
    notes = reader.notes()
    maps = PanopticMaps(file, reader.maps, options) if options.task in (None, "segment") else None
    ignored |= frozenset() if maps else {"ignore_index"}
    return Annotated(str(path), place, paths, notes, PANOPTIC, notices, ignored, maps)


def _files_in(folder: Path, task: Task | None) -> list[Path]:
    """Files of annotations in a folder, those of the likeliest kind."""
    kinds = [CAPTIONS] if task == "caption" else [*["person_keypoints"] * (task == "pose"), *KIND_WORDS]
    words = CAPTION_WORDS if task == "caption" else TABLES
    inside = [[folder / place] for place in FOLDERS] + [split_folders(folder)]
    places = [[file for each in folders for file in files_in(each, ".json")] for folders in inside]
    for kind in kinds:
        for files in places:
            if found := [each for each in files if each.name.startswith(kind) and is_coco(each, words)]:
                return found
    return []


def content_of(file: Path, keys: Container[str], tables: Sequence[str] = TABLES) -> Entry:
    """What a file says under these keys. COCO's own have outlines of 860,000 objects, which would take 1.6 GB. Raises
    NoInputError and DataError if it cannot be read, or lacks a list."""
    name = escape_name(str(file))

    def read(entry: dict[str, Any]) -> Entry:
        known = {key: value for key, value in entry.items() if key in keys}
        if OUTLINE in known:
            known[OUTLINE] = packed(known[OUTLINE])
        return known

    try:
        content = json.loads(_text(file), object_hook=read)
    except OSError as problem:
        raise NoInputError(f"{name}: cannot be read ({problem.strerror}).", "Check the path.") from problem
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{name}: is not JSON ({json_problem(problem)}).", "Fetch it again.") from None
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in tables):
        found = f"{name}: lacks one of the lists {', '.join(tables)}, which COCO's annotations have."
        remedy = (
            f"Give a file of annotations, or a folder of images; captions are read with {setting('task', 'caption')}."
        )
        raise DataError(found, remedy)
    return content


def _text(file: Path) -> str:
    data = file.read_bytes()  # gone when this returns
    return data.decode(json.detect_encoding(data), "surrogatepass")


def place_of(file: Path, root: Path, paths: Sequence[str]) -> Path:
    """The folder that file names are relative to: the first with one of the first pictures. Raises DataError if none
    is there."""
    split = file.stem
    for kind in (*KIND_WORDS, CAPTIONS):
        split = split.removeprefix(f"{kind}_")
    folders = dict.fromkeys([root, file.parent, file.parent.parent])
    places = [folder / name for folder in folders for name in (".", "images", split, f"images/{split}")]
    if (place := first_with(places, paths)) is not None:
        return place
    if not paths:
        return root
    tried = ", ".join(dict.fromkeys(escape_name(str(place)) for place in places))
    found = f"{escape_name(str(file))}: its first image, {escape_name(paths[0])}, is in none of {tried}."
    raise DataError(found, "Put the images in one of these folders.")
