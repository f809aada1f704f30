"""Zarr 3: a group with an array for each column, in shards of whole rows."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import zarr
from zarr.core.buffer import Buffer
from zarr.storage import LocalStore, MemoryStore, StorePath

from mixup_cli.exporters.exporter import Exporter, Notes
from mixup_cli.exporters.job import Piece
from mixup_cli.readers.samples import Part

CHUNK_BYTES = 1 << 20
"""The most that a reader decompresses for one row, unless a row is larger."""


class Zarr(Exporter):
    """Arrays with the compression that is the library's default and loses nothing. The group's attributes have the
    names of classes, and dimensions have names, as xarray asks for: `sample`, `images_h`, `images_w` and so on.

    A piece is one of zarr's shards in each array, a file. `close` writes the metadata.
    """

    has_even_pieces: ClassVar[bool] = True

    def write(self, piece: Piece, folder: Path) -> Notes:
        """See `Exporter.write`."""
        store = LocalStore(folder)
        for part in self.job.parts:
            array = zarr.Array(zarr.AsyncArray(self._metadata[part.name], StorePath(store, part.name)))
            array[piece.start : piece.stop] = part.read(piece.rows)
        return {}

    def close(self, folder: Path, notes: Sequence[Notes]) -> None:
        """See `Exporter.close`. With consolidated metadata, readers do not list the folder."""
        for name, content in self._files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content.to_bytes())

    @cached_property
    def _metadata(self) -> dict[str, Any]:
        return {name: array.metadata for name, array in zarr.open_group(MemoryStore(self._files), mode="r").arrays()}

    @cached_property
    def _files(self) -> dict[str, Buffer]:
        """The metadata of the group and of each array, by the names of their files."""
        files = dict[str, Buffer]()
        store = MemoryStore(files)
        group = zarr.create_group(store, zarr_format=3, attributes=self.job.facts())
        for part in self.job.parts:
            group.create_array(
                part.name,
                shape=(len(self.job.rows), *part.shape),
                dtype=part.dtype,
                chunks=(self._chunk_rows(part), *part.shape),
                shards=(self.job.even_rows, *part.shape),
                dimension_names=self._dimensions(part),
            )
        with warnings.catch_warnings():  # they stand beside the standard, which says that readers may ignore them
            warnings.filterwarnings("ignore", "Consolidated metadata is currently not part")
            zarr.consolidate_metadata(store)
        return files

    def _chunk_rows(self, part: Part) -> int:
        """A power of two, as `Job.even_rows` is: so one divides the other."""
        most = CHUNK_BYTES // max(1, part.dtype.itemsize * math.prod(part.shape))
        return min(self.job.even_rows, 1 << max(0, most.bit_length() - 1))

    def _dimensions(self, part: Part) -> list[str]:
        signal = self.job.signals.get(part.name)
        axes = (signal and signal.axes) or [str(number) for number in range(len(part.shape))]
        return ["sample", *(f"{part.name}_{axis}" for axis in axes)]
