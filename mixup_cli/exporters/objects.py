"""What formats share that hold pictures with boxes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.exporters.by_sample import BySample
from mixup_cli.exporters.exporter import Notes
from mixup_cli.exporters.images import check_images
from mixup_cli.exporters.job import Job, Piece
from mixup_cli.fields.objects import OBJECT_COLUMNS
from mixup_cli.fields.signal import FIRST
from mixup_cli.storage.meanings import mask_of

ROWS_AT_ONCE = 1 << 12
"""Rows whose objects are read together, without their pictures."""

UNSAFE = re.compile("[^ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML lacks, or that YAML reads as another one."""

Columns = Mapping[str, NDArray[Any]]


class PicturesWithObjects(BySample):
    """A picture for each row, `000000017.png` in the folder `pictures`, and what is written of its objects."""

    pictures: ClassVar[str]

    holds_masks: ClassVar[bool] = False
    """Whether the format holds class masks too, without objects."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        to, has_masks = job.options.to, mask_of(job.manifest) is not None
        if job.manifest.boxes is None and not (self.holds_masks and has_masks):
            found = f"{job.arrays.folder} has no objects, whose boxes {to} is for."
            others = "voc or webdataset" if has_masks else "webdataset or imagefolder"
            raise UsageError(found, f"Use, for example, {others}.", field="to", value=to)
        if job.options.columns is not None:
            raise UsageError(f"{to} has pictures and objects, always.", "Leave it out.", field="columns")
        check_images(job.signals, self.image_format, to)

    @cached_property
    def size(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture."""
        signal = self.job.signals[FIRST]
        lengths = dict(zip(signal.axes, signal.shape, strict=True))
        return lengths["h"], lengths["w"], lengths.get("c", 1)

    def write(self, piece: Piece, folder: Path) -> Notes:
        """See `Exporter.write`."""
        (folder / self.pictures).mkdir(parents=True)

        def save(rows: NDArray[np.int64]) -> None:
            for row, image in zip(rows.tolist(), self.encoders[FIRST](rows), strict=True):
                (folder / self.pictures / self.file_name(row)).write_bytes(image)
            self.describe(folder, rows)

        for _ in self.job.blocks(piece.rows, save):
            pass
        return {}

    def describe(self, folder: Path, rows: NDArray[np.int64]) -> None:
        """Write what stands in files of its own for each picture."""

    def stem(self, row: int) -> str:
        """The name of a row's files, but for their endings."""
        return f"{row:09}"

    def file_name(self, row: int) -> str:
        """The name of a row's picture."""
        return f"{self.stem(row)}.{self.image_format.ending}"

    def objects(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, Columns]]:
        """Each of some rows with the columns of its n objects: (n, …) each."""
        values = {part.name: part.read(rows) for part in self.job.parts if part.name in OBJECT_COLUMNS}
        counts = values.pop("object_count")
        for place, (row, count) in enumerate(zip(rows.tolist(), counts.tolist(), strict=True)):
            yield row, {name: each[place, :count] for name, each in values.items()}

    def all_rows(self) -> Iterator[NDArray[np.int64]]:
        """The rows of the export, some at a time."""
        for start in range(0, len(self.job.rows), ROWS_AT_ONCE):
            yield self.job.rows[start : start + ROWS_AT_ONCE]

    def check_names(self, names: Iterable[str]) -> None:
        """Raises UsageError for names that a text file of the format cannot hold."""
        for name in names:
            if UNSAFE.search(name):
                found = f"the name {name!r} has characters that {self.job.options.to} cannot hold."
                raise UsageError(found, "Use coco.", field="to", value=self.job.options.to)


def flattened(points: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The numbers of the keypoints of each object, (n, J, 3), one after another: (n, 3 · J), also where n is 0."""
    return points.reshape(len(points), math.prod(points.shape[1:]))


def texts(values: NDArray[np.floating[Any]]) -> NDArray[Any]:
    """Numbers as float32, as short as they can be without loss."""
    short: NDArray[Any] = values.astype(np.float32).astype(str)
    return short


def short(values: NDArray[np.floating[Any]]) -> Any:
    """The same as lists of floats, which JSON then has as short."""
    return texts(values).astype(np.float64).tolist()
