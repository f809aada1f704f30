"""`.npy`: one array. NumPy's own reader would unpickle, and believes what the header says."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, ClassVar

import numpy as np

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.sources.arrays.array_file import ArrayFile
from mixup_cli.sources.arrays.stored import Layout, StoredArray

WRITE_AGAIN = "Write it again, with np.save or np.savez."
_HEADER_BYTES = 1 << 14  # NumPy parses at most 10,000 of them, but reads as many as the file says

_READ_HEADER = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
"""By version. Only arrays of records need later ones."""


class NpyFile(ArrayFile):
    """The array in a `.npy`, under the name of the file."""

    is_single: ClassVar[bool] = True

    def __init__(self, path: Path) -> None:
        super().__init__(path, [path.stem])

    def read(self, key: str) -> StoredArray:
        """See `ArrayFile.read`."""
        try:
            with self.path.open("rb") as stream:
                layout = read_npy_header(stream, str(self.path))
        except OSError as error:
            raise NoInputError(f"{self.path}: cannot read ({error.strerror}). Make it readable.") from error
        layout.check_length(self.path.stat().st_size - layout.data_at)
        return layout.left_in(self.path)


def read_npy_header(stream: IO[bytes], where: str) -> Layout:
    """The array that follows; `stream` is left anywhere. Raises DataError if this is not a `.npy`, and for arrays of
    Python objects or records."""
    try:
        start = io.BytesIO(stream.read(_HEADER_BYTES))
        shape, is_fortran, dtype = _READ_HEADER[np.lib.format.read_magic(start)](start)
    except Exception as error:  # NumPy evaluates the header as a Python literal, and raises what that raises
        raise DataError(f"{where}: has no readable .npy header.", WRITE_AGAIN) from error
    if dtype.hasobject or dtype.names is not None:
        raise DataError(
            f"{where}: is an array of {dtype}, expected numbers or strings. Make plain numbers of it, and write it "
            "again: nothing is ever unpickled here."
        )
    layout = Layout(where, WRITE_AGAIN, tuple(shape), dtype, start.tell(), "F" if is_fortran else "C")
    if shape or not dtype.itemsize:  # a single value is refused where samples are expected, but must have bytes
        layout.check_claim()
    return layout
