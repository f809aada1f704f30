"""Samples in a mapped file. Worker processes are sent its name, and map the same file, or their host's copy of it."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.engines.files import File
from mixup_cli.engines.parcels import reduce_with

Map: TypeAlias = np.memmap[Any, Any]


def map_file(path: Path, dtype: str, shape: tuple[int, ...], offset: int = 0) -> Map:
    """A file, from a byte on, as an array that can be written."""
    return np.memmap(path, dtype, "r+", offset, shape)


def moved(array: Map, path: Path) -> None:
    """Note that the file has another name now."""
    array.filename = str(path)


def _by_name(array: Map) -> tuple[Any, ...]:
    """How an array in a file is sent, or any view of one: where it lies, not what it holds."""
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if not isinstance(owner, mmap.mmap):
        return np.array, (np.asarray(array),)  # computed from one that is in a file
    mapped_at = array.offset - array.offset % mmap.ALLOCATIONGRANULARITY
    position = mapped_at + array.ctypes.data - np.frombuffer(owner, np.uint8).ctypes.data
    return _mapped_again, (
        File.of(str(array.filename)),
        array.mode,
        array.dtype.str,
        position,
        array.shape,
        array.strides,
    )


def _mapped_again(
    file: File, mode: Any, dtype: str, position: int, shape: tuple[int, ...], strides: tuple[int, ...]
) -> NDArray[Any]:
    whole: Map = np.memmap(file.here(), np.uint8, mode)
    return np.ndarray(shape, dtype, whole, position, strides)


reduce_with(np.memmap, _by_name)
