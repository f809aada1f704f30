"""`.safetensors`: a JSON header, and behind it the bytes of each array, little-endian and in C order.

The layout is the library's (https://github.com/huggingface/safetensors, "Format"): 8 bytes with the length of the
header; the header, an object of `{"dtype", "shape", "data_offsets"}` by name; the data, to which the offsets count.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.sources.arrays.array_file import ArrayFile
from mixup_cli.sources.arrays.stored import Layout, StoredArray
from mixup_cli.wording import json_problem

WRITE_AGAIN = "Write it again, with safetensors.numpy.save_file."

DTYPES = {
    "BOOL": "?",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
}
"""Their names of dtypes, and NumPy's."""

BFLOAT16 = "BF16"
"""The upper half of a float32, which NumPy does not have."""

_HEADER_LIMIT_BYTES = 100_000_000  # the library's own


class SafetensorsFile(ArrayFile):
    """The arrays in a `.safetensors`."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                length = int.from_bytes(stream.read(8), "little")
                if not 2 <= length <= min(size - 8, _HEADER_LIMIT_BYTES):
                    raise DataError(f"{path}: is not safetensors (its header would have {length} bytes).", WRITE_AGAIN)
                header = json.loads(stream.read(length))
        except OSError as error:
            raise NoInputError(f"{path}: cannot read ({error.strerror}). Make it readable.") from error
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}: its header is not JSON ({json_problem(error)}).", WRITE_AGAIN) from error
        if not isinstance(header, dict):
            raise DataError(f"{path}: its header is not a JSON object.", WRITE_AGAIN)
        self._header, self._data_at, self._data_bytes = header, 8 + length, size - 8 - length
        super().__init__(path, sorted(key for key in header if key != "__metadata__"))

    def read(self, key: str) -> StoredArray:
        """See `ArrayFile.read`."""
        found, where = self._header[key], f"{self.path}: {key}"
        try:
            name, shape, (start, stop) = found["dtype"], tuple(found["shape"]), found["data_offsets"]
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{where}: its dtype, shape and offsets are damaged.", WRITE_AGAIN) from error
        if not all(type(each) is int and each >= 0 for each in (*shape, start, stop)):
            raise DataError(f"{where}: its shape or its offsets are not numbers from 0.", WRITE_AGAIN)
        if str(name) not in (*DTYPES, BFLOAT16):
            known = ", ".join((*DTYPES, BFLOAT16))
            raise DataError(f"{where}: has the dtype {name!s:.40}, expected one of {known}.", "Write it as F32.")
        layout = Layout(where, WRITE_AGAIN, shape, np.dtype(DTYPES.get(name, "<u2")), self._data_at + start)
        layout.check_claim()
        layout.check_length(stop - start)
        if stop > self._data_bytes:
            raise DataError(f"{where}: ends at byte {stop} of {self._data_bytes}; the file is cut short.", WRITE_AGAIN)
        rows = layout.left_in(self.path)
        return Widened(rows) if name == BFLOAT16 else rows


@dataclass(frozen=True)
class Widened:
    """Upper halves of float32 (uint16), read as float32."""

    halves: StoredArray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.halves.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype("<f4")

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        return (self.halves[rows].astype("<u4") << 16).view("<f4")
