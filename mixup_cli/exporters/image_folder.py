"""A folder of images with `metadata.csv`, as Hugging Face's `imagefolder` and mixup-gen itself read it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.exporters.by_sample import BySample
from mixup_cli.exporters.exporter import Notes
from mixup_cli.exporters.images import check_images
from mixup_cli.exporters.job import Job, Piece
from mixup_cli.fields.signal import FIRST

METADATA, FILE_NAME = "metadata.csv", "file_name"


class ImageFolder(BySample):
    """`00000/000000017.png`, a folder for each piece, and a line of `metadata.csv` for each image: the label with a
    column for each class, and the other columns, those of several numbers as `share_0`, `share_1`."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        if (first := job.arrays.manifest.signals[0].name) != FIRST:
            raise UsageError(f"samples are {first}, and not images.", "Use npz.", field="to", value="imagefolder")
        if FIRST not in job.signals:
            raise UsageError("leaves out the images.", f"Add {FIRST}, or use npz.", field="columns")
        if beside := [name for name in job.signals if name != FIRST]:
            found = f"a table of text holds no {beside[0]!r} beside the images."
            others = "voc or webdataset" if job.signals[beside[0]].is_index_map else "npz"
            raise UsageError(found, f"Name the other columns, or use {others}.", field="columns")
        check_images(job.signals, self.image_format, "imagefolder")
        self._cells = [part for part in job.parts if part.name != FIRST]
        self._header = [FILE_NAME, *(name for part in self._cells for name in self._names(part.name, part.shape))]
        if twice := sorted({name for name in self._header if self._header.count(name) > 1}):
            found = f"a class is called {twice[0]!r}, as another column of metadata.csv."
            raise UsageError(found, "Name the other columns.", field="columns")

    def _names(self, name: str, shape: tuple[int, ...]) -> Iterator[str]:
        """The columns of the table for one of the data set."""
        if name == "labels":
            yield from self.job.class_names
        else:
            yield from ("_".join([name, *map(str, place)]) for place in np.ndindex(shape))

    def write(self, piece: Piece, folder: Path) -> Notes:
        """See `Exporter.write`."""
        (folder / f"{piece.number:05}").mkdir()

        def save(rows: NDArray[np.int64]) -> None:
            for row, image in zip(rows.tolist(), self.encoders[FIRST](rows), strict=True):
                (folder / self._file_name(piece, row)).write_bytes(image)

        for _ in self.job.blocks(piece.rows, save):
            pass
        return {}

    def _file_name(self, piece: Piece, row: int) -> str:
        return f"{piece.number:05}/{row:09}.{self.image_format.ending}"

    def close(self, folder: Path, notes: Sequence[Notes]) -> None:
        """See `Exporter.close`."""
        with (folder / METADATA).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(self._header)
            for piece in self.job.pieces():
                file.writelines(self.job.blocks(piece.rows, partial(self._lines, piece)))

    def _lines(self, piece: Piece, rows: NDArray[np.int64]) -> str:
        """The lines of some rows."""
        columns = [self._texts(part.name, part.read(rows)) for part in self._cells]
        names = [self._file_name(piece, row) for row in rows.tolist()]
        text = io.StringIO()
        lines = ([name, *(cell for column in columns for cell in column[place])] for place, name in enumerate(names))
        csv.writer(text, lineterminator="\n").writerows(lines)
        return text.getvalue()

    def _texts(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        """The cells of some rows, (m, columns): numbers as short as they can be without loss, methods by name."""
        flat = values.reshape(len(values), -1)
        texts: NDArray[Any] = np.full(flat.shape, "0", object)
        if name == "method":
            return np.array(self.job.manifest.methods, object).take(flat, out=texts)
        filled = flat != 0  # most shares are 0
        texts[filled] = [str(value) for value in flat[filled]]
        return texts
