"""The contract of a format: what becomes of a piece of the rows, and what completes the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import ExportFormat
from mixup_cli.errors import from_extra
from mixup_cli.exporters.job import Job, Piece

FORMATS: dict[ExportFormat, tuple[str, str]] = {
    "webdataset": ("web_dataset:WebDataset", "webdataset"),
    "imagefolder": ("image_folder:ImageFolder", ""),
    "npz": ("npz:Npz", ""),
    "parquet": ("parquet:Parquet", "parquet"),
    "arrow": ("arrow:Arrow", "arrow"),
    "zarr": ("zarr:Zarr", "zarr"),
    "tfrecord": ("tfrecord:TfRecord", "tensorflow"),
    "mds": ("mds:Mds", "mds"),
    "litdata": ("litdata:LitData", "litdata"),
    "coco": ("coco:Coco", ""),
    "yolo": ("yolo:Yolo", ""),
    "voc": ("voc:Voc", ""),
}
"""Of each format the module in this room and its class, and the extra of this package that brings its library."""

Notes = Mapping[str, Any]
"""What a piece leaves for `close`: plain data, as JSON holds it."""


class Exporter:
    """Writes the rows of a job in one format.

    A run makes one, asks it to `write` each piece, in order, and to `close` at the end. It may be killed anywhere: the
    next one asks for the pieces that are missing alone. So an exporter keeps nothing from piece to piece but what
    follows from the job, and what `close` must know of a piece goes into its notes.

    The same job gives the same bytes: no times, hosts, paths or random names.
    """

    encodes_images: ClassVar[bool] = False
    """Whether it holds encoded images (PNG …), and `Job.image_format` has an effect."""

    has_even_pieces: ClassVar[bool] = False
    """Whether all pieces but the last must have the same number of rows, which those of the shards need not have."""

    single: ClassVar[str] = ""
    """The ending of a file that holds the whole, if `write_file` can write one."""

    streams: ClassVar[bool] = False
    """Whether `write_file` writes from front to back, for a pipe."""

    def __init__(self, job: Job) -> None:
        """Raises UsageError for what the format cannot hold."""
        self.job = job

    def notices(self) -> Iterator[str]:
        """What the export lacks that the data set has, a line each, for people."""
        yield from ()

    def write(self, piece: Piece, folder: Path) -> Notes:
        """Write the files of a piece into `folder`, which is empty, under the names that they have in the export:
        `shard-00000.tar`, `images/c/0`. No two pieces have a name in common. The runner syncs them."""
        raise NotImplementedError

    def write_file(self, rows: NDArray[np.int64], file: BinaryIO) -> None:
        """Write some rows as one file. For formats that have a `single`, or that `streams`."""
        raise NotImplementedError

    @staticmethod
    def wanted_of(path: Path) -> object:
        """Which job (`Job.wanted`) wrote a `single` file; None for a file that no export wrote."""
        raise NotImplementedError

    def close(self, folder: Path, notes: Sequence[Notes]) -> None:
        """Write what completes the export into `folder`, which is empty; `notes` are those of the pieces, in order.
        Its files come last into their place: without them, the export must not look finished to its library."""


def exporter_of(name: ExportFormat) -> type[Exporter]:
    """The exporter of a format. Raises UsageError where its library is not installed."""
    place, extra = FORMATS[name]
    module, _, kind = place.partition(":")
    with from_extra(extra, "it", field="to", value=name):
        found: type[Exporter] = getattr(import_module(f"mixup_cli.exporters.{module}"), kind)
    return found
