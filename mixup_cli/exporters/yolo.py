"""YOLO: pictures, and a text file beside each with a line for each object. See
https://docs.ultralytics.com/datasets/detect/ and https://docs.ultralytics.com/datasets/pose/."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.exporters.exporter import Notes
from mixup_cli.exporters.job import Job
from mixup_cli.exporters.objects import Columns, PicturesWithObjects, flattened, texts
from mixup_cli.fields.objects import KEYPOINTS
from mixup_cli.fields.signal import INSTANCES

LABELS, DATA = "labels", "data.yaml"

LACKS = (
    "yolo has boxes without weights: every object counts fully. Boxes around crowds are left out. coco has weights and "
    "crowds"
)
LACKS_OUTLINES = "instances are written as their boxes, without outlines. coco has their pixels as run lengths"


class Yolo(PicturesWithObjects):
    """`images/000000017.png`, `labels/000000017.txt`, and `data.yaml`. A line has the class from 0, then the centre,
    width and height of the box in parts of the picture's; then x, y and COCO's visibility of each keypoint. A picture
    without objects has an empty file."""

    pictures: ClassVar[str] = "images"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.check_names([*job.class_names, *job.keypoints.get("keypoints", ())])

    def notices(self) -> Iterator[str]:
        """See `Exporter.notices`."""
        yield LACKS
        if INSTANCES in self.job.signals:
            yield LACKS_OUTLINES

    def describe(self, folder: Path, rows: NDArray[np.int64]) -> None:
        """See `PicturesWithObjects.describe`."""
        (folder / LABELS).mkdir(exist_ok=True)
        for row, objects in self.objects(rows):
            text = "".join(f"{line}\n" for line in self._lines(objects))
            (folder / LABELS / f"{self.stem(row)}.txt").write_text(text)

    def _lines(self, objects: Columns) -> Iterator[str]:
        height, width, _ = self.size
        low, high = np.split(objects["object_box"].astype(np.float64) / [width, height, width, height], 2, axis=1)
        numbers = [texts((low + high) / 2), texts(high - low)]
        if KEYPOINTS in objects:
            points = objects[KEYPOINTS] / np.array([width, height, 1.0])
            numbers.append(texts(flattened(points)))
        classes = objects["object_class"].astype(str)[:, None]
        for cells in np.concatenate([classes, *numbers], axis=1)[objects["object_crowd"] == 0].tolist():
            yield " ".join(cells)

    def close(self, folder: Path, notes: Sequence[Notes]) -> None:
        """See `Exporter.close`. Texts and lists of JSON are such of YAML as well."""
        names = [f"  {number}: {_quoted(name)}" for number, name in enumerate(self.job.class_names)]
        lines = [f"train: {self.pictures}", "# val: your own pictures, which are not mixed; trainers ask for them"]
        lines += [f"nc: {len(names)}", "names:", *names]
        if keypoints := self.job.keypoints:
            points = ", ".join(map(_quoted, keypoints["keypoints"]))
            lines += [f"kpt_shape: [{len(keypoints['keypoints'])}, 3]", f"flip_idx: {keypoints['mirrored_keypoints']}"]
            lines += ["kpt_names:", *(f"  {number}: [{points}]" for number in range(len(names)))]
        (folder / DATA).write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
