"""Which format of annotations a place has, if any."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mixup_cli.choices import Task
from mixup_cli.errors import NoInputError
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import split_kind
from mixup_cli.wording import setting

if TYPE_CHECKING:
    from mixup_cli.sources.pictures.source import PictureSource

SUFFIXES = (".json", ".xml", ".yaml", ".yml")
FOLDERS = ("annotations", "Annotations")
LEVELS = 2
"""How far images lie below the place of their annotations: YOLO's in `images/train`."""


def open_annotated(path: Path, options: SourceOptions) -> PictureSource | None:
    """The pictures with objects, or with captions, at a place; None without any, or if labels of another kind are
    asked for. Raises NoInputError where a task needs annotations and the place has none, and what opening them
    raises."""
    if options.task == "classify":
        return None
    if options.task == "caption":
        from mixup_cli.sources.annotations import coco_captions

        return coco_captions.open_coco_captions(path, options) if coco_captions.has_captions(path, options) else None
    if options.task is None and options.labels_from is None and not might_have(path):
        return None
    from mixup_cli.sources.annotations import coco, open_images  # what only these sources need

    if options.labels_from is not None and path.is_dir():
        if coco.is_coco(Path(options.labels_from)):
            return coco.open_coco(path, options)
        return open_images.open_open_images(path, options) if options.task is not None else None
    if (open_it := _opener(path, options.task)) is not None:
        return open_it(path, options)
    if options.task is None:
        return None
    looked_for = "COCO's JSON, a data.yaml of YOLO, XML of Pascal VOC, JSON of labelme"
    what = "a folder of masks" if options.task == "segment" else "a table of boxes"
    remedy = f"Name the file of annotations, or give {what} with {setting('labels_from')}."
    raise NoInputError(f"{path}: has no annotations of objects (looked for {looked_for}).", remedy)


def _opener(path: Path, task: Task | None) -> Callable[[Path, SourceOptions], PictureSource] | None:
    """What opens the annotations at a place; None without any that are known."""
    from mixup_cli.sources.annotations import coco, labelme, voc, yolo

    if coco.looks_like_coco(path, task):
        return coco.open_coco
    for looks_alike, open_it in (
        (yolo.looks_like_yolo, yolo.open_yolo),
        (voc.looks_like_voc, voc.open_voc),
        (labelme.looks_like_labelme, labelme.open_labelme),
    ):
        if looks_alike(path):
            return open_it
    return None


def annotated_above(folder: Path) -> list[str]:
    """A notice about the folder that is to be named, if this one holds the images of annotations alone."""
    for above in list(folder.absolute().parents)[:LEVELS]:
        with suppress(OSError):
            if might_have(above) and _opener(above, None) is not None:
                return [f"{escape_name(str(above))} has annotations of images: name it to read them"]
    return []


def undescribed(others: Iterable[str]) -> list[str]:
    """A notice about texts beside images, such as YOLO's, which no data.yaml describes."""
    texts = sorted(name for name in others if name.endswith(".txt") and "labels" in name.split("/")[:-1])
    what = "reads such texts as YOLO's, if it says train: and names:"
    return [f"{escape_name(texts[0])}: a data.yaml in the folder {what}"] if texts else []


def might_have(path: Path) -> bool:
    """Whether a place has files as annotations are in: it is one, or they lie in it, in its splits or in a folder for
    them. Most folders have none, and their runs start without the formats."""
    if path.is_file():
        return _is_one(path.name)
    with os.scandir(path) as entries:
        matter = [each for each in entries if _may_matter(each.name)]
    return any(_holds_some(each.path) if each.is_dir() else _is_one(each.name) for each in matter)


def _is_one(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def _may_matter(name: str) -> bool:
    return _is_one(name) or name in FOLDERS or ("." not in name and split_kind(name) is not None)


def _holds_some(folder: str) -> bool:
    with os.scandir(folder) as entries:
        return any(_is_one(each.name) for each in entries)
