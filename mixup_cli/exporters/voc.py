"""Pascal VOC: pictures, a file of XML for each, and masks. See the development kit of
http://host.robots.ox.ac.uk/pascal/VOC/."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.errors import UsageError
from mixup_cli.exporters.exporter import Notes
from mixup_cli.exporters.job import Job
from mixup_cli.exporters.objects import Columns, PicturesWithObjects, texts
from mixup_cli.fields.colours import VOC_COLOURS
from mixup_cli.fields.signal import INSTANCES, MASK, Signal

ANNOTATIONS, CLASSES, OBJECTS = "Annotations", "SegmentationClass", "SegmentationObject"

SETS = {ANNOTATIONS: "ImageSets/Main", CLASSES: "ImageSets/Segmentation"}
"""Where the lists of pictures stand: of those with objects, and of those with masks."""

VOID, MOST = 255, 254
"""The number of pixels that count for nothing, and the largest of classes and objects."""

FIRST_PIXEL = 1
"""The number of the first pixel of a line: so `xmin` is one more than the left edge, and `xmax`, the number of the last
pixel, equals the right edge."""

LOOKED_FOR = "torchvision's VOCDetection and others look for JPEGImages/….jpg: export as jpeg:95 for these"
LACKS_KEYPOINTS = "voc has boxes alone: keypoints are left out. coco and yolo have them"


class Voc(PicturesWithObjects):
    """`JPEGImages/000000017.png`, `Annotations/000000017.xml`, and `ImageSets/Main/train.txt`. An object is `truncated`
    if not all of it is seen, and `difficult` if its box is around a crowd: evaluations leave out these. `weight` and
    `visible` are elements of ours. Boxes have fractions of pixels, as some of VOC's own do.

    Masks are PNG with VOC's palette, and listed in `ImageSets/Segmentation/train.txt`: `SegmentationClass` has class
    masks as they are. Of instances alone, it has their classes from 1. `SegmentationObject` has their numbers. Crowds
    are void."""

    pictures: ClassVar[str] = "JPEGImages"
    holds_masks: ClassVar[bool] = True

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.check_names(job.class_names)
        self._maps = {name: signal for name, signal in job.signals.items() if signal.is_index_map}
        if found := next(filter(None, map(self._unfit, self._maps.values())), ""):
            others = "webdataset" if job.manifest.boxes is None else "coco"
            raise UsageError(found, f"Use {others}.", field="to", value=job.options.to)

    def _unfit(self, signal: Signal) -> str:
        """Why VOC's masks cannot hold an index map; empty if they can."""
        if signal.axes == "phw":
            return f"VOC has one mask a picture, and {self.job.arrays.folder} has one for each parent."
        if signal.name == MASK:
            return "" if signal.dtype == "uint8" else "VOC's masks have 8 bits, and these classes need 16."
        most = int(self.job.arrays.column("object_count").take(self.job.rows).max())
        for count, what in ((len(self.job.class_names), "classes"), (most, "objects in a row")):
            if count > MOST:
                return f"VOC's masks have room for {MOST} {what}, and there are {count}."
        return ""

    def notices(self) -> Iterator[str]:
        """See `Exporter.notices`."""
        if self.job.keypoints:
            yield LACKS_KEYPOINTS
        if self.image_format.ending != "jpg":
            yield LOOKED_FOR

    def describe(self, folder: Path, rows: NDArray[np.int64]) -> None:
        """See `PicturesWithObjects.describe`."""
        for row, objects in self.objects(rows) if self.job.manifest.boxes is not None else ():
            (folder / ANNOTATIONS).mkdir(exist_ok=True)
            text = "".join(f"{line}\n" for line in self._lines(row, objects))
            (folder / ANNOTATIONS / f"{self.stem(row)}.xml").write_text(text, "utf-8")
        for name, masks in self._masks(rows):
            (folder / name).mkdir(exist_ok=True)
            for row, mask in zip(rows.tolist(), masks, strict=True):
                picture = Image.fromarray(mask.astype(np.uint8))
                picture.putpalette(VOC_COLOURS.tobytes())
                picture.save(folder / name / f"{self.stem(row)}.png")

    def _masks(self, rows: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[Any]]]:
        """The folders of masks, with those of some rows: (m, height, width)."""
        if MASK in self._maps:
            yield CLASSES, self.job.arrays.column(MASK).take(rows)
        if INSTANCES not in self._maps:
            return
        numbers = self.job.arrays.column(INSTANCES).take(rows)
        crowd, classes = (self.job.arrays.column(f"object_{name}").take(rows) for name in ("crowd", "class"))
        places = np.broadcast_to(np.arange(1, classes.shape[1] + 1), classes.shape)
        for name, shown in ((CLASSES, classes + 1), (OBJECTS, places)):
            if name == CLASSES and MASK in self._maps:
                continue
            known = np.pad(np.where(crowd > 0, VOID, shown), ((0, 0), (1, 0)))
            yield (
                name,
                np.take_along_axis(known[:, :, None], numbers.reshape(len(rows), -1, 1), 1).reshape(numbers.shape),
            )

    def _lines(self, row: int, objects: Columns) -> Iterator[str]:
        height, width, depth = self.size
        yield f"<annotation>\n  <folder>{self.pictures}</folder>\n  <filename>{self.file_name(row)}</filename>"
        yield f"  <size><width>{width}</width><height>{height}</height><depth>{depth}</depth></size>"
        yield f"  <segmented>{int(bool(self._maps))}</segmented>"
        names = (escape(self.job.class_names[number], quote=False) for number in objects["object_class"])
        columns = (
            objects["object_crowd"],
            *(texts(objects[f"object_{name}"]) for name in ("weight", "visible", "box")),
        )
        for name, crowd, weight, visible, box in zip(names, *columns, strict=True):
            yield f"  <object>\n    <name>{name}</name>\n    <pose>Unspecified</pose>"
            yield f"    <truncated>{int(float(visible) < 1)}</truncated>\n    <difficult>{crowd}</difficult>"
            yield f"    <bndbox>{''.join(_edges(*box))}</bndbox>"
            yield f"    <weight>{weight}</weight>\n    <visible>{visible}</visible>\n  </object>"
        yield "</annotation>"

    def close(self, folder: Path, notes: Sequence[Notes]) -> None:
        """See `Exporter.close`."""
        has = {ANNOTATIONS: self.job.manifest.boxes is not None, CLASSES: bool(self._maps)}
        for place in (SETS[name] for name, is_there in has.items() if is_there):
            (folder / place).mkdir(parents=True)
            with (folder / place / "train.txt").open("w") as file:
                for rows in self.all_rows():
                    file.writelines(f"{self.stem(row)}\n" for row in rows.tolist())


def _edges(left: str, top: str, right: str, bottom: str) -> Iterator[str]:
    """The elements of a box: decimal numbers, no digit lost."""
    for name, edge, first in (
        ("xmin", left, FIRST_PIXEL),
        ("ymin", top, FIRST_PIXEL),
        ("xmax", right, 0),
        ("ymax", bottom, 0),
    ):
        number = f"{Decimal(edge) + first:f}"
        yield f"<{name}>{number.rstrip('0').rstrip('.') if '.' in number else number}</{name}>"
