"""Pascal VOC: pictures, and a file of XML for each. See the development kit of http://host.robots.ox.ac.uk/pascal/VOC/."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import ClassVar

from mixup_cli.exporters.exporter import Notes
from mixup_cli.exporters.job import Job
from mixup_cli.exporters.objects import LACKS_INSTANCES, Columns, PicturesWithObjects, texts
from mixup_cli.fields.signal import INSTANCES

ANNOTATIONS, SETS = "Annotations", "ImageSets/Main"

FIRST_PIXEL = 1
"""The number of the first pixel of a line: so `xmin` is one more than the left edge, and `xmax`, the number of the last
pixel, equals the right edge."""

LOOKED_FOR = "torchvision's VOCDetection and others look for JPEGImages/….jpg: export as jpeg:95 for these"
LACKS_KEYPOINTS = "voc has boxes alone: keypoints are left out. coco and yolo have them"


class Voc(PicturesWithObjects):
    """`JPEGImages/000000017.png`, `Annotations/000000017.xml`, and `ImageSets/Main/train.txt`. An object is `truncated`
    if not all of it is seen, and `difficult` if its box is around a crowd: evaluations leave out these. `weight` and
    `visible` are elements of ours. Boxes have fractions of pixels, as some of VOC's own do."""

    pictures: ClassVar[str] = "JPEGImages"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.check_names(job.class_names)

    def notices(self) -> Iterator[str]:
        """See `Exporter.notices`."""
        if INSTANCES in self.job.signals:
            yield LACKS_INSTANCES.format("voc")
        if self.job.keypoints:
            yield LACKS_KEYPOINTS
        if self.image_format.ending != "jpg":
            yield LOOKED_FOR

    def describe(self, folder: Path, row: int, objects: Columns) -> None:
        """See `PicturesWithObjects.describe`."""
        (folder / ANNOTATIONS).mkdir(exist_ok=True)
        text = "".join(f"{line}\n" for line in self._lines(row, objects))
        (folder / ANNOTATIONS / f"{self.stem(row)}.xml").write_text(text, "utf-8")

    def _lines(self, row: int, objects: Columns) -> Iterator[str]:
        height, width, depth = self.size
        yield f"<annotation>\n  <folder>{self.pictures}</folder>\n  <filename>{self.file_name(row)}</filename>"
        yield f"  <size><width>{width}</width><height>{height}</height><depth>{depth}</depth></size>"
        yield "  <segmented>0</segmented>"
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
        (folder / SETS).mkdir(parents=True)
        with (folder / SETS / "train.txt").open("w") as file:
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
