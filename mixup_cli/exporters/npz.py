"""NumPy's .npz: an array for each column, as `numpy.savez` writes them, without a copy of all rows in memory."""

from __future__ import annotations

import json
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, ClassVar

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mixup_cli.exporters.exporter import Exporter, Notes
from mixup_cli.exporters.job import Piece

FACTS = "mixup_gen"
"""The array with what a stranger must know of the others, as JSON."""


class Npz(Exporter):
    """`shard-00000.npz` for each piece, or one file. Beside the columns, `class_names` has the names of the classes."""

    single: ClassVar[str] = ".npz"

    def write(self, piece: Piece, folder: Path) -> Notes:
        """See `Exporter.write`."""
        with (folder / f"shard-{piece.number:05}.npz").open("wb") as file:
            self.write_file(piece.rows, file)
        return {}

    def write_file(self, rows: NDArray[np.int64], file: BinaryIO) -> None:
        """See `Exporter.write_file`."""
        small = {"class_names": np.array(self.job.class_names, str), FACTS: np.array(json.dumps(self.job.facts()))}
        with zipfile.ZipFile(file, "w") as archive:
            for part in self.job.parts:
                with archive.open(f"{part.name}.npy", "w", force_zip64=True) as member:
                    head = {
                        "descr": npy.dtype_to_descr(part.dtype),
                        "fortran_order": False,
                        "shape": (len(rows), *part.shape),
                    }
                    npy.write_array_header_1_0(member, head)
                    for block in self.job.cut(rows):
                        member.write(np.ascontiguousarray(part.read(block)).data)
            for name, values in small.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    npy.write_array(member, values)

    @staticmethod
    def wanted_of(path: Path) -> object:
        """See `Exporter.wanted_of`."""
        with suppress(OSError, ValueError, KeyError, zipfile.BadZipFile), np.load(path) as arrays:
            return json.loads(str(arrays[FACTS]))["mixup_gen_export"]
        return None
