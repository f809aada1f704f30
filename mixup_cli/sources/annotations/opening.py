"""Which format of annotations a place has, if any."""

from __future__ import annotations

from pathlib import Path

from mixup_cli.errors import NoInputError
from mixup_cli.sources.annotations import coco, labelme, open_images, voc, yolo
from mixup_cli.sources.annotations.source import AnnotatedPictures
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.wording import setting

FORMATS = (
    (yolo.looks_like_yolo, yolo.open_yolo),
    (voc.looks_like_voc, voc.open_voc),
    (labelme.looks_like_labelme, labelme.open_labelme),
)


def open_annotated(path: Path, options: SourceOptions) -> AnnotatedPictures | None:
    """The pictures with objects at a place; None if there are no annotations, or labels of another kind are asked for.
    Raises NoInputError where a task needs annotations and the place has none, and what opening them raises."""
    if options.task == "classify":
        return None
    if options.labels_from is not None and path.is_dir():
        if coco.is_coco(Path(options.labels_from)):
            return coco.open_coco(path, options)
        return open_images.open_open_images(path, options) if options.task is not None else None
    if coco.looks_like_coco(path, options.task):
        return coco.open_coco(path, options)
    for looks_alike, open_it in FORMATS:
        if looks_alike(path):
            return open_it(path, options)
    if options.task is None:
        return None
    looked_for = "COCO's JSON, a data.yaml of YOLO, XML of Pascal VOC, JSON of labelme"
    remedy = f"Name the file of annotations, or give a table of boxes with {setting('labels_from')}."
    raise NoInputError(f"{path}: has no annotations of objects (looked for {looked_for}).", remedy)
