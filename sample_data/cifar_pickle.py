"""Pickles as Python 2 and NumPy 1 wrote the CIFAR archives: protocol 2, byte strings, NumPy 1's module names.

Python 3 cannot write these with `pickle` (it has no opcode for byte strings below protocol 3), so the opcodes are put
together here. They are the published archives' (keys as SHORT_BINSTRING, labels as BININT1, pixels as a BINSTRING that
`numpy.core.multiarray._reconstruct` takes as its state) but for the memo notes (BINPUT), which nothing reads.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

Pixels = np.ndarray[tuple[int, int], np.dtype[np.uint8]]


def py2_string(data: bytes) -> bytes:
    """A Python 2 `str`: SHORT_BINSTRING up to 255 bytes, BINSTRING above."""
    return b"U" + bytes([len(data)]) + data if len(data) < 256 else b"T" + struct.pack("<i", len(data)) + data


def integer(value: int) -> bytes:
    """An int in the shortest of BININT1, BININT2 and BININT."""
    if 0 <= value < 256:
        return b"K" + bytes([value])
    return b"M" + struct.pack("<H", value) if 0 <= value < 65536 else b"J" + struct.pack("<i", value)


def array(pixels: Pixels) -> bytes:
    """A uint8 array of two dimensions, rebuilt by NumPy 1's `_reconstruct` and set by its state."""
    rows, columns = pixels.shape
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + py2_string(b"b") + b"\x87R"
    dtype = b"cnumpy\ndtype\n" + py2_string(b"u1") + b"K\x00K\x01\x87R"
    dtype += b"(K\x03" + py2_string(b"|") + b"NNN" + integer(-1) * 2 + b"K\x00tb"
    shape = integer(rows) + integer(columns) + b"\x86"
    return empty + b"(K\x01" + shape + dtype + b"\x89" + py2_string(pixels.tobytes()) + b"tb"


def sequence(items: Sequence[bytes]) -> bytes:
    """A list of values that are opcodes already."""
    return b"](" + b"".join(items) + b"e"


def mapping(items: Sequence[tuple[str, bytes]]) -> bytes:
    """A whole pickle: a dict with `str` keys, of values that are opcodes already."""
    return b"\x80\x02}(" + b"".join(py2_string(key.encode()) + value for key, value in items) + b"u."


def batch(title: str, pixels: Pixels, labels: Sequence[int], file_names: Sequence[str]) -> bytes:
    """A CIFAR-10 batch: uint8 (N, 3072), N labels, N file names."""
    return mapping(
        [
            ("batch_label", py2_string(title.encode())),
            ("labels", sequence([integer(label) for label in labels])),
            ("data", array(pixels)),
            ("filenames", sequence([py2_string(name.encode()) for name in file_names])),
        ]
    )
